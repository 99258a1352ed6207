/// The streams that are open, by number. One side opens them all, with every other number, and so they lie one behind the
/// other in a ring: a number's place is most often free or its own. Where it is not, who is farther from its place goes
/// first (Robin Hood hashing), so that a search ends at the first that is nearer to its own.
///
/// SAFETY: `slots` has `capacity` places, a power of two, and is freed once. A stream in it is kept alive by whoever attached
/// or submitted it until it is closed.
@safe
struct HTTP2StreamTable: ~Copyable {
    @safe
    private struct Slot {
        /// 0: free.
        var id: Int32
        var stream: Unmanaged<HTTP2Stream>?
    }

    private var slots: UnsafeMutablePointer<Slot>?
    private var capacity = 0
    private(set) var count = 0

    init() {}

    deinit { unsafe slots?.deallocate() }

    @inline(__always)
    private func place(_ id: Int32) -> Int { Int(id >> 1) & (capacity - 1) }

    /// The stream of a number. Not zero.
    @inline(__always)
    subscript(id: Int32) -> HTTP2Stream? {
        guard let slots = unsafe slots else { return nil }
        var index = place(id)
        var distance = 0
        while true {
            let slot = unsafe slots[index]
            if slot.id == id { return unsafe slot.stream!._withUnsafeGuaranteedRef { $0 } }
            if slot.id == 0 || self.distance(slot, index) < distance { return nil }
            index = (index + 1) & (capacity - 1)
            distance += 1
        }
    }

    /// How far a stream is from its place.
    private func distance(_ slot: Slot, _ index: Int) -> Int { (index - place(slot.id)) & (capacity - 1) }

    /// - Parameter id: Of none that is in it.
    mutating func insert(_ stream: HTTP2Stream, _ id: Int32) {
        if 2 * (count + 1) > capacity { grow() }
        put(unsafe Slot(id: id, stream: Unmanaged.passUnretained(stream)))
        count += 1
    }

    private func put(_ slot: Slot) {
        var slot = slot
        var index = place(slot.id)
        var distance = 0
        while unsafe slots![index].id != 0 {
            let other = unsafe slots![index]
            let otherDistance = self.distance(other, index)
            if otherDistance < distance {
                unsafe slots![index] = slot
                slot = other
                distance = otherDistance
            }
            index = (index + 1) & (capacity - 1)
            distance += 1
        }
        unsafe slots![index] = slot
    }

    mutating func remove(_ id: Int32) {
        guard let slots = unsafe slots else { return }
        var index = place(id)
        while unsafe slots[index].id != id {
            guard unsafe slots[index].id != 0 else { return }
            index = (index + 1) & (capacity - 1)
        }
        count -= 1
        // Those that had to make way for it move up, to the first that is in its own place.
        while true {
            let next = (index + 1) & (capacity - 1)
            let slot = unsafe slots[next]
            guard slot.id != 0, distance(slot, next) > 0 else { break }
            unsafe slots[index] = slot
            index = next
        }
        unsafe slots[index] = unsafe Slot(id: 0, stream: nil)
    }

    /// Calls `body` with each stream; it may end no stream.
    func visit(_ body: (HTTP2Stream) -> Void) {
        for index in 0..<capacity {
            guard let stream = unsafe slots![index].stream else { continue }
            unsafe stream._withUnsafeGuaranteedRef { body($0) }
        }
    }

    /// The numbers of those that are above one.
    func ids(above last: Int32) -> [Int32] {
        (0..<capacity).map { unsafe slots![$0].id }.filter { $0 > last }.sorted()
    }

    private mutating func grow() {
        let old = unsafe slots
        let oldCapacity = capacity
        capacity = max(8, 2 * capacity)
        unsafe slots = .allocate(capacity: capacity)
        unsafe slots!.initialize(repeating: Slot(id: 0, stream: nil), count: capacity)
        for index in 0..<oldCapacity where unsafe old![index].id != 0 { put(unsafe old![index]) }
        unsafe old?.deallocate()
    }

    /// Forgets all, and gives the memory back.
    mutating func removeAll() {
        unsafe slots?.deallocate()
        unsafe slots = nil
        capacity = 0
        count = 0
    }
}
