import HTTPSemantics
import Testing
import WireChecks

@testable import WireProtocols

/// What becomes of a request with these fields.
private struct Outcome {
    let errorName: String?
    let resetCode: HTTP2ErrorCode?
    let status: UInt16?
    let request: String?
    let framing: HTTP2RequestFraming?
    let isAlive: Bool

    init(_ fields: [(String, String)], endsStream: Bool = true, limits: HTTP2Limits = HTTP2Limits()) {
        let client = HTTP2Peer(.client)
        let server = HTTP2Peer(.server, limits: limits)
        server.receive(HTTP2Frame.preface + HTTP2Frame.settings().bytes)
        server.receive(HTTP2Frame.headers(1, fields, endsStream: endsStream).bytes)
        let output = server.takeOutput()
        // A client that waits for an answer on the same stream reads its status.
        let call = client.request(requestHead("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))!
        _ = client.takeOutput()
        client.receive(output)
        let frames = HTTP2Frame.parse(output)
        errorName = server.refused.first.map { "\($0.error.name)" }
        resetCode = frames.first { $0.kind == .resetStream && $0.id == 1 }?.code.map { HTTP2ErrorCode(rawValue: $0) }
        status = call.hasReceivedHead ? call.head.status : nil
        request = server.streams.first.map { $0.head.summary }
        framing = server.streams.first?.framing
        isAlive = server.isAlive
    }
}

private let get: [(String, String)] = [(":method", "GET"), (":scheme", "https"), (":authority", "a.b"), (":path", "/")]

private func with(_ fields: [(String, String)]) -> [(String, String)] { get + fields }

private func changing(_ name: String, to value: String) -> [(String, String)] {
    get.map { $0.0 == name ? (name, value) : $0 }
}

private struct Bad: Sendable {
    let what: String
    let fields: [(String, String)]
    let error: String

    init(_ what: String, _ fields: [(String, String)], _ error: String) {
        (self.what, self.fields, self.error) = (what, fields, error)
    }
}

private struct Unusable: Sendable {
    let what: String
    let fields: [(String, String)]
    let error: String
    let status: UInt16

    init(_ what: String, _ fields: [(String, String)], _ error: String, _ status: UInt16) {
        (self.what, self.fields, self.error, self.status) = (what, fields, error, status)
    }
}

private struct Canonical: Sendable {
    let fields: [(String, String)]
    let summary: String

    init(_ fields: [(String, String)], _ summary: String) { (self.fields, self.summary) = (fields, summary) }
}

private func without(_ name: String) -> [(String, String)] { get.filter { $0.0 != name } }

private let malformedRequests: [Bad] = [
    // RFC 9113 § 8.2.1.
    Bad("upper case in a name", with([("X-Upper", "1")]), "invalid-field-name"),
    Bad("upper case in a known name", with([("Cookie", "a=1")]), "invalid-field-name"),
    Bad("an empty name", with([("", "1")]), "invalid-field-name"),
    Bad("a space in a name", with([("x y", "1")]), "invalid-field-name"),
    Bad("a colon in a name", with([("x:y", "1")]), "invalid-field-name"),
    Bad("CR in a name", with([("x\r", "1")]), "invalid-field-name"),
    Bad("LF in a name", with([("x\ny", "1")]), "invalid-field-name"),
    Bad("NUL in a name", with([("x\0", "1")]), "invalid-field-name"),
    Bad("a byte over 0x7F in a name", with([("x\u{E4}", "1")]), "invalid-field-name"),
    Bad("CR in a value", with([("x", "a\rb")]), "invalid-field-value"),
    Bad("LF in a value", with([("x", "a\nHost: b")]), "invalid-field-value"),
    Bad("CRLF in a value", with([("x", "a\r\nx-evil: 1")]), "invalid-field-value"),
    Bad("NUL in a value", with([("x", "a\0")]), "invalid-field-value"),
    Bad("another control byte in a value", with([("x", "a\u{1}b")]), "invalid-field-value"),
    Bad("DEL in a value", with([("x", "a\u{7F}")]), "invalid-field-value"),
    Bad("a space before a value", with([("x", " a")]), "invalid-field-value"),
    Bad("a space after a value", with([("x", "a ")]), "invalid-field-value"),
    Bad("a tab after a value", with([("x", "a\t")]), "invalid-field-value"),
    Bad("LF in the path", changing(":path", to: "/a\nb"), "invalid-field-value"),
    Bad("CRLF in the authority", changing(":authority", to: "a\r\nb"), "invalid-field-value"),
    Bad("LF in the method", changing(":method", to: "GET\n"), "invalid-field-value"),
    // § 8.2.2.
    Bad("connection", with([("connection", "close")]), "connection-specific-field"),
    Bad("keep-alive", with([("keep-alive", "timeout=1")]), "connection-specific-field"),
    Bad("proxy-connection", with([("proxy-connection", "close")]), "connection-specific-field"),
    Bad("transfer-encoding", with([("transfer-encoding", "chunked")]), "connection-specific-field"),
    Bad("upgrade", with([("upgrade", "h2c")]), "connection-specific-field"),
    Bad("te with more than trailers", with([("te", "trailers, deflate")]), "invalid-te"),
    Bad("te without trailers", with([("te", "gzip")]), "invalid-te"),
    // § 8.3.
    Bad("no method", without(":method"), "missing-pseudo-field"),
    Bad("no scheme", without(":scheme"), "missing-pseudo-field"),
    Bad("no path", without(":path"), "missing-pseudo-field"),
    Bad("no pseudo-header field", [("x", "1")], "missing-pseudo-field"),
    Bad("two methods", with([(":method", "GET")]), "repeated-pseudo-field"),
    Bad("two schemes", with([(":scheme", "https")]), "repeated-pseudo-field"),
    Bad("two paths", with([(":path", "/")]), "repeated-pseudo-field"),
    Bad("two authorities", with([(":authority", "a.b")]), "repeated-pseudo-field"),
    Bad("a late one", without(":path") + [("x", "1"), (":path", "/")], "late-pseudo-field"),
    Bad("an unknown one", with([(":unknown", "1")]), "unknown-pseudo-field"),
    Bad("a response's", with([(":status", "200")]), "unknown-pseudo-field"),
    Bad("an upper-case one", [(":METHOD", "GET")] + get, "unknown-pseudo-field"),
    Bad("an empty path", changing(":path", to: ""), "invalid-path"),
    Bad("a path without a slash, grpc-go CVE-2026-33186", changing(":path", to: "a.B/C"), "invalid-path"),
    Bad("an absolute path", changing(":path", to: "https://a.b/"), "invalid-path"),
    Bad("an asterisk but no OPTIONS", changing(":path", to: "*"), "invalid-path"),
    Bad("another scheme", changing(":scheme", to: "ftp"), "invalid-scheme"),
    Bad("an empty scheme", changing(":scheme", to: ""), "invalid-scheme"),
    // § 8.5.
    Bad(
        "CONNECT with a path", [(":method", "CONNECT"), (":authority", "a:1"), (":path", "/")],
        "unexpected-pseudo-field"),
    Bad(
        "CONNECT with a scheme", [(":method", "CONNECT"), (":authority", "a:1"), (":scheme", "https")],
        "unexpected-pseudo-field"),
    Bad("CONNECT without authority", [(":method", "CONNECT"), ("host", "a:1")], "missing-pseudo-field"),
    // RFC 8441 § 4.
    Bad("a protocol without CONNECT", [(":protocol", "websocket")] + get, "unexpected-pseudo-field"),
    Bad(
        "extended CONNECT without a path",
        [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":authority", "a")],
        "missing-pseudo-field"),
    Bad(
        "extended CONNECT without authority",
        [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":path", "/")],
        "missing-pseudo-field"),
    Bad(
        "extended CONNECT without a scheme",
        [(":method", "CONNECT"), (":protocol", "websocket"), (":authority", "a"), (":path", "/")],
        "missing-pseudo-field"),
    // § 8.1.1.
    Bad("a signed length", with([("content-length", "+1")]), "invalid-content-length"),
    Bad("a negative length", with([("content-length", "-1")]), "invalid-content-length"),
    Bad("a list of lengths", with([("content-length", "1, 1")]), "invalid-content-length"),
    Bad("an empty length", with([("content-length", "")]), "invalid-content-length"),
    Bad("a hexadecimal length", with([("content-length", "0x1")]), "invalid-content-length"),
    Bad("a length of 19 digits", with([("content-length", "1000000000000000000")]), "invalid-content-length"),
    Bad("two lengths", with([("content-length", "0"), ("content-length", "0")]), "repeated-content-length"),
    Bad("a length without a body", with([("content-length", "1")]), "content-length-mismatch"),
]

