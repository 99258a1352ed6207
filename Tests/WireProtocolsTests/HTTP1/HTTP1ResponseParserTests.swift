import HTTPSemantics
import Testing

@testable import WireProtocols

private func parsed(_ text: String, answering method: KnownMethod = .get) -> String {
    var head = MessageHead()
    var framing = HTTP1Framing()
    var scan = HTTP1ScanState()
    do throws(HTTP1Error) {
        let used = try HTTP1ResponseParser.parse(
            Array(text.utf8).span, into: &head, framing: &framing, limits: HTTP1Limits(), scan: &scan,
            requestMethod: method)
        guard used != nil else { return "…" }
    } catch {
        return String(describing: error.name)
    }
    let length = head.contentLength.map { " of \($0)" } ?? ""
    return "\(head.status) \(framing.body)\(length)\(framing.keepsAlive ? "" : ", closes")"
}

@Test(arguments: [
    ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "200 length(5) of 5"),
    ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "200 none of 0"),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "200 chunked"),
    ("HTTP/1.1 200 OK\r\n\r\n", "200 untilClose, closes"), ("HTTP/1.1 200 \r\n\r\n", "200 untilClose, closes"),
    ("HTTP/1.1 200\r\n\r\n", "200 untilClose, closes"), ("HTTP/1.1 999 \u{FC}\t!\r\n\r\n", "999 untilClose, closes"),
    ("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\n", "200 length(5) of 5, closes"),
    ("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\n", "200 length(5) of 5, closes"),
    ("HTTP/1.1 204 No Content\r\n\r\n", "204 none"), ("HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n", "304 none of 5"),
    ("HTTP/1.1 304 x\r\nTransfer-Encoding: chunked\r\n\r\n", "304 none"), ("HTTP/1.1 100 Continue\r\n\r\n", "100 none"),
    ("HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 4\r\n\r\n", "101 none of 4"),
    ("HTTP/1.1 200 OK\r\nHost: a\r\nHost: b\r\nExpect: x\r\nContent-Length: 1\r\n\r\n", "200 length(1) of 1"),
])
func `a response says how it ends`(text: String, meaning: String) {
    #expect(parsed(text) == meaning)
}

@Test(arguments: [
    ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "200 none of 5"), ("HTTP/1.1 200 OK\r\n\r\n", "200 none"),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "200 none"),
])
func `a response to HEAD has no body`(text: String, meaning: String) {
    #expect(parsed(text, answering: .head) == meaning)
}

@Test(arguments: [
    ("HTP/1.1 200 OK\r\n\r\n", "invalid-status-line"), ("HTTP/1.1  200 OK\r\n\r\n", "invalid-status-line"),
    ("HTTP/1.1\t200 OK\r\n\r\n", "invalid-status-line"), ("HTTP/1.1 2 OK\r\n\r\n", "invalid-status-line"),
    ("HTTP/1.1 099 OK\r\n\r\n", "invalid-status-line"), ("HTTP/1.1 2000 OK\r\n\r\n", "invalid-status-line"),
    ("HTTP/1.1 200 a\u{0}b\r\n\r\n", "invalid-status-line"), ("\r\nHTTP/1.1 200 OK\r\n\r\n", "invalid-status-line"),
    ("HTTP/1.1 200 OK\n\r\n", "invalid-line-end"), ("HTTP/1.1 200 OK\rX: y\r\n\r\n", "invalid-line-end"),
    ("HTTP/2.0 200 OK\r\n\r\n", "unsupported-version"), ("HTTP/1.1 200 OK\r\n x: y\r\n\r\n", "folded-line"),
    ("HTTP/1.1 200 OK\r\nx y: z\r\n\r\n", "invalid-field-name"),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "content-length-and-transfer-encoding"
    ),
    ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", "repeated-content-length"),
    ("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "invalid-content-length"),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "invalid-transfer-encoding"),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "unsupported-transfer-encoding"),
    ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "transfer-encoding-in-http-1-0"),
])
func `a response in doubt is refused`(text: String, name: String) {
    #expect(parsed(text) == name)
}

@Test func `every part of a response head is incomplete`() {
    let bytes = Array("HTTP/1.1 200 OK\r\nx: y\r\n\r\n".utf8)
    for count in bytes.indices { #expect(parsed(String(decoding: bytes[..<count], as: UTF8.self)) == "…") }
}
