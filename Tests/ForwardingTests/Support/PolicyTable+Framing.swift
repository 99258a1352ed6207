@testable import Forwarding

/// What only one protocol can say.
extension PolicyTable {
    static let controlBytesOfHTTP1: [PolicyCase] = [
        .refused(
            "swift-nio CVE-2026-28970: NUL in a field", .http1("GET /open HTTP/1.1\r\nHost: orders\r\nX: a\0b\r\n\r\n"),
            closes: true),
        .refused(
            "swift-nio CVE-2026-28970: CR in a field",
            .http1("GET /open HTTP/1.1\r\nHost: orders\r\nX: a\rb: c\r\n\r\n"), closes: true),
        .refused(
            "swift-nio CVE-2026-28970: LF in a field",
            .http1("GET /open HTTP/1.1\r\nHost: orders\r\nX: a\nb: c\r\n\r\n"), closes: true),
        .refused(
            "swift-nio CVE-2026-28970: CR in the start line", .http1("GET /op\ren HTTP/1.1\r\nHost: orders\r\n\r\n"),
            closes: true),
        .refused(
            "swift-nio CVE-2026-28970: NUL in the start line", .http1("GET /op\0en HTTP/1.1\r\nHost: orders\r\n\r\n"),
            closes: true),
        .refused(
            "swift-nio CVE-2026-28970: NUL in the method", .http1("G\0T /open HTTP/1.1\r\nHost: orders\r\n\r\n"),
            closes: true),
    ]

    static let controlBytesOfHTTP2 =
        controlBytes("CR", "\r") + controlBytes("LF", "\n") + controlBytes("NUL", "\0") + controlBytes("CR LF", "\r\n")
        + otherBytes

    private static func controlBytes(_ name: String, _ bytes: String) -> [PolicyCase] {
        [
            .fields("nio-http2 CVE-2026-28898: \(name) in a field", [("x", "a\(bytes)host: b")]),
            .fields("nio-http2 CVE-2026-28898: \(name) at a field's end", [("x", "a\(bytes)")]),
            .fields("nio-http2 CVE-2026-28898: \(name) in a name", [("x\(bytes)y", "a")]),
            .pseudo("nio-http2 CVE-2026-28898: \(name) in the path", ":path", "/open\(bytes)/admin"),
            .pseudo("nio-http2 CVE-2026-28898: \(name) in the authority", ":authority", "orders\(bytes)x"),
            .pseudo("nio-http2 CVE-2026-28898: \(name) in the method", ":method", "GE\(bytes)T"),
        ]
    }

    private static let otherBytes: [PolicyCase] = [
        .pseudo("a space in the path", ":path", "/open HTTP/1.1"),
        .pseudo("a space in the method", ":method", "GET /admin HTTP/1.1"),
        .fields("upper case in a name", [("X-a", "b")]), .fields("a space in a name", [("x a", "b")]),
        .fields("a colon in a name", [("x:", "b")]), .fields("an empty name", [("", "b")]),
        .fields("white space before a value", [("x", " b")]),
    ]

