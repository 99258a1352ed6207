import HTTPSemantics
import Testing

@testable import WireProtocols

private func request(_ text: String) throws -> MessageHead {
    var head = MessageHead()
    var framing = HTTP1Framing()
    var scan = HTTP1ScanState()
    _ = try HTTP1RequestParser.parse(
        Array(text.utf8).span, into: &head, framing: &framing, limits: HTTP1Limits(), scan: &scan, scheme: .http)
    return head
}

private func response(_ text: String) throws -> MessageHead {
    var head = MessageHead()
    var framing = HTTP1Framing()
    var scan = HTTP1ScanState()
    _ = try HTTP1ResponseParser.parse(
        Array(text.utf8).span, into: &head, framing: &framing, limits: HTTP1Limits(), scan: &scan, requestMethod: .head)
    return head
}

private func written(_ head: borrowing MessageHead, _ body: HTTP1Framing.Body) -> String {
    var output = ByteBuffer()
    HTTP1Serializer.appendRequest(head, body: body, to: &output)
    return String(decoding: output.array, as: UTF8.self)
}

private func answered(
    _ head: borrowing MessageHead, _ length: BodyLength, to method: KnownMethod = .get, keepsAlive: Bool = true,
    minorVersion: UInt8 = 1
) -> String {
    var output = ByteBuffer()
    let body = ResponseBody(length, status: head.status, answering: method)
    HTTP1Serializer.appendResponse(head, body: body, keepsAlive: keepsAlive, minorVersion: minorVersion, to: &output)
    return String(decoding: output.array, as: UTF8.self)
}

@Test func `a request is written in canonical form, host first, framing from the body alone`() throws {
    var head = try request(
        "GET http://A.b:81/x//y?z HTTP/1.1\r\nX-One: 1\r\nHost:  a.B:81\r\nContent-Length: 9\r\nX-Two:2\r\nX-Three:  3\r\nEmpty:\r\n"
            + "Connection: close\r\nX-Four: 4\r\n\r\n")
    let fields = "x-one: 1\r\nx-two: 2\r\nx-three: 3\r\nempty: \r\nx-four: 4\r\n"
    let start = "GET /x/y?z HTTP/1.1\r\nhost: a.b:81\r\n" + fields
    #expect(written(head, .length(7)) == start + "content-length: 7\r\n\r\n")
    #expect(written(head, .chunked) == start + "transfer-encoding: chunked\r\n\r\n")
    #expect(written(head, .untilClose) == start + "transfer-encoding: chunked\r\n\r\n")
    #expect(written(head, .none) == start + "content-length: 0\r\n\r\n")
    head.addField(.heddleCaller, value: ("spiffe://m/ns/a/sa/b" as StaticString).bytes)
    #expect(written(head, .length(7)) == start + "x-heddle-caller: spiffe://m/ns/a/sa/b\r\ncontent-length: 7\r\n\r\n")
}

@Test func `a request without a body says so where its method has one as a rule`() throws {
    for (method, line) in [
        ("GET", ""), ("DELETE", ""), ("POST", "content-length: 0\r\n"), ("PUT", "content-length: 0\r\n"),
    ] {
        let head = try request("\(method) / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(written(head, .none) == "\(method) / HTTP/1.1\r\nhost: a\r\n\(line)\r\n")
    }
    let options = try request("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(written(options, .none) == "OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n")
    let connect = try request("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n")
    #expect(written(connect, .none) == "CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n")
}

@Test func `a response is written with its reason and framing`() throws {
    let head = try response("HTTP/1.1 404 Nope\r\nServer: s\r\nContent-Length: 3\r\n\r\n")
    let start = "HTTP/1.1 404 Not Found\r\nserver: s\r\n"
    #expect(answered(head, .bytes(3)) == start + "content-length: 3\r\n\r\n")
    #expect(answered(head, .unknown) == start + "transfer-encoding: chunked\r\n\r\n")
    #expect(answered(head, .unknown, keepsAlive: false, minorVersion: 0) == start + "connection: close\r\n\r\n")
    #expect(answered(head, .none) == start + "content-length: 0\r\n\r\n")
    #expect(answered(head, .unknown, to: .head) == start + "content-length: 3\r\n\r\n")
}

@Test func `204 and 1xx have no length, 304 keeps what it says`() throws {
    for length in [BodyLength.none, .bytes(3), .unknown] {
        #expect(
            answered(try response("HTTP/1.1 204 x\r\nContent-Length: 3\r\n\r\n"), length)
                == "HTTP/1.1 204 No Content\r\n\r\n")
        #expect(
            answered(try response("HTTP/1.1 304 x\r\nContent-Length: 3\r\n\r\n"), length)
                == "HTTP/1.1 304 Not Modified\r\ncontent-length: 3\r\n\r\n")
    }
    let interim = try response("HTTP/1.1 103 x\r\nLink: y\r\nContent-Length: 3\r\n\r\n")
    var output = ByteBuffer()
    HTTP1Serializer.appendInterimResponse(interim, to: &output)
    #expect(String(decoding: output.array, as: UTF8.self) == "HTTP/1.1 103 Early Hints\r\nlink: y\r\n\r\n")
    #expect(
        answered(try response("HTTP/1.1 799 x\r\n\r\n"), .bytes(0)) == "HTTP/1.1 799 \r\ncontent-length: 0\r\n\r\n")
}

@Test func `chunks are written as they are read`() {
    for count in [1, 9, 10, 15, 16, 255, 256, 4095, 65_536, Int.max] {
        var output = ByteBuffer()
        HTTP1Serializer.appendChunkHead(byteCount: count, to: &output)
        #expect(String(decoding: output.array, as: UTF8.self) == String(count, radix: 16, uppercase: true) + "\r\n")
    }
    var trailers = MessageHead()
    trailers.addField(name: Array("Grpc-Status".utf8).span, value: ("0" as StaticString).bytes)
    var output = ByteBuffer()
    HTTP1Serializer.appendLastChunk(trailers: trailers, to: &output)
    #expect(String(decoding: output.array, as: UTF8.self) == "0\r\ngrpc-status: 0\r\n\r\n")
    let end = HTTP1Serializer.chunkEnd
    let bytes = [end[0], end[1]]
    #expect(bytes == [13, 10] && end.count == 2)
}
