import FuzzKit
import HTTPSemantics
import Testing
import WireChecks

@testable import WireProtocols

/// A request as it was understood, in a line; the error's name where it was refused, "…" where it is not whole.
private func parsed(_ text: String, limits: HTTP1Limits = HTTP1Limits()) -> String {
    parsed(Array(text.utf8), limits: limits)
}

private func parsed(_ bytes: [UInt8], limits: HTTP1Limits = HTTP1Limits()) -> String {
    var head = MessageHead()
    var framing = HTTP1Framing()
    var scan = HTTP1ScanState()
    do throws(HTTP1Error) {
        let used = try HTTP1RequestParser.parse(
            bytes.span, into: &head, framing: &framing, limits: limits, scan: &scan, scheme: .http)
        guard used != nil else { return "…" }
    } catch {
        return "\(error.status) \(error.name)"
    }
    let port = head.hostPort == 0 ? "" : ":\(head.hostPort)"
    let query = head.hasQuery ? "?" + head.text(head.query) : ""
    return "\(head.text(head.method)) \(head.text(head.host))\(port) \(head.text(head.path))\(query) \(framing.body)"
}

@Test func `a request is read with all it says`() throws {
    let bytes = Array(
        ("POST /a//b/%7e?x=/../y HTTP/1.1\r\nHOST: Orders.Shop.:15101\r\nContent-Length: 005\r\nX-Own: \t a  b\t \r\nEmpty:\r\n"
            + "Connection: Keep-Alive, Upgrade\r\nUpgrade: websocket\r\nExpect: 100-Continue\r\n\r\nhello").utf8)
    var head = MessageHead()
    var framing = HTTP1Framing()
    var scan = HTTP1ScanState()
    let used = try HTTP1RequestParser.parse(
        bytes.span, into: &head, framing: &framing, limits: HTTP1Limits(), scan: &scan, scheme: .https)

    #expect(used == bytes.count - 5)
    #expect(head.textCopy().method == "POST")
    #expect(head.textCopy().host == "orders.shop")
    #expect(head.textCopy().path == "/a/b/~")
    #expect(head.text(head.query) == "x=/../y")
    let facts = (head.knownMethod, head.scheme, head.hostPort, head.contentLength)
    #expect(facts == (.post, .https, 15101, 5))
    #expect(
        head.textCopy().fields.map { "\($0.name)=\($0.value)" } == [
            "host=orders.shop", "content-length=005", "x-own=a  b", "empty=", "connection=Keep-Alive, Upgrade",
            "upgrade=websocket",
            "expect=100-Continue",
        ])
    var expected = HTTP1Framing()
    expected.body = .length(5)
    expected.expectsContinue = true
    expected.isUpgrade = true
    expected.upgradesToWebSocket = true
    #expect(framing == expected)
}

@Test(arguments: [
    // The four forms of a target.
    ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET a / none"),
    ("GET http://A.b:80/x/../y?z HTTP/1.1\r\nHost: a.B\r\n\r\n", "GET a.b:80 /y?z none"),
    ("GET HTTPS://a HTTP/1.1\r\nHost: a:443\r\n\r\n", "GET a / none"),
    ("GET http://a?z HTTP/1.1\r\nHost: a\r\n\r\n", "GET a /?z none"),
    ("GET http://a\\b HTTP/1.1\r\nHost: a\r\n\r\n", "GET a /b none"),
    ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS a * none"),
    ("OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS a * none"),
    ("OPTIONS http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS a / none"),
    ("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", "CONNECT a:443  none"),
    // Leniencies that hurt nobody.
    ("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET a / none"),
    ("M-SEARCH / HTTP/1.1\r\nHost: a\r\n\r\n", "M-SEARCH a / none"),
    ("GET / HTTP/1.1\r\nHost: a\r\nx: \u{FC}\r\n\r\n", "GET a / none"),
    // Bodies.
    ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "GET a / none"),
    ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\n", "GET a / length(7)"),
    ("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \tChunked \r\n\r\n", "PUT a / chunked"),
    ("PUT / HTTP/1.0\r\nHost: a\r\nContent-Length: 7\r\n\r\n", "PUT a / length(7)"),
])
func `what RFC 9112 allows is read`(text: String, meaning: String) {
    #expect(parsed(text) == meaning)
}