@Test(arguments: malformedRequests)
private func `a malformed request is reset with PROTOCOL_ERROR, and its connection lives`(
    _ bad: Bad
) {
    let what = bad.what
    let outcome = Outcome(bad.fields)
    #expect(outcome.errorName == bad.error, "\(what)")
    #expect(outcome.resetCode == .protocolError && outcome.status == nil && outcome.request == nil, "\(what)")
    #expect(outcome.isAlive, "\(what)")
}

private let unusableRequests: [Unusable] = [
    Unusable("no host", without(":authority"), "missing-host", 400),
    Unusable("another host", with([("host", "b.a")]), "host-mismatch", 400),
    Unusable("the host on another port", with([("host", "a.b:81")]), "host-mismatch", 400),
    Unusable("two hosts", with([("host", "a.b"), ("host", "a.b")]), "repeated-host", 400),
    Unusable("an empty authority", changing(":authority", to: ""), "invalid-host", 400),
    Unusable("user information", changing(":authority", to: "u@a.b"), "invalid-host", 400),
    Unusable("a path in the authority", changing(":authority", to: "a.b/x"), "invalid-host", 400),
    Unusable("port 0", changing(":authority", to: "a.b:0"), "invalid-port", 400),
    Unusable("a space in the path", changing(":path", to: "/a b"), "invalid-path-byte", 400),
    Unusable("a fragment", changing(":path", to: "/a#b"), "fragment", 400),
    Unusable("a bad escape", changing(":path", to: "/%zz"), "invalid-escape", 400),
    Unusable("an escaped NUL", changing(":path", to: "/%00"), "escaped-nul", 400),
    Unusable("a method that is no token", changing(":method", to: "GE T"), "invalid-method", 400),
    Unusable("an empty method", changing(":method", to: ""), "invalid-method", 400),
    Unusable("a long method", changing(":method", to: String(repeating: "A", count: 33)), "invalid-method", 400),
    Unusable("CONNECT without a port", [(":method", "CONNECT"), (":authority", "a")], "invalid-target", 400),
    Unusable("an expectation", with([("expect", "the best")]), "unsupported-expectation", 417),
    Unusable(
        "another protocol",
        [
            (":method", "CONNECT"), (":protocol", "connect-udp"), (":scheme", "https"), (":authority", "a"),
            (":path", "/"),
        ], "unsupported-protocol", 501),
]

