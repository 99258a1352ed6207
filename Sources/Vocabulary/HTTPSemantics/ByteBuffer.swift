/// Bytes that are put together one after the other, in memory that is kept for the next ones: what an array does, but with
/// one owner, so that it need not ask at each step whether it is the only one.
///
/// SAFETY: `start` has room for `capacity` bytes, of which the first `count` are initialized; they are freed once, with it.
/// It is `nil` only where the capacity is 0, and then nothing is read or written by way of it. Offsets are checked.
@safe
public struct ByteBuffer: ~Copyable {
    @usableFromInline
    var start: UnsafeMutablePointer<UInt8>?
    @usableFromInline
    var capacity: Int
    public private(set) var count = 0

    public init(capacity: Int = 0) {
        unsafe start = capacity > 0 ? .allocate(capacity: capacity) : nil
        self.capacity = capacity
    }

    deinit { unsafe start?.deallocate() }

    public var isEmpty: Bool { count == 0 }

    public var span: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            unsafe _overrideLifetime(
                Span(_unsafeElements: UnsafeBufferPointer(start: start, count: count)), borrowing: self)
        }
    }

    public subscript(index: Int) -> UInt8 {
        precondition(index >= 0 && index < count)
        return unsafe start.unsafelyUnwrapped[index]
    }

    /// The bytes, for those who keep them.
    public var array: [UInt8] {
        var copy: [UInt8] = []
        copy.append(copying: span)
        return copy
    }

    // MARK: Adding

    /// Makes room for as many more.
    @inline(__always)
    public mutating func reserve(_ byteCount: Int) {
        if count + byteCount > capacity { grow(to: count + byteCount) }
    }

    private mutating func grow(to needed: Int) {
        let larger = max(needed, 2 * capacity, 256)
        let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
        if let start = unsafe start {
            unsafe memory.update(from: start, count: count)
            unsafe start.deallocate()
        }
        unsafe start = unsafe memory
        capacity = larger
    }

    @inline(__always)
    public mutating func append(_ byte: UInt8) {
        reserve(1)
        unsafe start.unsafelyUnwrapped[count] = byte
        count += 1
    }

    @inline(__always)
    public mutating func append(copying bytes: Span<UInt8>) {
        let added = bytes.count
        guard added > 0 else { return }
        reserve(added)
        unsafe bytes.withUnsafeBufferPointer {
            unsafe (start.unsafelyUnwrapped + count).update(from: $0.baseAddress!, count: added)
        }
        count += added
    }

    public mutating func append(copying other: borrowing ByteBuffer) { append(copying: other.span) }

    public mutating func append(copying range: Range<Int>, of other: borrowing ByteBuffer) {
        append(copying: other.span.extracting(range))
    }

    public mutating func append(contentsOf bytes: some Sequence<UInt8>) {
        for byte in bytes { append(byte) }
    }

    /// Appends bytes that stand in it already.
    public mutating func append(copyingOwn range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        reserve(range.count)
        guard let start = unsafe start else { return }
        unsafe (start + count).update(from: start + range.lowerBound, count: range.count)
        count += range.count
    }

    /// Appends a field line as HTTP/1.1 has it: `name: value`, CR and LF (RFC 9112 § 5).
    mutating func append(fieldLine name: Span<UInt8>, _ value: Span<UInt8>) {
        let byteCount = name.count + value.count + 4
        reserve(byteCount)
        let line = unsafe start.unsafelyUnwrapped + count
        unsafe Self.copy(name, to: line)
        unsafe Self.put(UInt8(ascii: ":"), UInt8(ascii: " "), at: line + name.count)
        unsafe Self.copy(value, to: line + name.count + 2)
        unsafe Self.put(UInt8(ascii: "\r"), UInt8(ascii: "\n"), at: line + byteCount - 2)
        count += byteCount
    }

    @inline(__always)
    private static func copy(_ bytes: Span<UInt8>, to target: UnsafeMutablePointer<UInt8>) {
        unsafe bytes.withUnsafeBufferPointer {
            if let first = $0.baseAddress { unsafe target.update(from: first, count: $0.count) }
        }
    }

    @inline(__always)
    private static func put(_ first: UInt8, _ second: UInt8, at target: UnsafeMutablePointer<UInt8>) {
        unsafe target[0] = first
        unsafe target[1] = second
    }

    /// In the order of the network.
    @inline(__always)
    public mutating func append(bigEndian value: UInt32) {
        reserve(4)
        unsafe UnsafeMutableRawPointer(start.unsafelyUnwrapped + count).storeBytes(
            of: value.bigEndian, as: UInt32.self)
        count += 4
    }

    /// In decimal digits.
    public mutating func append(decimal value: UInt64) {
        var digitCount = 1
        var rest = value
        while rest >= 10 {
            rest /= 10
            digitCount += 1
        }
        reserve(digitCount)
        rest = value
        for index in (count..<(count + digitCount)).reversed() {
            unsafe start.unsafelyUnwrapped[index] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        count += digitCount
    }

    // MARK: Changing

    public mutating func removeLast(_ byteCount: Int = 1) {
        precondition(byteCount >= 0 && byteCount <= count)
        count -= byteCount
    }

    /// Forgets the bytes, keeps the memory.
    public mutating func removeAll() { count = 0 }

    /// Forgets the bytes, and gives their memory back.
    public mutating func releaseMemory() { self = ByteBuffer() }

    /// Brings a range to lower case, in place.
    public mutating func lowercase(_ range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        guard let start = unsafe start else { return }
        let bytes = UnsafeMutableRawPointer(start)
        var offset = range.lowerBound
        while offset + 8 <= range.upperBound {
            unsafe Self.lowercase(bytes + offset, mask: .max)
            offset += 8
        }
        let left = range.upperBound - offset
        guard left > 0 else { return }
        if offset + 8 <= count {
            unsafe Self.lowercase(bytes + offset, mask: (1 &<< UInt64(left * 8)) &- 1)
        } else {
            for index in offset..<range.upperBound { unsafe start[index] = ASCII.lowercased(start[index]) }
        }
    }

    /// Eight bytes, of which those that the mask has are brought to lower case.
    @inline(__always)
    private static func lowercase(_ bytes: UnsafeMutableRawPointer, mask: UInt64) {
        let word = UInt64(littleEndian: unsafe bytes.loadUnaligned(as: UInt64.self))
        let lower = (ByteWord.lowercased(word) & mask) | (word & ~mask)
        unsafe bytes.storeBytes(of: lower.littleEndian, as: UInt64.self)
    }
}
