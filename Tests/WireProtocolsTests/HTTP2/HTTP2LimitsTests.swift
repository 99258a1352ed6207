import HTTPSemantics
import Testing
import WireChecks

@testable import WireProtocols

private let ping = HTTP2Frame(.ping, [UInt8](repeating: 0, count: 8))

/// The connection is over because of this limit, and says so.
private func expectExceeded(_ limit: HTTP2Limit, _ client: RawClient, sourceLocation: SourceLocation = #_sourceLocation)
{
    #expect(client.server.exceededLimits == [limit], sourceLocation: sourceLocation)
    #expect(client.goAwayCode == .enhanceYourCalm, sourceLocation: sourceLocation)
    #expect(client.server.session.isOver, sourceLocation: sourceLocation)
}

private func expectAlive(_ client: RawClient, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(client.server.exceededLimits.isEmpty && client.goAwayCode == nil, sourceLocation: sourceLocation)
    #expect(client.server.isAlive && !client.server.session.isOver, sourceLocation: sourceLocation)
}

@Test func `the limits are told`() {
    let frames = HTTP2Frame.parse(HTTP2Peer(.server).takeOutput())
    var settings: [UInt16: UInt32] = [:]
    let payload = frames[0].payload
    for start in stride(from: 0, to: payload.count, by: 6) {
        let id = UInt16(HTTP2Frame.number(payload[start..<(start + 2)]))
        settings[id] = HTTP2Frame.number(payload[(start + 2)..<(start + 6)])
    }
    #expect(frames[0].kind == .settings)
    #expect(settings == [3: 100, 4: 262_144, 6: 65_536, 8: 1, 9: 1])
    let client = HTTP2Frame.parse(HTTP2Peer(.client).takeOutput())
    #expect(client[0].payload.starts(with: [0, 2, 0, 0, 0, 0]))
}

@Test func `one stream too many is refused, and the others live`() {
    var limits = HTTP2Limits()
    limits.concurrentStreams = 2
    let client = RawClient(limits: limits)
    for id in [1, 3, 5] as [UInt32] { client.send(.headers(id, plainRequest, endsStream: false)) }
    #expect(client.server.streams.count == 2 && client.resetCode(5) == .refusedStream)
    expectAlive(client)
    client.send(.reset(1, 8))
    client.send(.headers(7, plainRequest, endsStream: false))
    #expect(client.server.streams.count == 3 && client.resetCode(7) == nil)
}

@Test func `one stream too many is refused even before the client knows the limit`() {
    var limits = HTTP2Limits()
    limits.concurrentStreams = 1
    let server = HTTP2Peer(.server, limits: limits)
    server.receive(
        HTTP2Frame.preface + HTTP2Frame.settings().bytes + HTTP2Frame.headers(1, plainRequest, endsStream: false).bytes
            + HTTP2Frame.headers(3, plainRequest).bytes)
    let frames = HTTP2Frame.parse(server.takeOutput())
    #expect(
        frames.contains { $0.kind == .resetStream && $0.id == 3 && $0.code == HTTP2ErrorCode.refusedStream.rawValue })
}

@Test func `the header list is counted as RFC 9113 counts it`() {
    var limits = HTTP2Limits()
    limits.headerListByteCount = 4096
    let counted = plainRequest.reduce(0) { $0 + $1.0.utf8.count + $1.1.utf8.count + 32 } + 1 + 32
    for (excess, isTaken) in [(0, true), (1, false)] {
        let client = RawClient(limits: limits)
        client.send(.headers(1, plainRequest + [("x", String(repeating: "a", count: 4096 - counted + excess))]))
        #expect(client.server.streams.count == (isTaken ? 1 : 0))
        #expect(client.server.refused.map(\.error) == (isTaken ? [] : [.headerListTooLarge]))
        expectAlive(client)
    }
}

@Test func `a list of four times as much ends the connection`() {
    var limits = HTTP2Limits()
    limits.headerListByteCount = 2048
    for (byteCount, isTaken) in [(4 * 2048 - 300, true), (4 * 2048, false)] {
        let client = RawClient(limits: limits)
        client.send(.headers(1, plainRequest + [("x", String(repeating: "a", count: byteCount))]))
        #expect(client.server.streams.isEmpty)
        if isTaken { expectAlive(client) } else { expectExceeded(.headerList, client) }
    }
}

