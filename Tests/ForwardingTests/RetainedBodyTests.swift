import HTTPSemantics
import Testing

@testable import Forwarding

struct RetainedBodyTests {
    private func bytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0) } }

    private func appendTrailer(to body: inout RetainedBody) {
        var trailers = MessageHead()
        trailers.addField(name: Array("x-end".utf8).span, value: Array("1".utf8).span)
        body.end(trailers: trailers)
    }

    /// As a value that can be copied.
    private struct State: Equatable {
        let isWhole: Bool
        let bytes: [UInt8]
        let trailerCount: Int

        init(_ body: borrowing RetainedBody) {
            isWhole = body.isWhole
            bytes = body.bytes
            trailerCount = body.trailers.fieldCount
        }

        init(isWhole: Bool, bytes: [UInt8] = [], trailerCount: Int = 0) {
            self.isWhole = isWhole
            self.bytes = bytes
            self.trailerCount = trailerCount
        }
    }

    @Test func `what was sent is kept in order, with the trailers after it`() {
        var body = RetainedBody()
        body.append(bytes(10).span)
        body.append(bytes(5).span)
        appendTrailer(to: &body)
        #expect(State(body) == State(isWhole: true, bytes: bytes(10) + bytes(5), trailerCount: 1))
    }

    @Test(arguments: [0, 1])
    func `a body is whole up to the limit, and nothing of it is kept beyond`(more: Int) {
        var body = RetainedBody()
        body.append(bytes(RetainedBody.byteLimit).span)
        body.append(bytes(more).span)
        let whole = State(isWhole: true, bytes: bytes(RetainedBody.byteLimit))
        #expect(State(body) == (more == 0 ? whole : State(isWhole: false)))
    }

    @Test func `what comes after a gap is not kept`() {
        var body = RetainedBody()
        body.append(bytes(3).span)
        body.drop()
        body.append(bytes(3).span)
        appendTrailer(to: &body)
        #expect(State(body) == State(isWhole: false))
    }

    @Test(arguments: [true, false])
    func `another call begins with nothing, and with a whole body`(wasDropped: Bool) {
        var body = RetainedBody()
        body.append(bytes(3).span)
        appendTrailer(to: &body)
        if wasDropped { body.drop() }
        body.reset()
        #expect(State(body) == State(isWhole: true))
    }

    @Test func `memory for a small body stays, and that for a large one goes`() {
        var body = RetainedBody()
        body.append(bytes(100).span)
        body.reset()
        let small = body.bytes.capacity
        #expect(small >= 100)
        body.append(bytes(RetainedBody.keptByteCount * 2).span)
        body.reset()
        let large = body.bytes.capacity
        #expect(large <= RetainedBody.keptByteCount)
    }
}
