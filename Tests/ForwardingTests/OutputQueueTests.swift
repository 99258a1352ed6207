import EventLoops
import Glibc
import TestSupport
import Testing

@testable import Forwarding

/// What waits on a connection, however it came there.
struct OutputQueueTests {
    private let pool = BlockPool()

    /// The two ends of a connection.
    private func pair() -> (near: CInt, far: RawConnection) {
        var ends: [CInt] = [-1, -1]
        _ = unsafe socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends)
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        return (ends[0], RawConnection(descriptor: ends[1]))
    }

    private func isBytes(_ input: Transport.Input, _ count: Int) -> Bool {
        if case .bytes(count) = input { true } else { false }
    }

    @Test func `what passes goes out behind what is queued, and counts with it`() {
        let (sourceEnd, sender) = pair()
        var source = Transport(Socket(owning: sourceEnd))
        let (sinkEnd, reader) = pair()
        var sink = Transport(Socket(owning: sinkEnd))
        var queue = OutputQueue()
        queue.append(Array("first ".utf8).span, from: pool)
        let begins = [queue.beginPassing(), queue.beginPassing()]
        #expect(begins == [true, false])
        #expect(queue.count == 6 && !queue.isCongested && queue.isDrained)

        sender.send("second")
        source.note(.readable)
        let input = queue.pass(from: &source)
        #expect(isBytes(input, 6))
        #expect(queue.count == 12 && queue.isCongested && !queue.isDrained)

        let isAlive = queue.send(to: &sink, pool: pool)
        #expect(isAlive && queue.isEmpty && queue.isDrained)
        #expect(reader.receive(count: 12) == Array("first second".utf8))
        queue.removeAll(into: pool)
    }

    @Test func `nothing more passes while something does`() {
        let (sourceEnd, sender) = pair()
        var source = Transport(Socket(owning: sourceEnd))
        let (sinkEnd, reader) = pair()
        var sink = Transport(Socket(owning: sinkEnd))
        var queue = OutputQueue()
        _ = queue.beginPassing()
        sender.send("one")
        source.note(.readable)
        let first = queue.pass(from: &source)
        sender.send("two")
        source.note(.readable)
        let second = queue.pass(from: &source)
        _ = queue.send(to: &sink, pool: pool)
        let third = queue.pass(from: &source)
        #expect(isBytes(first, 3) && isBytes(third, 3))
        if case .wouldBlock = second {} else { Issue.record("\(second)") }
        _ = queue.send(to: &sink, pool: pool)
        #expect(reader.receive(count: 6) == Array("onetwo".utf8))
        queue.removeAll(into: pool)
    }

    @Test func `the end of what passes is told as it comes`() {
        let (sourceEnd, sender) = pair()
        var source = Transport(Socket(owning: sourceEnd))
        var queue = OutputQueue()
        _ = queue.beginPassing()
        sender.endOutput()
        source.note(.peerEnded)
        if case .ended = queue.pass(from: &source) {} else { Issue.record("no end") }
        queue.removeAll(into: pool)
    }
}