    static let framing: [PolicyCase] = [
        .framing(
            "Content-Length and Transfer-Encoding", "Content-Length: 5\r\nTransfer-Encoding: chunked", body: "0\r\n\r\n"
        ),
        .framing(
            "Transfer-Encoding and Content-Length", "Transfer-Encoding: chunked\r\nContent-Length: 5", body: "0\r\n\r\n"
        ),
        .framing("chunked with a tab", "Transfer-Encoding: \u{b}chunked", body: "0\r\n\r\n"),
        .framing("chunked\\t", "Transfer-Encoding: chunked\t,", body: "0\r\n\r\n"),
        .framing("chunked twice", "Transfer-Encoding: chunked, chunked", body: "0\r\n\r\n"),
        .framing(
            "two Transfer-Encodings", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", body: "0\r\n\r\n"),
        .framing("another coding last", "Transfer-Encoding: chunked, gzip", body: "0\r\n\r\n"),
        .framing("a coding of a name we do not know", [400, 501], "Transfer-Encoding: xchunked", body: "0\r\n\r\n"),
        .framing("a coding before chunked", [501], "Transfer-Encoding: gzip, chunked", body: "0\r\n\r\n"),
        .framing("obs-fold", "X: a\r\n b"),
        .framing("obs-fold of Transfer-Encoding", "Transfer-Encoding:\r\n chunked", body: "0\r\n\r\n"),
        .framing("a line that begins with white space", " X: a"),
        .framing("a space before the colon", "Content-Length : 5", body: "hello"),
        .framing("a sign in Content-Length", "Content-Length: +5", body: "hello"),
        .framing("a negative Content-Length", "Content-Length: -5", body: "hello"),
        .framing("a space in Content-Length", "Content-Length: 5 5", body: "hello"),
        .framing("a list in Content-Length", "Content-Length: 5, 5", body: "hello"),
        .framing("an empty Content-Length", "Content-Length:", body: ""),
        .framing("a hexadecimal Content-Length", "Content-Length: 0x5", body: "hello"),
        .framing("two Content-Lengths", "Content-Length: 5\r\nContent-Length: 5", body: "hello"),
        .framing("an endless Content-Length", "Content-Length: 99999999999999999999", body: "hello"),
        .refused(
            "Transfer-Encoding in HTTP/1.0",
            .http1("POST /open HTTP/1.0\r\nHost: orders\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), closes: true),
        .refused("bare LF", .http1("GET /open HTTP/1.1\nHost: orders\n\n"), closes: true),
        .refused("LF after a field", .http1("GET /open HTTP/1.1\r\nHost: orders\nX: y\r\n\r\n"), closes: true),
        .refused("HTTP/0.9", .http1("GET /open\r\n\r\n"), closes: true),
        .refused("HTTP/2 in a start line", [505], .http1("GET /open HTTP/2.0\r\nHost: orders\r\n\r\n"), closes: true),
    ]

    /// A length beside HTTP/2's own: both must say the same (RFC 9113 § 8.1.1).
    static let framingOfHTTP2 = lengths.map { .fields($0.0, [("content-length", $0.1)], body: "hello") } + messages

    private static let lengths = [
        ("a sign in content-length", "+5"), ("a negative content-length", "-5"), ("a space in content-length", "5 5"),
        ("a list in content-length", "5, 5"), ("an empty content-length", ""), ("a hexadecimal content-length", "0x5"),
        ("an endless content-length", "99999999999999999999"),
    ]

    private static let messages: [PolicyCase] = [
        .fields("two content-lengths", [("content-length", "5"), ("content-length", "5")], body: "hello"),
        .fields("content-length and transfer-encoding", [("content-length", "5"), ("transfer-encoding", "chunked")]),
        .fields("content-length without a body", [("content-length", "5")]),
        PolicyCase(
            source: "a body longer than content-length",
            call: .http2(PolicyCase.good + [("content-length", "5")], body: "hello!"), status: [400],
            workloadNeverSees: ["hello!"]),
        PolicyCase(
            source: "a body shorter than content-length",
            call: .http2(PolicyCase.good + [("content-length", "5")], body: "hell"), status: [400]),
        .pseudo("no :method", ":method", nil), .pseudo("no :scheme", ":scheme", nil),
        .pseudo("another :scheme", ":scheme", "ftp"), .pseudo("an empty :method", ":method", ""),
        .refused("two :path", .http2(PolicyCase.good + [(":path", "/admin")])),
        .refused("two :method", .http2(PolicyCase.good + [(":method", "POST")])),
        .refused("a pseudo-header field of none", .http2(PolicyCase.good + [(":admin", "1")])),
        .refused("an answer's pseudo-header field", .http2(PolicyCase.good + [(":status", "200")])),
        .refused(
            "a pseudo-header field after another",
            .http2([(":method", "GET"), (":scheme", "http"), ("x", "y"), (":authority", "orders"), (":path", "/open")])),
    ]

    /// No tunnel for whoever asks.
    static let tunnels: [PolicyCase] = [
        .refused("CONNECT makes no tunnel", [501], .http1("CONNECT orders:80 HTTP/1.1\r\nHost: orders:80\r\n\r\n")),
        .refused(
            "CONNECT from outside the mesh", [501], .http2([(":method", "CONNECT"), (":authority", "orders:80")])
        ).except([.inbound], .status([404], "HTTP services are no TCP services, whatever a node says")),
        .refused(
            "CONNECT with bytes ahead", [501],
            .http2(
                [(":method", "CONNECT"), (":authority", "orders:80")],
                body: "GET /admin HTTP/1.1\r\nHost: orders\r\n\r\n")
        ).except([.inbound], .status([404], "HTTP services are no TCP services, whatever a node says")),
        .refused(
            "CONNECT with a path", .http2([(":method", "CONNECT"), (":authority", "orders:80"), (":path", "/open")])),
        .refused("CONNECT without a port", .http2([(":method", "CONNECT"), (":authority", "orders")])),
        extended("h2c"), extended("connect-udp"), extended("TLS/1.0"),
        .refused(":protocol for a GET", .http2(PolicyCase.good + [(":protocol", "websocket")])),
    ]

    /// RFC 8441, with what is no WebSocket.
    private static func extended(_ name: String) -> PolicyCase {
        .refused(
            "extended CONNECT to \(name)", [501],
            .http2([
                (":method", "CONNECT"), (":protocol", name), (":scheme", "http"), (":authority", "orders"),
                (":path", "/open"),
            ]))
    }

    /// What is no HTTP is refused where HTTP is declared.
    static let declared: [PolicyCase] = [
        .refused("Linkerd: TLS where none is", .http1("\u{16}\u{3}\u{1}\u{0}\u{5}"), closes: true),
        .refused("Linkerd: another protocol's first words", .http1("EHLO orders\r\n\r\n"), closes: true),
        .refused(
            "Linkerd: HTTP/2's preface with a letter wrong", [400, 505], .http1("PRI * HTTP/2.0\r\n\r\nSX\r\n\r\n"),
            closes: true),
        .refused("Linkerd: bytes of a connection's", .http2([(":method", "CONNECT"), (":authority", "ledger:80")]))
            .except(
                Door.allCases.filter { $0.dialect != .http1 && $0 != .inbound },
                .status([501], "a TCP service is reached where its connections are accepted")
            )
            .except([.inbound], .status([404], "the SNI alone names the service")),
    ]
}
