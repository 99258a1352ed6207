import CLinux
import Glibc

/// Bytes on their way to a socket, in pooled blocks; holds none when it is empty. Whoever has one empties it in the end:
/// its blocks are the pool's.
package struct ByteQueue {
    private var first: BlockPool.Block?
    private var last: BlockPool.Block?
    package private(set) var count = 0

    /// Blocks that one call to the kernel takes: 256 KiB.
    private static let vectorCount = 16

    package init() {}

    package var isEmpty: Bool { count == 0 }

    package mutating func append(_ bytes: Span<UInt8>, from pool: BlockPool) {
        unsafe bytes.withUnsafeBytes { unsafe append($0, from: pool) }
    }

    package mutating func append(_ bytes: UnsafeRawBufferPointer, from pool: BlockPool) {
        var offset = 0
        while offset < bytes.count {
            offset += unsafe writableBlock(from: pool).append(UnsafeRawBufferPointer(rebasing: bytes[offset...]))
        }
        count += bytes.count
    }

    private mutating func writableBlock(from pool: BlockPool) -> BlockPool.Block {
        if let last, !last.isFull { return last }
        let block = pool.take()
        if let last { last.next = block } else { first = block }
        last = block
        return block
    }

    /// Calls `body` with the first run of bytes; it returns how many of them to drop.
    package mutating func drainFirst(into pool: BlockPool, _ body: (UnsafeRawBufferPointer) -> Int) {
        guard let block = first else { return }
        let taken = unsafe body(block.bytes)
        drop(taken, into: pool)
    }

    /// Forgets the first `byteCount` bytes.
    package mutating func drop(_ byteCount: Int, into pool: BlockPool) {
        var left = byteCount
        count -= byteCount
        while let block = first {
            let step = min(left, block.count)
            block.drop(step)
            left -= step
            guard block.count == 0 else { return }
            first = block.next
            pool.give(block)
            if first == nil { last = nil }
        }
    }

    package mutating func removeAll(into pool: BlockPool) { drop(count, into: pool) }

    /// Takes the first `byteCount` bytes of another queue over: copied, so that what goes to one socket lies together and TLS
    /// makes few records of it.
    package mutating func append(_ byteCount: Int, of other: inout ByteQueue, pool: BlockPool) {
        var left = byteCount
        while left > 0, !other.isEmpty {
            unsafe other.drainFirst(into: pool) { bytes in
                let taken = min(left, bytes.count)
                unsafe append(UnsafeRawBufferPointer(rebasing: bytes[..<taken]), from: pool)
                left -= taken
                return taken
            }
        }
    }

    /// Writes as much as the socket takes, in as few calls as can be.
    package mutating func send(to socket: borrowing Socket, pool: BlockPool) -> SocketResult {
        var sent = 0
        while let first {
            let wanted: Int
            let result: SocketResult
            if first.next == nil {
                wanted = count
                result = unsafe socket.send(first.bytes)
            } else {
                (wanted, result) = sendSeveral(to: socket)
            }
            switch result {
            case .bytes(let taken):
                drop(taken, into: pool)
                sent += taken
                // A short write means that the socket is full: it will say when it is not.
                if taken < wanted { return .bytes(sent) }
            case .wouldBlock: return sent > 0 ? .bytes(sent) : .wouldBlock
            case .endOfStream, .failed: return result
            }
        }
        return .bytes(sent)
    }

    /// - Returns: How many bytes were offered, which fewer than so many full blocks may hold, and what became of them.
    private func sendSeveral(to socket: borrowing Socket) -> (offered: Int, result: SocketResult) {
        unsafe withUnsafeTemporaryAllocation(of: iovec.self, capacity: Self.vectorCount) { vectors in
            var filled = 0
            var offered = 0
            var block = first
            while let current = block, filled < vectors.count {
                let bytes = unsafe current.bytes
                unsafe vectors[filled] = unsafe iovec(
                    iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress!), iov_len: bytes.count)
                filled += 1
                offered += bytes.count
                block = current.next
            }
            return unsafe (offered, socket.send(UnsafeMutableBufferPointer(rebasing: vectors[..<filled])))
        }
    }
}