/// The rows of policy.md and RFC 9112 that Heddle does not forgive. `{}` stands for a request line and a host.
@Test(arguments: [
    // CL + TE, `chunked\t` and its like, signs and spaces in Content-Length (policy.md).
    ("{}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "400 content-length-and-transfer-encoding"),
    ("{}Content-Length: 5\r\nContent-Length: 5\r\n\r\n", "400 repeated-content-length"),
    ("{}Content-Length: 5, 5\r\n\r\n", "400 invalid-content-length"),
    ("{}Content-Length: +5\r\n\r\n", "400 invalid-content-length"),
    ("{}Content-Length: -5\r\n\r\n", "400 invalid-content-length"),
    ("{}Content-Length: 5 5\r\n\r\n", "400 invalid-content-length"),
    ("{}Content-Length: 0x5\r\n\r\n", "400 invalid-content-length"),
    ("{}Content-Length:\r\n\r\n", "400 invalid-content-length"),
    ("{}Content-Length: 1000000000000000000\r\n\r\n", "400 invalid-content-length"),
    ("{}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", "400 invalid-transfer-encoding"),
    ("{}Transfer-Encoding: chunked, chunked\r\n\r\n", "400 invalid-transfer-encoding"),
    ("{}Transfer-Encoding: chunked, gzip\r\n\r\n", "400 invalid-transfer-encoding"),
    ("{}Transfer-Encoding: identity\r\n\r\n", "400 invalid-transfer-encoding"),
    ("{}Transfer-Encoding: \"chunked\"\r\n\r\n", "400 invalid-transfer-encoding"),
    ("{}Transfer-Encoding:\r\n\r\n", "400 invalid-transfer-encoding"),
    ("{}Transfer-Encoding: chunked\u{B}\r\n\r\n", "400 invalid-field-value"),
    ("{}Transfer-Encoding: gzip, chunked\r\n\r\n", "501 unsupported-transfer-encoding"),
    // obs-fold, bare LF, space before colon (policy.md).
    ("{}x: a\r\n b\r\n\r\n", "400 folded-line"), ("{} x: a\r\n\r\n", "400 folded-line"),
    ("{}x: a\n\r\n", "400 invalid-line-end"), ("{}x: a\r\n\n", "400 invalid-line-end"),
    ("{}x: a\rb\r\n\r\n", "400 invalid-line-end"), ("{}\rx: a\r\n\r\n", "400 invalid-line-end"),
    ("{}x : a\r\n\r\n", "400 invalid-field-name"), ("{}: a\r\n\r\n", "400 invalid-field-name"),
    ("{}x\r\n\r\n", "400 invalid-field-name"), ("{}x\u{0}: a\r\n\r\n", "400 invalid-field-name"),
    ("{}x(y): a\r\n\r\n", "400 invalid-field-name"),
    // CR, LF, NUL in every start line and field (swift-nio CVE-2026-28970).
    ("{}x: a\u{0}b\r\n\r\n", "400 invalid-field-value"), ("{}x: a\u{7F}\r\n\r\n", "400 invalid-field-value"),
    ("GET /a\u{0} HTTP/1.1\r\nHost: a\r\n\r\n", "400 invalid-path-byte"),
    ("GET /a\r HTTP/1.1\r\nHost: a\r\n\r\n", "400 invalid-request-line"),
    ("GET /a\nb HTTP/1.1\r\nHost: a\r\n\r\n", "400 invalid-request-line"),
    ("G\u{0}T / HTTP/1.1\r\nHost: a\r\n\r\n", "400 invalid-method"),
    // The request line.
    ("GET / HTTP/1.1\nHost: a\r\n\r\n", "400 invalid-line-end"),
    ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "400 invalid-request-line"),
    ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "400 invalid-request-line"),
    ("GET /  HTTP/1.1\r\nHost: a\r\n\r\n", "400 invalid-request-line"),
    (" GET / HTTP/1.1\r\nHost: a\r\n\r\n", "400 invalid-request-line"),
    ("GET /\r\nHost: a\r\n\r\n", "400 invalid-request-line"),
    ("GET / http/1.1\r\nHost: a\r\n\r\n", "400 invalid-request-line"),
    ("GET / HTTP/1.10\r\nHost: a\r\n\r\n", "400 invalid-request-line"),
    ("GET / HTTP/1.2\r\nHost: a\r\n\r\n", "505 unsupported-version"),
    ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", "505 unsupported-version"),
    ("GET / HTTP/0.9\r\nHost: a\r\n\r\n", "505 unsupported-version"),
    ("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "400 invalid-request-line"),
    ("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "400 invalid-request-line"),
    // Host (policy.md).
    ("GET / HTTP/1.1\r\n\r\n", "400 missing-host"), ("GET / HTTP/1.0\r\n\r\n", "400 missing-host"),
    ("{}Host: a\r\n\r\n", "400 repeated-host"), ("GET / HTTP/1.1\r\nHost:\r\n\r\n", "400 invalid-host"),
    ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "400 invalid-host"),
    ("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", "400 host-mismatch"),
    ("GET http://a:81/ HTTP/1.1\r\nHost: a\r\n\r\n", "400 host-mismatch"),
    ("GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", "400 invalid-host"),
    ("CONNECT b:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", "400 host-mismatch"),
    ("CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n", "400 invalid-target"),
    // Targets; grpc-go CVE-2026-33186, Istio CVE-2021-39156.
    ("GET a HTTP/1.1\r\nHost: a\r\n\r\n", "400 invalid-target"),
    ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", "400 invalid-target"),
    ("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "400 invalid-target"),
    ("GET a:443 HTTP/1.1\r\nHost: a\r\n\r\n", "400 invalid-target"),
    ("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", "400 fragment"),
    ("GET http://a#b HTTP/1.1\r\nHost: a\r\n\r\n", "400 fragment"),
    ("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", "400 invalid-escape"),
    ("GET /\u{FC} HTTP/1.1\r\nHost: a\r\n\r\n", "400 invalid-path-byte"),
    // The rest.
    ("PUT / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "400 transfer-encoding-in-http-1-0"),
    ("{}Expect: 200-ok\r\n\r\n", "417 unsupported-expectation"),
])
func `what is in doubt is refused`(text: String, name: String) {
    #expect(parsed(text.replacing("{}", with: "GET / HTTP/1.1\r\nHost: a\r\n")) == name)
}

extension String {
    fileprivate func replacing(_ mark: String, with text: String) -> String {
        hasPrefix(mark) ? text + dropFirst(mark.count) : self
    }
}

/// swift-nio CVE-2026-28980.
@Test func `heads are limited in bytes and fields, targets in bytes`() {
    var limits = HTTP1Limits()
    limits.headByteCount = 200
    limits.fieldCount = 3
    limits.targetByteCount = 20
    let line = "GET / HTTP/1.1\r\nHost: a\r\n"
    let long = "x: " + String(repeating: "y", count: 250)
    #expect(parsed(line + "a: 1\r\nb: 2\r\n\r\n", limits: limits) == "GET a / none")
    #expect(parsed(line + "a: 1\r\nb: 2\r\nc: 3\r\n\r\n", limits: limits) == "431 too-many-fields")
    #expect(parsed(line + long + "\r\n\r\n", limits: limits) == "431 head-too-large")
    #expect(parsed(line + long, limits: limits) == "431 head-too-large")
    #expect(
        parsed("GET /" + String(repeating: "p", count: 19) + " HTTP/1.1\r\nHost: a\r\n\r\n", limits: limits).hasPrefix(
            "GET"))
    #expect(
        parsed("GET /" + String(repeating: "p", count: 20) + " HTTP/1.1\r\nHost: a\r\n\r\n", limits: limits)
            == "414 target-too-long")
    #expect(parsed("GET /" + String(repeating: "p", count: 90), limits: limits) == "414 target-too-long")
    #expect(parsed(String(repeating: "G", count: 32) + " / HTTP/1.1\r\nHost: a\r\n\r\n").hasSuffix(" a / none"))
    #expect(parsed(String(repeating: "G", count: 33)) == "400 invalid-method")
}

