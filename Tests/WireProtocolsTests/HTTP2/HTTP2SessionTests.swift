import HTTPSemantics
import Testing
import WireChecks

@testable import WireProtocols

/// A client and a server that know each other's settings.
private func pair(
    client: HTTP2Limits = HTTP2Limits(), server: HTTP2Limits = HTTP2Limits()
) -> (client: HTTP2Peer, server: HTTP2Peer) {
    let client = HTTP2Peer(.client, limits: client)
    let server = HTTP2Peer(.server, limits: server)
    client.talk(to: server)
    return (client, server)
}

@Test func `both sides tell each other their settings`() {
    let (client, server) = pair()
    #expect(client.settingsCount == 1 && server.settingsCount == 1)
    #expect(client.session.peerAllowsExtendedConnect)
    #expect(client.session.canOpenStream && !server.session.canOpenStream)
    #expect(!client.session.isOver && !server.session.isOver && !client.session.wantsWrite)
}

@Test func `a request and its answer arrive as they were sent`() throws {
    let (client, server) = pair()
    server.onEnd = { $0.respond(ok("Content-Type: text/plain\r\nContent-Length: 5\r\n"), body: Array("hello".utf8)) }
    let head = requestHead(
        "POST http://Orders.Shop:8080/a/../b?x=1 HTTP/1.1\r\nHost: orders.shop:8080\r\nX-One: 1\r\nContent-Length: 3\r\n\r\n"
    )
    let call = client.request(head, body: Array("abc".utf8))!
    client.talk(to: server)

    let served = try #require(server.streams.first)
    #expect(
        served.head.summary
            == "POST orders.shop /b?x=1 [x-one: 1, content-length: 3, host: orders.shop]")
    #expect(served.head.hostPort == 8080 && served.head.scheme == .https && served.head.contentLength == 3)
    #expect(served.framing.contentLength == 3 && served.framing.tunnel == .none && !served.framing.endsStream)
    #expect(served.body == Array("abc".utf8) && served.isEnded && served.code == .noError && served.hasSentEnd)

    #expect(call.head.status == 200 && call.head.contentLength == 5 && call.head.value("content-type") == "text/plain")
    #expect(call.body == Array("hello".utf8) && call.isEnded && call.code == .noError && call.hasSentEnd)
    #expect(client.session.openStreamCount == 0 && server.session.openStreamCount == 0)
}

@Test func `a session that gave its memory back while it idled goes on`() throws {
    let (client, server) = pair()
    server.onEnd = { $0.respond(ok("Content-Length: 2\r\n"), body: Array("ok".utf8)) }
    for round in 0..<3 {
        let call = client.request(requestHead("GET /\(round)?x=1 HTTP/1.1\r\nHost: a.b\r\nX-One: 1\r\n\r\n"))!
        client.session.releaseIdleMemory()
        client.talk(to: server)
        #expect(call.body == Array("ok".utf8) && call.head.status == 200)
        #expect(server.streams[round].head.summary == "GET a.b /\(round)?x=1 [x-one: 1, host: a.b]")
        client.session.releaseIdleMemory()
        server.session.releaseIdleMemory()
    }
}

@Test func `a query that was rewritten and a port are put together again`() throws {
    let (client, server) = pair()
    var head = requestHead("GET /old?q=1 HTTP/1.1\r\nHost: a.b:81\r\n\r\n")
    try head.replacePath(canonicalizing: head.append(Array("/new".utf8)))
    _ = client.request(head)
    client.talk(to: server)
    #expect(server.streams[0].head.summary == "GET a.b /new?q=1 [host: a.b]")
    #expect(server.streams[0].head.hostPort == 81)
}

@Test func `trailers pass, those that no trailer section may have do not`() {
    let (client, server) = pair()
    let trailers = trailerSection([
        ("grpc-status", "0"), ("grpc-message", "fine"), ("content-length", "9"), ("host", "x"),
    ])
    server.onEnd = { $0.respond(ok(), body: [1, 2, 3], trailers: trailers) }
    let call = client.request(requestHead("POST / HTTP/1.1\r\nHost: a\r\n\r\n"), body: [4], trailers: trailers)!
    client.talk(to: server)
    for stream in [call, server.streams[0]] {
        #expect(stream.trailers.map(\.name) == ["grpc-status", "grpc-message"])
        #expect(stream.trailers.map(\.value) == ["0", "fine"])
        #expect(stream.isEnded && stream.code == .noError)
    }
}

