import Glibc
import Testing

@testable import EventLoops

struct ByteQueueTests {
    @Test func `bytes come out as they went in, across blocks`() {
        let pool = BlockPool()
        var queue = ByteQueue()
        let sent = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        queue.append(sent.span, from: pool)
        var received: [UInt8] = []
        while !queue.isEmpty {
            unsafe queue.drainFirst(into: pool) { bytes in
                let step = min(bytes.count, 777)
                unsafe received.append(contentsOf: bytes.prefix(step))
                return step
            }
        }
        #expect(received == sent)
    }

    @Test func `a socket that takes no more gets the rest later`() throws {
        var ends: [CInt] = [0, 0]
        let made = unsafe socketpair(
            AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends)
        try #require(made == 0)
        let writer = Socket(owning: ends[0])
        let reader = Socket(owning: ends[1])
        let pool = BlockPool()
        var queue = ByteQueue()
        let sent = (0..<2_000_000).map { UInt8(truncatingIfNeeded: $0 >> 4) }
        queue.append(sent.span, from: pool)

        var received: [UInt8] = []
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65536, alignment: 1)
        defer { unsafe buffer.deallocate() }
        while received.count < sent.count {
            _ = queue.send(to: writer, pool: pool)
            while case .bytes(let count) = unsafe reader.receive(into: buffer) {
                unsafe received.append(contentsOf: buffer.prefix(count))
            }
        }
        #expect(received == sent)
        #expect(queue.isEmpty)
    }

    @Test func `a queue leaves bytes behind only when its socket is full`() throws {
        var ends: [CInt] = [0, 0]
        let made = unsafe socketpair(
            AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends)
        try #require(made == 0)
        var byteCount: CInt = 4 << 20
        unsafe setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &byteCount, socklen_t(MemoryLayout<CInt>.size))
        let writer = Socket(owning: ends[0])
        let reader = Socket(owning: ends[1])
        let pool = BlockPool()
        var queue = ByteQueue()
        queue.append([UInt8](repeating: 7, count: 40 * BlockPool.blockByteCount).span, from: pool)
        // Blocks that are not full, as after an earlier write: nobody would be told to go on.
        queue.drop(100, into: pool)

        _ = queue.send(to: writer, pool: pool)

        var isFull = false
        if !queue.isEmpty {
            let more: [UInt8] = [7]
            if case .wouldBlock = unsafe more.withUnsafeBytes({ unsafe writer.send($0) }) { isFull = true }
        }
        #expect(queue.isEmpty || isFull)
        _ = reader.descriptor
        queue.removeAll(into: pool)
    }
}
