import HTTPSemantics
import Testing
import WireChecks

@testable import WireProtocols

private var sum: MessageHead { trailerSection([("x-sum", "7")]) }

/// What of a stream was sent, frame by frame: its bytes, `head`, `trailers`, and `end` where one ends it.
private func story(of id: UInt32, in frames: [HTTP2Frame]) -> [String] {
    frames.filter { $0.id == id }.flatMap { frame -> [String] in
        let what: String
        switch frame.kind {
        case .data: what = "\(frame.payload.count)"
        case .headers: what = frame.endsStream ? "trailers" : "head"
        default: what = "\(frame.kind.map { "\($0)" } ?? "unknown")"
        }
        return frame.endsStream ? [what, "end"] : [what]
    }
}

/// A client that gives streams, or all of them together, as much room as is said.
private func client(streamWindow: UInt32, fillsConnection: Bool = false) -> RawClient {
    let client = RawClient(settings: [(4, streamWindow)])
    guard fillsConnection else { return client }
    // One that takes all that the connection has at first.
    client.send(.headers(1, plainRequest))
    client.server.streams[0].respond(ok(), body: [UInt8](repeating: 1, count: 100_000))
    client.look()
    return client
}

@Suite struct HTTP2SendQueueTests {
    @Test(arguments: [true, false])
    func `the end of a body of exactly the window needs no more of it`(hasTrailers: Bool) {
        let client = client(streamWindow: 10)
        client.send(.headers(1, plainRequest))
        let stream = client.server.streams[0]
        stream.respond(ok(), body: [])
        client.look()
        client.send(.headers(3, plainRequest))
        let second = client.server.streams[1]
        client.server.session.submitResponse(ok(), on: second, endsStream: false)
        second.send([UInt8](repeating: 1, count: 10))
        client.look()
        #expect(story(of: 3, in: client.frames) == ["head", "10"])
        if hasTrailers { second.end(trailers: sum) } else { second.end() }
        client.look()
        #expect(
            story(of: 3, in: client.frames) == ["head", "10"] + (hasTrailers ? ["trailers", "end"] : ["0", "end"]))
        #expect(story(of: 1, in: client.frames) == ["head", "0", "end"])
    }

    @Test func `an end needs no window, though SETTINGS made it negative`() {
        let client = client(streamWindow: 10)
        client.send(.headers(1, plainRequest))
        let stream = client.server.streams[0]
        client.server.session.submitResponse(ok(), on: stream, endsStream: false)
        stream.send([UInt8](repeating: 1, count: 10))
        client.look()
        client.send(.settings([(4, 3)]))
        stream.end(trailers: sum)
        client.look()
        #expect(story(of: 1, in: client.frames) == ["head", "10", "trailers", "end"])
    }

    @Test func `a reader that takes nothing holds up no answer beside it but its bytes`() {
        let client = client(streamWindow: 1 << 20, fillsConnection: true)
        #expect(client.frames.reduce(0) { $0 + ($1.kind == .data ? $1.payload.count : 0) } == 65_535)
        for id in [3, 5, 7, 9] as [UInt32] { client.send(.headers(id, plainRequest)) }
        let streams = client.server.streams
        streams[1].respond(ok(), body: [UInt8](repeating: 2, count: 4))
        streams[2].respond(ok(), body: [], trailers: sum)
        streams[3].respond(ok(), body: [])
        streams[4].respond(ok())
        client.look()
        #expect(story(of: 3, in: client.frames) == ["head"])
        #expect(story(of: 5, in: client.frames) == ["head", "trailers", "end"])
        #expect(story(of: 7, in: client.frames) == ["head", "0", "end"])
        #expect(story(of: 9, in: client.frames) == ["trailers", "end"])
        #expect(!client.server.session.wantsWrite)
    }

    @Test func `whoever waited for the connection's window has its turn in order, before those that came later`() {
        let client = client(streamWindow: 1 << 20, fillsConnection: true)
        for id in [3, 5, 7] as [UInt32] { client.send(.headers(id, plainRequest)) }
        for stream in client.server.streams[1...3] { stream.respond(ok(), body: [UInt8](repeating: 2, count: 8)) }
        client.look()
        let before = client.frames.count
        // 34,465 bytes of the first are left.
        client.send(.windowUpdate(0, 16_384 + 8))
        #expect(client.frames[before...].map(\.id) == [1, 3])
        client.send(.headers(9, plainRequest))
        client.server.streams[4].respond(ok(), body: [UInt8](repeating: 2, count: 8))
        client.look()
        let middle = client.frames.count
        client.send(.windowUpdate(0, 1 << 20))
        let order = client.frames[middle...].filter { $0.kind == .data }.map(\.id)
        #expect(order.prefix(4) == [5, 7, 1, 9])
        #expect(client.server.streams.allSatisfy { $0.hasSentEnd })
    }

    @Test func `a stream without a window waits for its own, and the connection's, whichever comes first`() {
        for streamFirst in [true, false] {
            let client = client(streamWindow: 1 << 17, fillsConnection: true)
            client.send(.settings([(4, 0)]))
            client.send(.headers(3, plainRequest))
            client.server.streams[1].respond(ok(), body: [UInt8](repeating: 2, count: 8))
            client.look()
            let updates = [HTTP2Frame.windowUpdate(3, 8), .windowUpdate(0, 1 << 20)]
            for update in streamFirst ? updates : updates.reversed() { client.send(update) }
            #expect(story(of: 3, in: client.frames) == ["head", "8", "end"])
        }
    }

    @Test func `a stream that waited for the window and was reset has no turn any more`() {
        let client = client(streamWindow: 1 << 20, fillsConnection: true)
        client.send(.headers(3, plainRequest))
        client.server.streams[1].respond(ok(), body: [UInt8](repeating: 2, count: 8))
        client.look()
        client.send(.reset(1, 8))
        client.send(.windowUpdate(0, 1 << 20))
        #expect(client.server.streams[0].unsentByteCount > 0)
        #expect(story(of: 3, in: client.frames) == ["head", "8", "end"])
    }
}
