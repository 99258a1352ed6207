import CLinux
import Glibc

/// Fixed-size blocks of bytes, kept for the next user: one pool a loop, never shared.
///
/// SAFETY: a block's memory is reached only through the queue that holds it, on one thread.
package final class BlockPool {
    /// Bytes of a block.
    package static let blockByteCount = 16 * 1024
    /// Free blocks kept; what is over goes back to the allocator. 4 MiB.
    private static let keptBlocks = 256

    @safe
    final class Block {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: BlockPool.blockByteCount, alignment: 16)
        var start = 0
        var end = 0
        var next: Block?

        deinit { unsafe memory.deallocate() }
    }

    private var free: Block?
    private var freeCount = 0

    package init() {}

    func take() -> Block {
        guard let block = free else { return Block() }
        free = block.next
        freeCount -= 1
        block.next = nil
        return block
    }

    func give(_ block: Block) {
        guard freeCount < Self.keptBlocks else { return }
        block.start = 0
        block.end = 0
        block.next = free
        free = block
        freeCount += 1
    }
}

/// Bytes on their way to a socket, in pooled blocks; holds none when it is empty.
package struct ByteQueue {
    private var first: BlockPool.Block?
    private var last: BlockPool.Block?
    package private(set) var count = 0

    package init() {}

    package var isEmpty: Bool { count == 0 }

    package mutating func append(_ bytes: Span<UInt8>, from pool: BlockPool) {
        unsafe bytes.withUnsafeBytes { unsafe append($0, from: pool) }
    }

    package mutating func append(_ bytes: UnsafeRawBufferPointer, from pool: BlockPool) {
        var offset = 0
        while offset < bytes.count {
            let block = writableBlock(from: pool)
            let step = min(bytes.count - offset, BlockPool.blockByteCount - block.end)
            unsafe (block.memory + block.end).copyMemory(from: bytes.baseAddress! + offset, byteCount: step)
            block.end += step
            offset += step
        }
        count += bytes.count
    }

    private mutating func writableBlock(from pool: BlockPool) -> BlockPool.Block {
        if let last, last.end < BlockPool.blockByteCount { return last }
        let block = pool.take()
        if let last { last.next = block } else { first = block }
        last = block
        return block
    }

    /// Calls `body` with the first run of bytes; it returns how many of them to drop.
    package mutating func drainFirst(into pool: BlockPool, _ body: (UnsafeRawBufferPointer) -> Int) {
        guard let block = first else { return }
        let taken = unsafe body(UnsafeRawBufferPointer(start: block.memory + block.start, count: block.end - block.start))
        drop(taken, into: pool)
    }

    /// Forgets the first `byteCount` bytes.
    package mutating func drop(_ byteCount: Int, into pool: BlockPool) {
        var left = byteCount
        count -= byteCount
        while let block = first {
            let step = min(left, block.end - block.start)
            block.start += step
            left -= step
            guard block.start == block.end else { return }
            first = block.next
            block.next = nil
            pool.give(block)
            if first == nil { last = nil }
        }
    }

    package mutating func removeAll(into pool: BlockPool) { drop(count, into: pool) }

    /// The runs of bytes, at most as many as `vectors` takes.
    /// - Returns: How many vectors were filled.
    func fill(_ vectors: UnsafeMutableBufferPointer<iovec>) -> Int {
        var index = 0
        var block = first
        while let current = block, index < vectors.count {
            unsafe vectors[index] = iovec(iov_base: current.memory + current.start, iov_len: current.end - current.start)
            index += 1
            block = current.next
        }
        return index
    }

    /// Writes as much as the socket takes, in as few calls as can be.
    package mutating func send(to socket: borrowing Socket, pool: BlockPool) -> SocketResult {
        var sent = 0
        while !isEmpty {
            let wanted = min(count, Self.vectorCount * BlockPool.blockByteCount)
            let result = unsafe withUnsafeTemporaryAllocation(of: iovec.self, capacity: Self.vectorCount) { vectors in
                let filled = unsafe fill(vectors)
                if filled == 1 { return unsafe socket.send(UnsafeRawBufferPointer(start: vectors[0].iov_base, count: vectors[0].iov_len)) }
                return unsafe socket.send(UnsafeMutableBufferPointer(rebasing: vectors[..<filled]))
            }
            guard case .bytes(let taken) = result else { return sent > 0 && isWouldBlock(result) ? .bytes(sent) : result }
            drop(taken, into: pool)
            sent += taken
            // A short write means that the socket is full: it will say when it is not.
            if taken < wanted { break }
        }
        return .bytes(sent)
    }

    private func isWouldBlock(_ result: SocketResult) -> Bool {
        if case .wouldBlock = result { true } else { false }
    }

    /// Blocks that one call to the kernel takes: 256 KiB.
    private static let vectorCount = 16
}
