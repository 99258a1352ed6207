import Glibc
import HTTPSemantics

/// The fields that one side of a connection has sent and may refer to (RFC 7541 § 2.3.2): the newest has the index 0, the
/// oldest go first. Has no memory until something is added.
///
/// The bytes of a field stand together, those of the fields one after the other in `bytes`; where its end is reached those
/// in use move to its beginning. Its size is bound by the protocol: 4 KiB, and so 128 fields.
///
/// SAFETY: an entry's range is below `byteEnd`, what `entries` and `heads` are asked for is masked or counted by `capacity`.
@safe
struct HPACKDynamicTable: ~Copyable {
    /// What SETTINGS_HEADER_TABLE_SIZE says where it is not sent (RFC 9113 § 6.5.2): nobody here says anything else.
    static let byteLimit = 4096
    /// Counted for each field (RFC 7541 § 4.1).
    private static let entryOverhead = 32
    private static let entryLimit = byteLimit / entryOverhead
    private static let headCount = 64

    private struct Entry {
        var offset: UInt16
        var nameCount: UInt16
        var valueCount: UInt16
        var known: KnownField
        /// Its name and its value may stand in any message.
        var isWellFormed: Bool
        var hash: UInt32
        /// The one before it with the same hash, or the same head of the list: its number and 1; 0: none.
        var next: UInt32
    }

    private var bytes: UnsafeMutablePointer<UInt8>?
    private var byteCapacity = 0
    private var byteEnd = 0
    /// By number, from the first that was ever added.
    private var entries: UnsafeMutablePointer<Entry>?
    private var capacity = 0
    private var added: UInt32 = 0
    private(set) var count = 0
    /// Of lists of entries whose hashes end alike, as in `Entry.next`; of a table that is looked up only.
    private var heads: UnsafeMutablePointer<UInt32>?

    private var size = 0
    private(set) var limit = byteLimit

    init() {}

    deinit {
        unsafe bytes?.deallocate()
        unsafe entries?.deallocate()
        unsafe heads?.deallocate()
    }

    // MARK: Reading

    func known(_ index: Int) -> KnownField { unsafe entry(index).pointee.known }
    func isWellFormed(_ index: Int) -> Bool { unsafe entry(index).pointee.isWellFormed }

    /// - Parameter index: Below `count`.
    @_lifetime(borrow self)
    func name(_ index: Int) -> Span<UInt8> {
        let entry = unsafe entry(index)
        return unsafe span(entry.pointee.offset, entry.pointee.nameCount)
    }

    @_lifetime(borrow self)
    func value(_ index: Int) -> Span<UInt8> {
        let entry = unsafe entry(index)
        return unsafe span(entry.pointee.offset + entry.pointee.nameCount, entry.pointee.valueCount)
    }

    @_lifetime(borrow self)
    private func span(_ offset: UInt16, _ count: UInt16) -> Span<UInt8> {
        unsafe _overrideLifetime(Span(_unsafeStart: bytes! + Int(offset), count: Int(count)), borrowing: self)
    }

    private func entry(_ index: Int) -> UnsafeMutablePointer<Entry> {
        precondition(index >= 0 && index < count)
        return unsafe entry(number: added &- 1 &- UInt32(truncatingIfNeeded: index))
    }

    private func entry(number: UInt32) -> UnsafeMutablePointer<Entry> {
        unsafe entries! + Int(number & UInt32(truncatingIfNeeded: capacity - 1))
    }

    // MARK: Looking up

    /// What `index(of:)` and `add` are to be given. Who chooses fields so that they collide makes a search as long as the table,
    /// which is 128 at most.
    static func hash(_ name: Span<UInt8>, _ value: Span<UInt8>) -> UInt32 {
        var hash = UInt64(truncatingIfNeeded: name.count) &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(value.count)
        mix(&hash, name)
        mix(&hash, value)
        return UInt32(truncatingIfNeeded: hash ^ hash >> 32)
    }

    @inline(__always)
    private static func mix(_ hash: inout UInt64, _ bytes: Span<UInt8>) {
        let count = bytes.count
        var offset = 0
        while offset + 8 <= count {
            hash = (hash ^ bytes.word(at: offset)) &* 0x9E37_79B9_7F4A_7C15
            hash ^= hash >> 29
            offset += 8
        }
        guard offset < count else { return }
        var rest: UInt64 = 0
        if count >= 8 {
            rest = bytes.word(at: count - 8)
        } else {
            while offset < count {
                rest = rest << 8 | UInt64(bytes[offset])
                offset += 1
            }
        }
        hash = (hash ^ rest) &* 0x9E37_79B9_7F4A_7C15
        hash ^= hash >> 29
    }

    /// The index of a field that is there.
    func index(of name: Span<UInt8>, _ value: Span<UInt8>, hash: UInt32) -> Int? {
        guard let heads = unsafe heads else { return nil }
        var next = unsafe heads[Int(hash) & (Self.headCount - 1)]
        while next != 0 {
            let index = Int(added &- next)
            // What is behind it in the list is older still.
            guard index < count else { return nil }
            let entry = unsafe entry(number: next &- 1)
            if unsafe entry.pointee.hash == hash, unsafe isEqual(entry.pointee, name, value) { return index }
            next = unsafe entry.pointee.next
        }
        return nil
    }

