/// Fixed-size blocks of bytes, kept for the next user: one pool a loop, never shared.
///
/// Blocks are plain memory with a header, not objects: they change hands several times a call, and counting references to
/// them is what that would cost.
///
/// SAFETY: a block belongs to the pool or to the one queue that took it, all on one thread.
@safe
package final class BlockPool {
    /// Bytes a block holds.
    package static let blockByteCount = 16 * 1024
    /// Free blocks kept; what is over goes back to the allocator. 4 MiB.
    private static let keptBlocks = 256

    @safe
    struct Block {
        @safe
        private struct Header {
            var next: UnsafeMutablePointer<Header>?
            /// The bytes in use are those from `start` to `end`.
            var start = 0
            var end = 0
        }

        private let header: UnsafeMutablePointer<Header>

        private init(_ header: UnsafeMutablePointer<Header>) { unsafe self.header = unsafe header }

        fileprivate static func allocate() -> Block {
            let memory = UnsafeMutableRawPointer.allocate(
                byteCount: MemoryLayout<Header>.stride + BlockPool.blockByteCount, alignment: 16)
            let header = unsafe memory.bindMemory(to: Header.self, capacity: 1)
            unsafe header.initialize(to: Header())
            return unsafe Block(header)
        }

        fileprivate func deallocate() { unsafe UnsafeMutableRawPointer(header).deallocate() }

        fileprivate func reset() { unsafe header.pointee = Header() }

        var next: Block? {
            get { unsafe header.pointee.next.map { unsafe Block($0) } }
            nonmutating set { unsafe header.pointee.next = newValue?.header }
        }

        var count: Int { unsafe header.pointee.end - header.pointee.start }
        var isFull: Bool { unsafe header.pointee.end == BlockPool.blockByteCount }

        /// The bytes in use.
        var bytes: UnsafeRawBufferPointer {
            unsafe UnsafeRawBufferPointer(
                start: UnsafeRawPointer(header + 1) + header.pointee.start, count: count)
        }

        /// Adds as many bytes as fit.
        /// - Returns: How many did.
        func append(_ source: UnsafeRawBufferPointer) -> Int {
            let step = unsafe min(source.count, BlockPool.blockByteCount - header.pointee.end)
            guard step > 0 else { return 0 }
            unsafe (UnsafeMutableRawPointer(header + 1) + header.pointee.end)
                .copyMemory(from: source.baseAddress!, byteCount: step)
            unsafe header.pointee.end += step
            return step
        }

        /// Forgets the first bytes; there are at least as many.
        func drop(_ byteCount: Int) { unsafe header.pointee.start += byteCount }
    }

    private var free: Block?
    private var freeCount = 0

    package init() {}

    deinit {
        while let block = free {
            free = block.next
            block.deallocate()
        }
    }

    func take() -> Block {
        guard let block = free else { return .allocate() }
        free = block.next
        freeCount -= 1
        block.reset()
        return block
    }

    func give(_ block: Block) {
        guard freeCount < Self.keptBlocks else { return block.deallocate() }
        block.next = free
        free = block
        freeCount += 1
    }
}