@Test func `every part of a head is incomplete, byte by byte, and looked at once`() throws {
    let bytes = Array("\r\nGET /a HTTP/1.1\r\nHost: a\r\nx: y\r\n\r\nrest".utf8)
    var head = MessageHead()
    var framing = HTTP1Framing()
    var scan = HTTP1ScanState()
    for count in 0..<(bytes.count - 4) {
        #expect(parsed(Array(bytes[..<count])) == "…")
        let used = try HTTP1RequestParser.parse(
            bytes.span.extracting(0..<count), into: &head, framing: &framing, limits: HTTP1Limits(), scan: &scan,
            scheme: .http)
        #expect(used == nil)
    }
    let used = try HTTP1RequestParser.parse(
        bytes.span, into: &head, framing: &framing, limits: HTTP1Limits(), scan: &scan, scheme: .http)
    #expect(used == bytes.count - 4)
}

@Test(arguments: ["GET / HTTP/1.1\r\nHost: a\r\nx: ", "GET /", "GET / HTTP/1.1\r\n"])
func `a head that never ends is refused at its limit, and a bare LF at once`(start: String) {
    var limits = HTTP1Limits()
    limits.headByteCount = 2000
    limits.targetByteCount = 1000
    for ending in ["y", "\n"] {
        var bytes = Array(start.utf8)
        var head = MessageHead()
        var framing = HTTP1Framing()
        var scan = HTTP1ScanState()
        var status: UInt16?
        while status == nil, bytes.count < 3000 {
            do throws(HTTP1Error) {
                let used = try HTTP1RequestParser.parse(
                    bytes.span, into: &head, framing: &framing, limits: limits, scan: &scan, scheme: .http)
                #expect(used == nil)
            } catch {
                status = error.status
            }
            bytes += Array(ending.utf8)
        }
        #expect(status == (ending == "\n" ? 400 : start == "GET /" ? 414 : start.hasSuffix("\r\n") ? 431 : 431))
        #expect(bytes.count <= (ending == "\n" ? start.utf8.count + 2 : 2002))
    }
}