@Test func `who sends too large a head hears 431, and nobody else anything of it`() {
    var limits = HTTP2Limits()
    limits.headerListByteCount = 4096
    let (client, server) = (HTTP2Peer(.client), HTTP2Peer(.server, limits: limits))
    client.talk(to: server)
    var head = requestHead("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    head.addField(name: Array("x".utf8).span, value: [UInt8](repeating: 97, count: 5000).span)
    server.onEnd = { $0.respond(ok(), body: [1]) }
    let other = client.request(requestHead("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))!
    let calls = [client.request(head)!, client.request(head, body: [1])!, client.request(head)!]
    client.talk(to: server)
    for call in calls { #expect(call.head.status == 431 && call.isEnded) }
    #expect(other.head.status == 200 && other.isEnded)
    #expect(client.goAways.isEmpty && server.exceededLimits.isEmpty && server.session.openStreamCount == 0)
    #expect(server.refused.map(\.error) == [.headerListTooLarge, .headerListTooLarge, .headerListTooLarge])
}

@Test func `fields are counted, cookies only by their bytes`() {
    var limits = HTTP2Limits()
    limits.fieldCount = 5
    let five = (0..<5).map { ("x-\($0)", "1") }
    let crumbs = (0..<50).map { ("cookie", "c\($0)=1") }
    let client = RawClient(limits: limits)
    client.send(.headers(1, plainRequest + five + crumbs))
    #expect(client.server.streams.first?.head.fieldCount == 7)
    expectAlive(client)
    client.send(.headers(3, plainRequest + five + [("x-6", "1")]))
    #expect(client.server.streams.count == 1 && client.server.refused.map(\.error) == [.tooManyFields])
    expectAlive(client)

    limits.headerListByteCount = 1000
    let other = RawClient(limits: limits)
    other.send(.headers(1, plainRequest + crumbs))
    #expect(other.server.refused.map(\.error) == [.headerListTooLarge])
}

@Test func `a block of references to one large field is stopped while it is decoded`() {
    let client = RawClient()
    // Indexed: a field of almost 4 KiB, the only one the table has room for, then 16,000 references to it.
    let large = [0x40] + HPACK.string(Array("x".utf8)) + HPACK.string([UInt8](repeating: 97, count: 4000))
    client.send(HTTP2Frame(.headers, flags: 5, id: 1, HPACK.literals(plainRequest) + large))
    client.send(
        HTTP2Frame(.headers, flags: 5, id: 3, HPACK.literals(plainRequest) + [UInt8](repeating: 0xBE, count: 16_000)))
    #expect(client.server.streams.count == 1)
    expectExceeded(.headerList, client)
    #expect(client.server.refused.isEmpty)
}

@Test func `trailers and responses have the same limit`() {
    var limits = HTTP2Limits()
    limits.headerListByteCount = 4096
    let fields = (0..<100).map { ("x-\($0)", String(repeating: "a", count: 50)) }
    let client = RawClient(limits: limits)
    client.send(.headers(1, plainRequest, endsStream: false), .headers(1, fields))
    #expect(client.resetCode(1) == .protocolError && client.server.refused.map(\.error) == [.headerListTooLarge])
    expectAlive(client)
    let server = RawServer(limits: limits)
    let call = server.request(requestHead("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
    server.send(.headers(1, [(":status", "200")] + fields))
    #expect(server.resetCode(1) == .protocolError && !call.hasReceivedHead && call.code == .protocolError)
    #expect(server.goAwayCode == nil && server.client.exceededLimits.isEmpty)
}

@Test func `CONTINUATION frames are counted`() {
    for (count, isTaken) in [(16, true), (17, false)] {
        let client = RawClient()
        client.send(HTTP2Frame(.headers, flags: 1, id: 1, HPACK.literals(plainRequest)))
        client.send((0..<(count - 1)).map { _ in HTTP2Frame(.continuation, id: 1) })
        client.send(HTTP2Frame(.continuation, flags: 4, id: 1))
        if isTaken { expectAlive(client) } else { expectExceeded(.continuations, client) }
    }
    // Also of a block that nobody reads.
    let client = RawClient()
    client.server.session.goAway(.noError)
    client.look()
    client.send(HTTP2Frame(.headers, flags: 1, id: 1, HPACK.literals(plainRequest)))
    client.send((0..<17).map { _ in HTTP2Frame(.continuation, id: 1) })
    #expect(client.server.exceededLimits == [.continuations])
}

@Test func `streams that are opened and reset at once are counted, CVE-2023-44487`() {
    var limits = HTTP2Limits()
    limits.resets = 10
    let client = RawClient(limits: limits)
    for index in 0..<10 as Range<UInt32> {
        client.send(.headers(2 * index + 1, plainRequest), .reset(2 * index + 1, 8))
    }
    expectAlive(client)
    client.send(.headers(21, plainRequest), .reset(21, 8))
    expectExceeded(.resets, client)
}

@Test func `a stream that has been open for a while may be reset, as by a caller whose deadline is over`() {
    var limits = HTTP2Limits()
    limits.resets = 10
    let client = RawClient(limits: limits)
    for index in 0..<40 as Range<UInt32> {
        client.send(.headers(2 * index + 1, plainRequest))
        client.server.session.now += HTTP2Limits.youngMilliseconds
        client.send(.reset(2 * index + 1, 8))
    }
    expectAlive(client)
    #expect(client.server.streams.allSatisfy { $0.code == .cancel })
    for index in 40...50 as ClosedRange<UInt32> {
        client.send(.headers(2 * index + 1, plainRequest))
        client.server.session.now += HTTP2Limits.youngMilliseconds - 1
        client.send(.reset(2 * index + 1, 8))
    }
    expectExceeded(.resets, client)
}

@Test(arguments: [true, false])
func `a stream whose answer has begun may be reset at once`(isWhole: Bool) {
    var limits = HTTP2Limits()
    limits.resets = 10
    let client = RawClient(limits: limits)
    client.server.onRequest = { stream in
        stream.respond(ok(), body: isWhole ? nil : [UInt8](repeating: 1, count: 100_000))
    }
    for index in 0..<40 as Range<UInt32> {
        client.send(.headers(2 * index + 1, plainRequest, endsStream: false))
        client.send(.reset(2 * index + 1, 8))
    }
    expectAlive(client)
}

@Test func `a reset that crosses the end of its stream is not counted, a second one is`() {
    var limits = HTTP2Limits()
    limits.resets = 10
    let client = RawClient(limits: limits)
    client.server.onEnd = { $0.respond(ok()) }
    for index in 0..<40 as Range<UInt32> {
        client.send(.headers(2 * index + 1, plainRequest))
        client.send(.reset(2 * index + 1, 8))
    }
    expectAlive(client)
    for _ in 0..<10 { client.send(.reset(1, 8)) }
    expectAlive(client)
    client.send(.reset(1, 8))
    expectExceeded(.resets, client)
}

@Test func `what is answered before its head is taken may be reset as late`() {
    var limits = HTTP2Limits()
    limits.resets = 10
    let client = RawClient(limits: limits)
    for index in 0..<40 as Range<UInt32> {
        client.send(.headers(2 * index + 1, plainRequest + [("expect", "nothing")]))
        client.send(.reset(2 * index + 1, 8))
    }
    expectAlive(client)
}

@Test func `resets are forgiven after 30 s`() {
    var limits = HTTP2Limits()
    limits.resets = 10
    let client = RawClient(limits: limits)
    for index in 0..<40 as Range<UInt32> {
        client.server.session.now = UInt64(index / 10) * 30_000
        client.send(.headers(2 * index + 1, plainRequest), .reset(2 * index + 1, 8))
    }
    expectAlive(client)
    client.server.session.now = 119_999
    client.send(.headers(81, plainRequest), .reset(81, 8))
    expectExceeded(.resets, client)
}

@Test(arguments: 0..<6)
func `resets that a client provokes are counted, CVE-2025-8671`(way: Int) {
    var limits = HTTP2Limits()
    limits.resets = 10
    if way == 4 { limits.concurrentStreams = 1 }
    if way == 5 { limits.fieldCount = 1 }
    let client = RawClient(limits: limits)
    if way == 4 { client.send(.headers(1, plainRequest, endsStream: false)) }
    func provoke(_ id: UInt32) {
        switch way {
        case 0: client.send(.headers(id, plainRequest + [("Upper", "1")]))
        case 1: client.send(.headers(id, plainRequest, endsStream: false), .windowUpdate(id, 0x7FFF_FFFF))
        case 2: client.send(.headers(id, plainRequest + [("content-length", "1")], endsStream: false), .data(id, "ab"))
        case 3: client.send(.headers(id, plainRequest, endsStream: false), .headers(id, [(":path", "/")]))
        case 4: client.send(.headers(id, plainRequest))
        default: client.send(.headers(id, plainRequest + [("x", "1"), ("y", "1")]))
        }
    }
    for index in 1...10 as ClosedRange<UInt32> { provoke(2 * index + 1) }
    expectAlive(client)
    if way != 5 { #expect(client.frames.count { $0.kind == .resetStream } == 10) }
    provoke(23)
    client.look()
    expectExceeded(.provokedResets, client)
}

@Test func `a server's resets are not counted`() {
    var limits = HTTP2Limits()
    limits.resets = 5
    let server = RawServer(limits: limits)
    for index in 0..<20 as Range<UInt32> {
        _ = server.request(requestHead("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
        server.send(.reset(2 * index + 1, 8))
    }
    #expect(server.goAwayCode == nil && server.client.exceededLimits.isEmpty)
}

@Test func `SETTINGS are counted, frames and entries`() {
    var limits = HTTP2Limits()
    limits.settings = 10
    let client = RawClient(limits: limits)
    for _ in 0..<9 { client.send(.settings()) }
    expectAlive(client)
    client.send(.settings())
    expectExceeded(.settings, client)
    for (count, isTaken) in [(32, true), (33, false)] {
        let client = RawClient()
        client.send(.settings((0..<count).map { _ in (3, 100) }))
        if isTaken { expectAlive(client) } else { expectExceeded(.settings, client) }
    }
}

@Test func `PING is counted, but for what measuring a path takes`() {
    var limits = HTTP2Limits()
    limits.pings = 10
    limits.emptyData = 10_000
    let client = RawClient(limits: limits)
    for _ in 0..<10 { client.send(ping) }
    expectAlive(client)
    client.send(.headers(1, plainRequest, endsStream: false))
    for _ in 0..<100 { client.send(.data(1, "a"), ping) }
    client.send(ping)
    expectAlive(client)
    client.send(ping)
    expectExceeded(.pings, client)
}

@Test func `DATA without data is counted`() {
    var limits = HTTP2Limits()
    limits.emptyData = 10
    let client = RawClient(limits: limits)
    client.send(.headers(1, plainRequest, endsStream: false))
    for _ in 0..<5 { client.send(.data(1, ""), HTTP2Frame(.data, flags: 8, id: 1, [3, 0, 0, 0])) }
    expectAlive(client)
    client.send(.data(1, ""))
    expectExceeded(.emptyData, client)
    let padded = RawClient(limits: limits)
    padded.send(.headers(1, plainRequest, endsStream: false))
    for _ in 0..<11 { padded.send(HTTP2Frame(.data, flags: 8, id: 1, [0])) }
    expectExceeded(.emptyData, padded)
}

@Test func `answers that nobody reads are counted`() {
    let client = RawClient()
    client.server.receive([UInt8]((0..<200).flatMap { _ in ping.bytes }))
    client.look()
    expectExceeded(.output, client)

    var limits = HTTP2Limits()
    limits.queuedFrames = 100
    limits.resets = 100_000
    let resetter = RawClient(limits: limits)
    for index in 0..<2000 as Range<UInt32> {
        let id = 2 * index + 1
        resetter.server.receive(
            HTTP2Frame.headers(id, plainRequest, endsStream: false).bytes + HTTP2Frame.reset(id, 8).bytes
                + HTTP2Frame.data(id, "a").bytes)
    }
    resetter.look()
    expectExceeded(.output, resetter)
}

@Test func `answers that nobody reads are bounded in bytes, too`() {
    var limits = HTTP2Limits()
    limits.queuedFrames = 100_000
    limits.queuedBytes = 100_000
    limits.resets = 100_000
    let client = RawClient(limits: limits)
    // What never repeats, so that no table makes it shorter.
    client.server.onEnd = { $0.respond(ok("Location: \(String(repeating: "a", count: 8_000))\r\n")) }
    for index in 0..<100 as Range<UInt32> {
        let id = 2 * index + 1
        client.server.receive(HTTP2Frame.headers(id, plainRequest).bytes + HTTP2Frame.reset(id, 8).bytes)
    }
    client.look()
    expectExceeded(.output, client)
}

@Test func `a limit is told once`() {
    var limits = HTTP2Limits()
    limits.pings = 1
    let client = RawClient(limits: limits)
    client.send([ping, ping, ping, ping])
    client.send(ping)
    expectExceeded(.pings, client)
}