@Test(arguments: unusableRequests)
private func `a well-formed request that nothing can be done with is answered`(
    _ unusable: Unusable
) {
    let what = unusable.what
    for endsStream in [true, false] {
        let outcome = Outcome(unusable.fields, endsStream: endsStream)
        #expect(outcome.errorName == unusable.error, "\(what)")
        #expect(outcome.status == unusable.status, "\(what)")
        // What is left of it is not waited for, without calling the answer in question (RFC 9113 § 8.1).
        #expect(outcome.resetCode == (endsStream ? nil : .noError), "\(what)")
        #expect(outcome.isAlive && outcome.request == nil, "\(what)")
    }
}

private let canonicalRequests: [Canonical] = [
    Canonical(with([]), "GET a.b / [host: a.b]"),
    Canonical(changing(":authority", to: "A.B.:443"), "GET a.b / [host: a.b]"),
    Canonical(with([("host", "A.b")]), "GET a.b / [host: a.b]"),
    Canonical(changing(":authority", to: "a.b:443") + [("host", "a.b")], "GET a.b / [host: a.b]"),
    Canonical(without(":authority") + [("host", "c.d:81")], "GET c.d / [host: c.d]"),
    Canonical(changing(":path", to: "/a/./b/../c//d?e=%2f"), "GET a.b /a/c/d?e=%2f [host: a.b]"),
    Canonical(changing(":path", to: "/%61%2f"), "GET a.b /a%2F [host: a.b]"),
    Canonical(changing(":path", to: "/?"), "GET a.b /? [host: a.b]"),
    Canonical(changing(":scheme", to: "http"), "GET a.b / [host: a.b]"),
    Canonical(
        [(":method", "OPTIONS"), (":scheme", "http"), (":authority", "a"), (":path", "*")], "OPTIONS a * [host: a]"),
    Canonical(
        [(":path", "/x"), (":authority", "a"), (":scheme", "http"), (":method", "M-SEARCH")], "M-SEARCH a /x [host: a]"),
    Canonical([(":method", "CONNECT"), (":authority", "a:1")], "CONNECT a  [host: a]"),
    Canonical(
        with([("cookie", "a=1"), ("x", "y"), ("cookie", "b=2"), ("cookie", "c=3")]),
        "GET a.b / [cookie: a=1; b=2; c=3, x: y, host: a.b]"),
    Canonical(
        with([("te", "trailers"), ("empty", ""), ("tab", "a\tb")]),
        "GET a.b / [te: trailers, empty: , tab: a\tb, host: a.b]"),
    Canonical(with([("content-length", "0")]), "GET a.b / [content-length: 0, host: a.b]"),
    Canonical(with([("x", "1"), ("x", "2")]), "GET a.b / [x: 1, x: 2, host: a.b]"),
]