    private func isEqual(_ entry: Entry, _ name: Span<UInt8>, _ value: Span<UInt8>) -> Bool {
        guard Int(entry.nameCount) == name.count, Int(entry.valueCount) == value.count else { return false }
        let start = unsafe bytes! + Int(entry.offset)
        return unsafe isEqual(start, name) && isEqual(start + name.count, value)
    }

    @inline(__always)
    private func isEqual(_ start: UnsafeMutablePointer<UInt8>, _ bytes: Span<UInt8>) -> Bool {
        unsafe bytes.withUnsafeBufferPointer { unsafe $0.isEmpty || memcmp(start, $0.baseAddress!, $0.count) == 0 }
    }

    // MARK: Changing

    /// Sets how much there may be of it, at most `byteLimit`.
    mutating func setLimit(_ byteCount: Int) {
        precondition(byteCount <= Self.byteLimit)
        limit = byteCount
        evict(downTo: limit)
    }

    /// Whether `add` would throw much out for it, or all.
    func isLarge(_ name: Span<UInt8>, _ value: Span<UInt8>) -> Bool {
        name.count + value.count + Self.entryOverhead > limit / 2
    }

    /// Adds a field, and throws out what there is no room for any more (RFC 7541 § 4.4).
    /// - Parameters:
    ///   - name: At least one byte, unless the peer says otherwise; not of this table.
    ///   - hash: For a table that is looked up.
    mutating func add(
        _ name: Span<UInt8>, _ value: Span<UInt8>, known: KnownField, isWellFormed: Bool, hash: UInt32? = nil
    ) {
        let byteCount = name.count + value.count
        evict(downTo: limit - byteCount - Self.entryOverhead)
        guard byteCount + Self.entryOverhead <= limit else { return }
        makeRoom(for: byteCount)
        let offset = byteEnd
        unsafe copy(name, to: bytes! + offset)
        unsafe copy(value, to: bytes! + offset + name.count)
        byteEnd += byteCount
        size += byteCount + Self.entryOverhead
        let new = unsafe entry(number: added)
        unsafe new.initialize(
            to: Entry(
                offset: UInt16(offset), nameCount: UInt16(name.count), valueCount: UInt16(value.count), known: known,
                isWellFormed: isWellFormed, hash: hash ?? 0, next: 0))
        added &+= 1
        count += 1
        if let hash { unsafe link(new, hash) }
    }

    private func copy(_ source: Span<UInt8>, to target: UnsafeMutablePointer<UInt8>) {
        guard source.count > 0 else { return }
        unsafe source.withUnsafeBufferPointer { unsafe target.update(from: $0.baseAddress!, count: $0.count) }
    }

    /// Puts the entry that was just added before those that are found by the same head.
    private mutating func link(_ entry: UnsafeMutablePointer<Entry>, _ hash: UInt32) {
        if unsafe heads == nil {
            let memory = UnsafeMutablePointer<UInt32>.allocate(capacity: Self.headCount)
            unsafe memory.initialize(repeating: 0, count: Self.headCount)
            unsafe heads = unsafe memory
        }
        let head = unsafe heads! + Int(hash) & (Self.headCount - 1)
        unsafe entry.pointee.next = head.pointee
        unsafe head.pointee = added
    }

    private mutating func evict(downTo target: Int) {
        while size > target, count > 0 {
            let oldest = unsafe entry(count - 1)
            size -= unsafe Int(oldest.pointee.nameCount) + Int(oldest.pointee.valueCount) + Self.entryOverhead
            count -= 1
        }
        if count == 0 { byteEnd = 0 }
    }

    // MARK: Memory

    private mutating func makeRoom(for byteCount: Int) {
        if count == capacity { growEntries() }
        // Also for a field without a byte, which a peer may well send.
        guard byteEnd + byteCount > byteCapacity || byteCapacity == 0 else { return }
        let live = size - count * Self.entryOverhead
        // Half of it free after each move: a byte is moved once for each that is added.
        if byteCapacity > 0, 2 * (live + byteCount) <= byteCapacity {
            unsafe compact(into: bytes!)
        } else {
            byteCapacity = max(2 * (live + byteCount), 512)
            let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: byteCapacity)
            unsafe compact(into: memory)
            unsafe bytes?.deallocate()
            unsafe bytes = unsafe memory
        }
    }

    /// Moves the bytes in use, which stand together, to the beginning.
    private mutating func compact(into memory: UnsafeMutablePointer<UInt8>) {
        guard count > 0 else {
            byteEnd = 0
            return
        }
        let start = unsafe entry(count - 1).pointee.offset
        unsafe memmove(memory, bytes! + Int(start), byteEnd - Int(start))
        for index in 0..<count { unsafe entry(index).pointee.offset -= start }
        byteEnd -= Int(start)
    }

    private mutating func growEntries() {
        precondition(capacity < Self.entryLimit)
        let larger = max(8, 2 * capacity)
        let memory = UnsafeMutablePointer<Entry>.allocate(capacity: larger)
        for index in 0..<count {
            let number = added &- 1 &- UInt32(index)
            unsafe (memory + Int(number) & (larger - 1)).initialize(to: entry(number: number).pointee)
        }
        unsafe entries?.deallocate()
        unsafe entries = unsafe memory
        capacity = larger
    }
}
