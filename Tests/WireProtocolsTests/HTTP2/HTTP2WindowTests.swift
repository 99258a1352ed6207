import HTTPSemantics
import Testing
import WireChecks

@testable import WireProtocols

/// A client whose requests have bodies, and a server that takes none of them until it is told to.
private struct Uploads {
    let client = HTTP2Peer(.client)
    let server: HTTP2Peer

    init(streamWindow: Int32 = 65_535, connectionWindow: Int32 = 65_535) {
        var limits = HTTP2Limits()
        limits.streamWindow = streamWindow
        limits.connectionWindow = connectionWindow
        server = HTTP2Peer(.server, limits: limits)
        client.talk(to: server)
        server.consumes = false
    }

    /// One more, as far as it comes.
    @discardableResult
    func begin(_ byteCount: Int) -> HTTP2PeerStream {
        let head = requestHead("POST / HTTP/1.1\r\nHost: a\r\n\r\n")
        let call = client.request(head, body: [UInt8](repeating: 7, count: byteCount))!
        client.talk(to: server)
        return call
    }

    /// What was received of each, and not taken.
    var held: [Int] { server.streams.map(\.heldByteCount) }

    func take(_ index: Int) {
        server.streams[index].consume()
        client.talk(to: server)
    }
}

@Test func `what a peer may send on a stream follows what was taken of it`() {
    let uploads = Uploads(streamWindow: 100_000)
    for _ in 0..<4 { uploads.begin(120_000) }
    #expect(uploads.held == [100_000, 100_000, 100_000, 100_000])
    for index in 0..<4 { uploads.take(index) }
    #expect(uploads.server.streams.allSatisfy { $0.body.count == 120_000 && $0.isEnded })
}

@Test func `streams that nobody takes keep no other waiting, however narrow the connection's window`() {
    let uploads = Uploads()
    for _ in 0..<10 { uploads.begin(100_000) }
    #expect(uploads.held == [Int](repeating: 65_535, count: 10))
    uploads.server.consumes = true
    uploads.begin(300_000)
    #expect(uploads.server.streams[10].body.count == 300_000 && uploads.server.streams[10].isEnded)
    #expect(uploads.held.dropLast() == [Int](repeating: 65_535, count: 10))
}

@Test func `what nobody took of a stream that is over does not shrink the connection's window`() {
    let uploads = Uploads(streamWindow: 200_000, connectionWindow: 200_000)
    for _ in 0..<5 {
        let call = uploads.begin(190_000)
        #expect(uploads.server.streams.last?.body.count == 190_000)
        uploads.server.session.reset(uploads.server.streams.last!, .cancel)
        uploads.client.talk(to: uploads.server)
        #expect(call.code == .cancel)
    }
}

@Test func `padding, and content of a stream that is over, do not shrink the connection's window`() {
    var limits = HTTP2Limits()
    limits.connectionWindow = 65_535
    let client = RawClient(limits: limits)
    client.server.consumes = false
    for id in stride(from: UInt32(1), to: 21, by: 2) {
        client.send(
            .headers(id, plainRequest, endsStream: false),
            HTTP2Frame(.data, flags: 8, id: id, [255] + [UInt8](repeating: 0, count: 15_255)),
            .reset(id, 8), HTTP2Frame(.data, id: id, [UInt8](repeating: 0, count: 16_384)))
    }
    #expect(client.goAwayCode == nil && client.server.streams.count == 10)
    let told = client.frames.filter { $0.kind == .windowUpdate && $0.id == 0 }.reduce(0) { sum, frame in
        sum + frame.payload.reduce(0) { $0 << 8 | Int($1) }
    }
    // All but what is not worth a word yet.
    let sent = 10 * (15_256 + 16_384)
    #expect((sent - 65_535 / 2...sent).contains(told))
}

@Test func `a window grows with what is taken of its stream, and for no other`() {
    let uploads = Uploads()
    for _ in 0..<2 { uploads.begin(1 << 20) }
    uploads.server.session.setWindows(stream: 200_000, connection: 400_000)
    uploads.client.talk(to: uploads.server)
    #expect(uploads.held == [65_535, 65_535])
    uploads.take(0)
    #expect(uploads.held == [200_000, 65_535])
    uploads.take(0)
    #expect(uploads.held == [200_000, 65_535])
}

@Test func `windows grow by no more together than the connection's has, and leave some of it to others`() {
    let uploads = Uploads()
    let wide = 1 << 18
    uploads.server.session.setWindows(stream: Int32(wide), connection: Int32(wide))
    let calls = (0..<10).map { _ in uploads.begin(2 << 20) }
    for _ in 0..<5 { for index in 0..<10 { uploads.take(index) } }
    #expect(uploads.held.reduce(0, +) <= 10 * 65_535 + wide)
    #expect(uploads.held.allSatisfy { $0 > 65_535 && $0 < 65_535 + wide })
    // What one had is the next one's when it is over.
    let before = uploads.held[9]
    uploads.client.session.reset(calls[0], .cancel)
    uploads.client.talk(to: uploads.server)
    uploads.take(9)
    #expect(uploads.held[9] > before + wide / 8)
}

@Test func `more than a stream's window costs that stream, however much the connection's has left`() {
    let client = RawClient()
    client.server.consumes = false
    client.send(.headers(1, plainRequest, endsStream: false))
    for _ in 0..<16 { client.send(HTTP2Frame(.data, id: 1, [UInt8](repeating: 0, count: 16_384))) }
    #expect(client.resetCode(1) == nil)
    client.send(HTTP2Frame(.data, id: 1, [0]))
    #expect(client.resetCode(1) == .flowControlError && client.goAwayCode == nil)
}