@Test(arguments: canonicalRequests)
private func `a request is brought to canonical form`(_ canonical: Canonical) {
    #expect(Outcome(canonical.fields).request == canonical.summary)
}

@Test func `extended CONNECT is a GET with an upgrade`() {
    let outcome = Outcome(
        [
            (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":authority", "a"),
            (":path", "/c"),
            ("content-length", "7"),
        ], endsStream: false)
    #expect(outcome.request == "GET a /c [content-length: 7, host: a]")
    #expect(outcome.framing?.tunnel == .webSocket && outcome.framing?.contentLength == nil)
}

@Test func `a field that was never to be indexed is sent on so`() {
    let server = HTTP2Peer(.server)
    // § 6.2.3 of RFC 7541: never indexed, new name.
    let block = HPACK.literals(get) + [0x10] + HPACK.string(Array("x-secret".utf8)) + HPACK.string(Array("s".utf8))
    server.receive(
        HTTP2Frame.preface + HTTP2Frame.settings().bytes + HTTP2Frame(.headers, flags: 5, id: 1, block).bytes)
    let client = HTTP2Peer(.client)
    _ = client.request(server.streams[0].head)
    let frame = HTTP2Frame.parse(client.takeOutput()).first { $0.kind == .headers }
    let other = HTTP2Peer(.server)
    other.receive(HTTP2Frame.preface + HTTP2Frame.settings().bytes + (frame?.bytes ?? []))
    let fields = other.streams[0].head.fields
    let field = fields.first { other.streams[0].head.text($0.name) == "x-secret" }
    #expect(field?.isNeverIndexed == true)
    #expect(fields.count { $0.isNeverIndexed } == 1)
}