@Test(arguments: [("close", false), ("keep-alive", true), ("x, CLOSE", false), ("closed", true), ("\"close\"", true)])
func `Connection says whether another request follows`(value: String, keepsAlive: Bool) throws {
    for version in ["1.1", "1.0"] {
        let bytes = Array("GET / HTTP/\(version)\r\nHost: a\r\nConnection: \(value)\r\n\r\n".utf8)
        var head = MessageHead()
        var framing = HTTP1Framing()
        var scan = HTTP1ScanState()
        _ = try HTTP1RequestParser.parse(
            bytes.span, into: &head, framing: &framing, limits: HTTP1Limits(), scan: &scan, scheme: .http)
        #expect(framing.keepsAlive == (keepsAlive && version == "1.1"))
        #expect(framing.minorVersion == (version == "1.1" ? 1 : 0))
    }
}

@Test(arguments: Files.list(Files.fuzzingFolder + "/Corpus/http1"))
func `every input of the corpus keeps the invariants`(path: String) throws {
    _ = HTTP1Checks.check(try #require(Files.read(path)))
}

@Test func `random requests and responses keep the invariants`() {
    var mutator = Mutator(
        seed: 11,
        dictionary: ["\r\n", "0\r\n", "Host: a\r\n", "Transfer-Encoding: chunked\r\n", "Content-Length: 3\r\n"].map {
            Array($0.utf8)
        },
        maximumByteCount: 400)
    let pool = Files.list(Files.fuzzingFolder + "/Corpus/http1").compactMap { Files.read($0) }
    for _ in 0..<3000 { _ = HTTP1Checks.check(mutator.mutate(pool: pool)) }
}