@Test func `an answer may be all head, and trailers may follow nothing`() {
    let (client, server) = pair()
    server.onEnd = { stream in
        if stream.head.text(stream.head.path) == "/head" {
            stream.respond(ok("grpc-status: 5\r\n"))
        } else {
            stream.respond(ok(), body: [], trailers: trailerSection([("grpc-status", "7")]))
        }
    }
    let whole = client.request(requestHead("GET /head HTTP/1.1\r\nHost: a\r\n\r\n"))!
    let split = client.request(requestHead("GET /trailers HTTP/1.1\r\nHost: a\r\n\r\n"))!
    client.talk(to: server)
    #expect(whole.head.value("grpc-status") == "5" && whole.isEnded && whole.trailers.isEmpty)
    #expect(split.trailers.map(\.value) == ["7"] && split.isEnded && split.body.isEmpty)
}

@Test func `interim responses come before the final one`() {
    let (client, server) = pair()
    server.onEnd = { stream in
        stream.session(server).submitInterim(responseHead("HTTP/1.1 103 \r\nLink: </x>\r\n\r\n"), on: stream)
        stream.session(server).submitInterim(responseHead("HTTP/1.1 100 \r\n\r\n"), on: stream)
        stream.respond(ok(), body: [1])
    }
    let call = client.request(requestHead("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))!
    client.talk(to: server)
    #expect(call.interimStatuses == [103, 100] && call.head.status == 200 && call.body == [1])
}

extension HTTP2PeerStream {
    fileprivate func session(_ peer: HTTP2Peer) -> HTTP2Session { peer.session }
}

@Test func `an answer without a body may tell a length`() {
    let (client, server) = pair()
    server.onEnd = {
        $0.respond(responseHead("HTTP/1.1 \($0.head.text($0.head.path).dropFirst()) \r\nContent-Length: 7\r\n\r\n"))
    }
    let head = client.request(requestHead("HEAD /200 HTTP/1.1\r\nHost: a\r\n\r\n"))!
    let notModified = client.request(requestHead("GET /304 HTTP/1.1\r\nHost: a\r\n\r\n"))!
    client.talk(to: server)
    #expect(head.head.contentLength == 7 && head.isEnded && head.code == .noError)
    #expect(notModified.head.contentLength == 7 && notModified.isEnded)
}

@Test func `fields for one connection stay on it`() {
    let (client, server) = pair()
    var head = requestHead("GET / HTTP/1.1\r\nHost: a\r\nTE: gzip;q=1, trailers\r\nX-Kept: 1\r\n\r\n")
    for field in [KnownField.connection, .keepAlive, .proxyConnection, .upgrade, .http2Settings] {
        head.addField(field, value: Array("x".utf8).span)
    }
    _ = client.request(head)
    client.talk(to: server)
    #expect(server.streams[0].head.summary == "GET a / [te: trailers, x-kept: 1, host: a]")
}

@Test func `cookies travel in crumbs and arrive as one`() {
    let (client, server) = pair()
    for cookie in ["a=1; b=2; c=3", "a=1", "a=1;b=2; c", "a=1; ", "; a"] {
        _ = client.request(requestHead("GET / HTTP/1.1\r\nHost: a\r\nCookie: \(cookie)\r\n\r\n"))
        client.talk(to: server)
        #expect(server.streams.last?.head.values("cookie") == [cookie.trimmed], "\(cookie)")
    }
}

extension String {
    fileprivate var trimmed: String {
        var text = self[...]
        while text.last == " " { text = text.dropLast() }
        while text.first == " " { text = text.dropFirst() }
        return String(text)
    }
}

@Test func `a tunnel carries bytes both ways, and each half ends by itself`() throws {
    let (client, server) = pair()
    server.onRequest = { $0.send(Array("welcome".utf8)) }
    let call = try #require(client.tunnel(to: "orders.shop.mesh:1"))
    client.talk(to: server)
    let served = server.streams[0]
    #expect(served.framing.tunnel == .connection && served.head.knownMethod == .connect)
    #expect(
        served.head.text(served.head.host) == "orders.shop.mesh" && served.head.hostPort == 1
            && served.head.path.isEmpty)
    server.session.submitResponse(ok(), on: served, endsStream: false)
    call.send(Array("ping".utf8))
    client.talk(to: server)
    #expect(call.head.status == 200 && call.body == Array("welcome".utf8) && !call.isEnded)
    #expect(served.body == Array("ping".utf8))
    call.end()
    client.talk(to: server)
    #expect(served.isEnded && served.code == nil && !call.isEnded)
    served.send(Array("bye".utf8))
    served.end()
    client.talk(to: server)
    #expect(call.body == Array("welcomebye".utf8) && call.code == .noError && served.code == .noError)
}

@Test func `a WebSocket is asked for by extended CONNECT and is a GET to who reads it`() {
    let (client, server) = pair()
    var head = requestHead(
        "GET /chat?room=1 HTTP/1.1\r\nHost: a.b\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    head.removeHopByHopFields()
    #expect(head.upgrade == .webSocket)
    let stream = client.request(head, body: [])!
    client.talk(to: server)
    let served = server.streams[0]
    #expect(served.framing.tunnel == .webSocket && served.head.upgrade == .webSocket && served.head.knownMethod == .get)
    #expect(served.head.summary == "GET a.b /chat?room=1 [sec-websocket-version: 13, host: a.b]")
    #expect(stream.code == nil)
}

@Test func `streams take turns`() {
    let (client, server) = pair()
    server.onEnd = { $0.respond(ok(), body: [UInt8](repeating: 1, count: 200_000)) }
    for _ in 0..<3 { _ = client.request(requestHead("GET / HTTP/1.1\r\nHost: a\r\n\r\n")) }
    server.receive(client.takeOutput())
    let order = HTTP2Frame.parse(server.takeOutput(upTo: 12 * 16_393)).filter { $0.kind == .data }.map(\.id)
    #expect(order.count >= 11)
    for start in stride(from: 0, to: order.count - 3, by: 3) { #expect(Set(order[start..<(start + 3)]).count == 3) }
}

@Test func `a client's streams take turns too`() {
    let (client, server) = pair()
    for _ in 0..<3 {
        _ = client.request(
            requestHead("POST / HTTP/1.1\r\nHost: a\r\n\r\n"), body: [UInt8](repeating: 1, count: 100_000))
    }
    let order = HTTP2Frame.parse(client.takeOutput(upTo: 12 * 16_393)).filter { $0.kind == .data }.map(\.id)
    #expect(order.count >= 11)
    for start in stride(from: 0, to: order.count - 3, by: 3) { #expect(Set(order[start..<(start + 3)]).count == 3) }
    _ = server
}

@Test func `no more is written at a time than was asked for, but whole frames`() {
    let (client, server) = pair()
    server.onEnd = { $0.respond(ok(), body: [UInt8](repeating: 1, count: 100_000)) }
    _ = client.request(requestHead("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
    server.receive(client.takeOutput())
    var all = 0
    while server.session.wantsWrite {
        let bytes = server.takeOutput(upTo: 1000)
        #expect(bytes.count > 0 && bytes.count < 1000 + 16_393)
        #expect(HTTP2Frame.parse(bytes).reduce(0) { $0 + 9 + $1.payload.count } == bytes.count)
        all += bytes.count
        client.receive(bytes)
    }
    #expect(all > 100_000)
}

@Test func `a reset reaches the other side with its code`() {
    let (client, server) = pair()
    let call = client.request(requestHead("POST / HTTP/1.1\r\nHost: a\r\n\r\n"), body: nil)!
    client.talk(to: server)
    client.session.reset(call, .cancel)
    client.talk(to: server)
    #expect(server.streams[0].code == .cancel && call.code == .cancel)
    #expect(client.session.openStreamCount == 0 && server.session.openStreamCount == 0)
}

@Test func `a request that is reset before it was written is over for both sides`() {
    let (client, server) = pair()
    let call = client.request(requestHead("POST / HTTP/1.1\r\nHost: a\r\n\r\n"), body: [1, 2])!
    client.session.reset(call, .cancel)
    #expect(call.code == nil)
    client.talk(to: server)
    #expect(call.code == .cancel && server.streams.map(\.code) == [.cancel] && server.streams[0].body.isEmpty)
    #expect(client.session.openStreamCount == 0 && server.session.openStreamCount == 0)
}

@Test func `a stream of a session that was abandoned is nobody's, and may be used on another`() {
    let (client, server) = pair()
    let call = client.request(requestHead("POST / HTTP/1.1\r\nHost: a\r\n\r\n"), body: [1, 2])!
    let id = call.id
    client.session.abandon()
    #expect(call.id == 0 && id == 1 && client.session.openStreamCount == 0)
    // Neither session takes it for its own.
    for session in [client.session, server.session] {
        session.resumeData(call)
        session.reset(call, .cancel)
        session.consume(call, 1)
        #expect(!session.wantsWrite)
    }
}

@Test func `a ping is answered`() {
    let (client, server) = pair()
    client.session.ping(0x0102_0304_0506_0708)
    client.talk(to: server)
    #expect(client.pings == [0x0102_0304_0506_0708])
}

@Test func `a connection ends in two steps, and what was under way is answered`() {
    let (client, server) = pair()
    let call = client.request(requestHead("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))!
    client.talk(to: server)
    server.session.announceGoAway()
    client.talk(to: server)
    #expect(client.goAways.count == 1 && client.goAways[0].last == .max && client.goAways[0].code == .noError)
    #expect(!client.session.canOpenStream)
    server.session.goAway(.noError)
    client.talk(to: server)
    #expect(client.goAways.last?.last == call.id)
    #expect(!server.session.isOver)
    server.streams[0].respond(ok(), body: [1])
    client.talk(to: server)
    #expect(call.body == [1] && call.code == .noError)
    #expect(server.session.isOver && client.session.isOver)
}

@Test func `a request that a server did not look at is refused, so that it can be sent again`() {
    let (client, server) = pair()
    server.session.goAway(.noError)
    let goAway = server.takeOutput()
    let call = client.request(requestHead("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))!
    server.receive(client.takeOutput())
    #expect(server.streams.isEmpty)
    client.receive(goAway)
    #expect(call.code == .refusedStream)
}

@Test func `a client opens no more streams than it may`() {
    var limits = HTTP2Limits()
    limits.concurrentStreams = 3
    let (client, server) = pair(server: limits)
    let head = requestHead("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    let calls = (0..<3).map { _ in client.request(head) }
    let oneMore = client.request(head)
    #expect(calls.allSatisfy { $0 != nil } && !client.session.canOpenStream && oneMore == nil)
    client.talk(to: server)
    server.streams[1].respond(ok())
    client.talk(to: server)
    #expect(client.session.canOpenStream && client.session.openStreamCount == 2)
    let again = client.request(head)
    #expect(again != nil)
}

@Test func `an abandoned session calls nobody`() {
    let (client, server) = pair()
    server.onRequest = { _ in server.session.abandon() }
    for _ in 0..<3 { _ = client.request(requestHead("GET / HTTP/1.1\r\nHost: a\r\n\r\n")) }
    server.receive(client.takeOutput())
    #expect(server.streams.count == 1 && !server.isAlive && server.session.isOver)
    #expect(server.takeOutput().isEmpty)
}

@Test func `bytes may come one at a time`() {
    let client = HTTP2Peer(.client)
    let server = HTTP2Peer(.server)
    server.onEnd = { $0.respond(ok(), body: Array("hello".utf8), trailers: trailerSection([("x-t", "1")])) }
    for byte in client.takeOutput() { server.receive([byte]) }
    for byte in server.takeOutput() { client.receive([byte]) }
    let call = client.request(requestHead("POST / HTTP/1.1\r\nHost: a\r\n\r\n"), body: [1, 2, 3])!
    for _ in 0..<4 {
        for byte in client.takeOutput() { server.receive([byte]) }
        for byte in server.takeOutput() { client.receive([byte]) }
    }
    #expect(server.streams[0].body == [1, 2, 3] && call.body == Array("hello".utf8) && call.code == .noError)
}

@Test func `a session knows since when a header block is under way`() {
    let client = RawClient()
    let block = HPACK.literals(plainRequest)
    client.server.session.now = 10
    client.send(HTTP2Frame(.headers, flags: 1, id: 1, block))
    #expect(client.server.session.unfinishedSince == 10)
    client.server.session.now = 20
    client.send(HTTP2Frame(.continuation, id: 1))
    #expect(client.server.session.unfinishedSince == 10)
    // One ends, the next begins: it has as much time as the first.
    client.send(HTTP2Frame(.continuation, flags: 4, id: 1), HTTP2Frame(.headers, flags: 1, id: 3, block))
    #expect(client.server.session.unfinishedSince == 20 && client.server.streams.count == 1)
    client.send(HTTP2Frame(.continuation, flags: 4, id: 3))
    #expect(client.server.session.unfinishedSince == nil && client.server.streams.count == 2)
}

@Test func `a session knows since when SETTINGS wait to be acknowledged`() {
    let (client, server) = (HTTP2Peer(.client), HTTP2Peer(.server))
    server.session.now = 10
    #expect(server.session.settingsSince == nil)
    let settings = server.takeOutput()
    server.session.now = 20
    #expect(server.session.settingsSince == 10)
    client.receive(settings)
    client.talk(to: server)
    #expect(server.session.settingsSince == nil)

    // One that has acknowledged them ahead.
    let raw = RawClient()
    #expect(raw.server.session.settingsSince == nil)
    // One that acknowledges nothing is no peer.
    raw.send(HTTP2Frame(.settings, flags: HTTP2Frame.acknowledgement))
    #expect(raw.server.session.isOver)
}