@Test func `secrets and what never comes twice stay out of the tables`() {
    let client = HTTP2Peer(.client)
    let head = requestHead(
        "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer 1234567890123456789012\r\nCookie: s=1; longer=123456789012345678901234\r\n"
            + "X-Request-Id: 7\r\nTraceparent: 00-1-2-01\r\nX-Plain: 1\r\n\r\n")
    _ = client.request(head)
    let server = HTTP2Peer(.server)
    server.receive(client.takeOutput())
    let request = server.streams[0].head.fields.map { ($0.isNeverIndexed, server.streams[0].head.text($0.name)) }
    #expect(Set(request.filter(\.0).map(\.1)).isSuperset(of: ["authorization", "x-request-id", "traceparent"]))
    #expect(request.contains { $0 == (false, "x-plain") })
    server.streams[0].respond(ok("Set-Cookie: a=1\r\nX-Plain: 1\r\n"))
    let answered = HTTP2Peer(.client)
    let call = answered.request(head)!
    _ = answered.takeOutput()
    answered.receive(server.takeOutput())
    let response = call.head.fields.map { ($0.isNeverIndexed, call.head.text($0.name)) }
    #expect(response.filter(\.0).map(\.1) == ["set-cookie"])
}

// MARK: Responses

private let malformedResponses: [Bad] = [
    Bad("no status", [("x", "1")], "missing-pseudo-field"),
    Bad("two", [(":status", "200"), (":status", "200")], "repeated-pseudo-field"),
    Bad("a late one", [("x", "1"), (":status", "200")], "late-pseudo-field"),
    Bad("a request's", [(":status", "200"), (":path", "/")], "unknown-pseudo-field"),
    Bad("two digits", [(":status", "20")], "invalid-status"),
    Bad("four digits", [(":status", "2000")], "invalid-status"),
    Bad("no digits", [(":status", "2xx")], "invalid-status"),
    Bad("under 100", [(":status", "099")], "invalid-status"),
    Bad("101", [(":status", "101")], "invalid-status"),
    Bad("an interim response that ends the stream", [(":status", "103")], "missing-final-response"),
    Bad("connection", [(":status", "200"), ("connection", "close")], "connection-specific-field"),
    Bad("upper case", [(":status", "200"), ("X", "close")], "invalid-field-name"),
    Bad("LF", [(":status", "200"), ("x", "a\nb")], "invalid-field-value"),
    Bad(
        "two lengths", [(":status", "200"), ("content-length", "0"), ("content-length", "0")], "repeated-content-length"
    ),
    Bad("a length without a body", [(":status", "200"), ("content-length", "1")], "content-length-mismatch"),
]

@Test(arguments: malformedResponses)
private func `a malformed response is reset with PROTOCOL_ERROR`(_ bad: Bad) {
    let what = bad.what
    let server = RawServer()
    let call = server.request(requestHead("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
    server.send(.headers(1, bad.fields))
    #expect(server.client.refused.map { "\($0.error.name)" } == [bad.error], "\(what)")
    #expect(
        server.resetCode(1) == .protocolError && call.code == .protocolError && !call.hasReceivedHead && !call.isEnded,
        "\(what)")
    #expect(server.client.isAlive)
}

// MARK: What follows a head

@Test func `a body that is not as long as was said resets the stream`() {
    let fields = [
        (":method", "POST"), (":scheme", "https"), (":authority", "a"), (":path", "/"), ("content-length", "3"),
    ]
    let cases: [([HTTP2Frame], Bool)] = [
        ([.data(1, "abc", endsStream: true)], true),
        ([.data(1, "a"), .data(1, "bc"), .data(1, "", endsStream: true)], true),
        ([.data(1, "abc"), .headers(1, [("x-t", "1")])], true),
        ([.data(1, "ab", endsStream: true)], false),
        ([.data(1, "abcd")], false),
        ([.data(1, "abcd", endsStream: true)], false),
        ([.data(1, "ab"), .data(1, "cd", endsStream: true)], false),
        ([.data(1, "", endsStream: true)], false),
        ([.data(1, "ab"), .headers(1, [("x-t", "1")])], false),
    ]
    for (frames, isWhole) in cases {
        let client = RawClient()
        client.send([.headers(1, fields, endsStream: false)] + frames)
        #expect(client.server.streams[0].isEnded == isWhole, "\(frames)")
        #expect(client.resetCode(1) == (isWhole ? nil : .protocolError))
        #expect(client.server.refused.map(\.error) == (isWhole ? [] : [.contentLengthMismatch]))
        #expect(client.server.isAlive)
    }
}

@Test func `a response's body is checked by the same rules`() {
    let cases: [([HTTP2Frame], Bool)] = [
        (
            [
                .headers(1, [(":status", "200"), ("content-length", "2")], endsStream: false),
                .data(1, "ab", endsStream: true),
            ], true
        ),
        (
            [
                .headers(1, [(":status", "200"), ("content-length", "2")], endsStream: false),
                .data(1, "a", endsStream: true),
            ], false
        ),
        ([.headers(1, [(":status", "200"), ("content-length", "2")], endsStream: false), .data(1, "abc")], false),
        ([.headers(1, [(":status", "204")], endsStream: false), .data(1, "", endsStream: true)], true),
        ([.headers(1, [(":status", "204")], endsStream: false), .data(1, "a", endsStream: true)], false),
        (
            [
                .headers(1, [(":status", "304"), ("content-length", "5")], endsStream: false),
                .data(1, "", endsStream: true),
            ], true
        ),
        (
            [
                .headers(1, [(":status", "304"), ("content-length", "5")], endsStream: false),
                .data(1, "a", endsStream: true),
            ], false
        ),
        ([.headers(1, [(":status", "103")], endsStream: false), .data(1, "a")], false),
        ([.headers(1, [(":status", "103")], endsStream: false), .data(1, "", endsStream: true)], false),
    ]
    for (frames, isWhole) in cases {
        let server = RawServer()
        let call = server.request(requestHead("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
        server.send(frames)
        #expect(call.isEnded == isWhole && call.code == (isWhole ? .noError : .protocolError), "\(frames)")
        #expect(server.resetCode(1) == (isWhole ? nil : .protocolError))
    }
}

@Test func `the answer to HEAD has no body whatever it says`() {
    let server = RawServer()
    let call = server.request(requestHead("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"))
    server.send(
        .headers(1, [(":status", "200"), ("content-length", "5")], endsStream: false),
        .data(1, "hello", endsStream: true))
    #expect(call.code == .protocolError && call.body.isEmpty && server.client.refused.map(\.error) == [.unexpectedBody])
}

@Test func `trailers end the stream, and hold no pseudo-header field`() {
    for (fields, endsStream, error) in [
        ([("x-t", "1")], true, nil as HTTP2Error?),
        ([("x-t", "1")], false, .unexpectedHead),
        ([(":path", "/")], true, .unexpectedPseudoField),
        ([(":status", "200")], true, .unexpectedPseudoField),
        ([("connection", "close")], true, .connectionSpecificField),
        ([("X", "1")], true, .invalidFieldName),
    ] {
        let client = RawClient()
        client.send(.headers(1, plainRequest, endsStream: false), .headers(1, fields, endsStream: endsStream))
        let stream = client.server.streams[0]
        #expect(stream.isEnded == (error == nil), "\(fields)")
        #expect(client.server.refused.map(\.error) == (error.map { [$0] } ?? []))
        #expect(client.resetCode(1) == (error == nil ? nil : .protocolError))
    }
}

@Test func `a second final response is none`() {
    let server = RawServer()
    let call = server.request(requestHead("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
    server.send(.headers(1, [(":status", "200")], endsStream: false), .headers(1, [(":status", "200")]))
    #expect(call.head.status == 200 && !call.isEnded && call.code == .protocolError)
}
