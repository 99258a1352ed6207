import TestSupport
import Testing

@testable import Forwarding

/// The table of what has gone wrong elsewhere, through a whole data plane.
struct PolicyTableTests {
    /// Everything is allowed but `/admin` and below, `orders` under its other names included; `x-role: guest` never is.
    static let rule = """
        apiVersion: heddle/v1
        kind: AuthorizationPolicy
        metadata: {name: all, namespace: shop}
        spec: {action: ALLOW, rules: [{}]}
        ---
        apiVersion: heddle/v1
        kind: AuthorizationPolicy
        metadata: {name: not-admin, namespace: shop}
        spec:
          targetRefs: [{kind: Service, name: orders}]
          action: DENY
          rules:
          - to: [{operation: {paths: ["/admin", "/admin/{**}"]}}]
          - when: [{key: "request.headers[x-role]", values: [guest]}]
          - to: [{operation: {hosts: [shop.example], paths: ["/hosted"]}}]
        ---
        apiVersion: heddle/v1
        kind: HTTPRoute
        metadata: {name: orders, namespace: shop}
        spec:
          parentRefs: [{kind: Service, name: orders}]
          rules:
          - matches: [{path: {type: PathPrefix, value: /rewritten}}]
            filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}}]
            backendRefs: [{name: orders}]
          - matches: [{path: {type: Exact, value: /to-admin}}]
            filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath, replaceFullPath: /admin}}}]
            backendRefs: [{name: orders}]
          - backendRefs: [{name: orders}]
        """

    static let paths: [PolicyCase] = [
        .refused("the rule itself", [403], .request(path: "/admin")),
        .refused("Istio CVE-2021-31920: //admin", [403], .request(path: "//admin")),
        .refused("Istio CVE-2021-31920: /./admin", [403], .request(path: "/./admin")),
        .refused("Istio CVE-2021-31920: /x/../admin", [403], .request(path: "/x/../admin")),
        .refused("Istio CVE-2021-31920: /%61dmin", [403], .request(path: "/%61dmin")),
        .refused("Istio CVE-2021-31920: /%2e/admin", [403], .request(path: "/%2e/admin")),
        .refused("Istio CVE-2021-31920: \\admin", [403], .request(path: "/x\\..\\admin")),
        .refused("Istio CVE-2021-29492: /x%2Fadmin", .request(path: "/x%2Fadmin")),
        .refused("Istio CVE-2021-29492: %5C", .request(path: "/x%5cadmin")),
        .refused("Istio CVE-2021-29492: /x/%2e%2e%2fadmin", .request(path: "/x/%2e%2e%2fadmin")),
        .refused("Istio CVE-2021-39156, CVE-2021-32779: #", .request(path: "/admin#x")),
        .refused("Istio CVE-2021-39156: # after another path", .request(path: "/open#/../admin")),
        .refused("Istio CVE-2020-8595: ?", [403], .request(path: "/admin?x")),
        .refused("Istio CVE-2020-8595: an empty query", [403], .request(path: "/admin?")),
        .refused("NUL in the path", .request(path: "/open%00/../admin")),
        .refused("a bad escape", .request(path: "/open%zz")),
        .refused("grpc-go CVE-2026-33186: a path without /", .request(path: "admin")),
        .refused("Traefik CVE-2025-66490: admin behind a rewritten prefix", [403], .request(path: "/rewritten/admin")),
        .refused("Traefik CVE-2026-40912: // behind a rewritten prefix", [403], .request(path: "/rewritten//admin")),
        .refused(
            "Traefik CVE-2026-48020: dot segments behind a rewritten prefix", [403],
            .request(path: "/rewritten/x/../admin")),
        .refused("Dapr CVE-2026-41491: a path rewritten into a denied one", [403], .request(path: "/to-admin")),
        PolicyCase(
            source: "one canonical path: what is judged is what is sent",
            calls: [.request(path: "/a//b/./c/../%7Ed?x=//")],
            status: [200], workloadSees: ["GET /a/b/~d?x=// HTTP/1.1\r\n"]),
    ]

    static let hosts: [PolicyCase] = [
        .refused("Istio CVE-2021-39155: the case of a host", [403], .request(path: "/hosted", host: "SHOP.Example")),
        .refused("a host with a port", [403], .request(path: "/hosted", host: "shop.example:80")),
        .refused(
            "Traefik CVE-2022-23632: a host's trailing dot", [403], .request(path: "/hosted", host: "shop.example.")),
        .refused(
            "an unknown host falls to no weaker policy", [404], .request(path: "/hosted", host: "shop.example.net")),
        .refused("no Host", .http1("GET /open HTTP/1.1\r\n\r\n")),
        .refused("two Hosts", .http1("GET /open HTTP/1.1\r\nHost: orders\r\nHost: orders\r\n\r\n")),
        .refused("Host against the target", .http1("GET http://orders/open HTTP/1.1\r\nHost: shop.example\r\n\r\n")),
        .refused("a host that is none", .request(path: "/open", host: "or ders")),
        .refused("user information", .http1("GET http://x@orders/open HTTP/1.1\r\nHost: orders\r\n\r\n")),
        .refused(
            "the absolute form's path", [403], .http1("GET http://orders//admin HTTP/1.1\r\nHost: orders\r\n\r\n")),
    ]

    static let fields: [PolicyCase] = [
        .refused(
            "Envoy CVE-2026-26308, CVE-2021-32777: a value among several", [403],
            .request(path: "/open", fields: [("X-Role", "admin"), ("X-Role", "guest")])),
        .refused(
            "Envoy CVE-2026-26308: the other way round", [403],
            .request(path: "/open", fields: [("X-Role", "guest"), ("x-role", "admin")])),
        PolicyCase(
            source: "Envoy CVE-2023-27487: internal fields from outside",
            calls: [
                .request(
                    path: "/open",
                    fields: [
                        ("X-Heddle-Caller", "spiffe://mesh.local/ns/shop/sa/root"), ("x-heddle-reason", "forged"),
                        ("X-Forwarded-Client-Cert", "By=forged"),
                    ])
            ], status: [200], workloadSees: ["x-heddle-caller: spiffe://mesh.local/ns/shop/sa/web\r\n"],
            workloadNeverSees: ["root", "forged"]),
        PolicyCase(
            source: "Traefik CVE-2024-45410, CVE-2021-32813: Connection names our fields",
            calls: [
                .request(
                    path: "/open",
                    fields: [
                        ("Connection", "x-forwarded-for, x-heddle-caller, x-forwarded-host, x-secret"),
                        ("X-Secret", "per-hop"),
                    ])
            ], status: [200],
            workloadSees: [
                "x-forwarded-for: 127.0.0.1\r\n", "x-heddle-caller: spiffe://", "x-forwarded-host: orders\r\n",
            ],
            workloadNeverSees: ["x-secret", "per-hop"]),
        PolicyCase(
            source: "Connection: close, host",
            calls: [.request(path: "/open", fields: [("Connection", "host, content-length")])], status: [200, 400],
            workloadNeverSees: ["onnection"]),
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
        .refused(
            "swift-nio CVE-2026-28980: header bytes", [431],
            .request(path: "/open", fields: [("X", String(repeating: "a", count: 70_000))]), closes: true),
        .refused(
            "swift-nio CVE-2026-28980: header count", [431],
            .request(path: "/open", fields: (0..<200).map { ("X-\($0)", "1") }), closes: true),
        .refused(
            "a target over its limit", [414], .request(path: "/" + String(repeating: "a", count: 9_000)), closes: true),
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
        .refused("TLS where none is", .http1("\u{16}\u{3}\u{1}\u{0}\u{5}"), closes: true),
        .refused("CONNECT makes no tunnel", [501], .http1("CONNECT orders:80 HTTP/1.1\r\nHost: orders:80\r\n\r\n")),
    ]

    /// Framing that is wrong in a body: the head was right, so its call may have begun, but never comes to its end.
    static let bodies: [(String, String)] = [
        ("a chunk extension", "5;a=b\r\nhello\r\n0\r\n\r\n"),
        ("a quoted chunk extension", "5;a=\"\r\n\"\r\nhello\r\n0\r\n\r\n"),
        ("a space after the size", "5 \r\nhello\r\n0\r\n\r\n"), ("a signed size", "+5\r\nhello\r\n0\r\n\r\n"),
        ("a size with 0x", "0x5\r\nhello\r\n0\r\n\r\n"), ("a huge size", "ffffffffffffffffff\r\nhello"),
        ("a size beyond 63 bits", "8000000000000000\r\nhello"), ("LF after the size", "5\nhello\r\n0\r\n\r\n"),
        ("no CRLF after the data", "5\r\nhelloX\r\n0\r\n\r\n"), ("no size", "\r\nhello\r\n0\r\n\r\n"),
        ("a folded trailer", "0\r\nX: a\r\n b\r\n\r\n"), ("a trailer without a colon", "0\r\nX\r\n\r\n"),
        ("NUL in a trailer", "0\r\nX: a\0\r\n\r\n"),
    ]

    static let upgrades: [PolicyCase] = ["h2c", "websocket", "TLS/1.0"].map { name in
        PolicyCase(
            source: "Envoy CVE-2025-64763, x/net CVE-2022-41721: Upgrade: \(name)",
            calls: [
                .http1(
                    "GET /open HTTP/1.1\r\nHost: orders\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: \(name)\r\n"
                        + "HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\nGET /admin HTTP/1.1\r\nHost: orders\r\n\r\n")
            ], status: [200], workloadSees: ["GET /open HTTP/1.1\r\n"],
            workloadNeverSees: ["pgrade", "http2-settings", "/admin"])
    }

    @Test(arguments: paths + hosts + fields + framing + upgrades)
    func `what has gone wrong elsewhere does not here`(policyCase: PolicyCase) async throws {
        let backend = TestBackend.echo()
        let port = TestPort.free()
        let manifests = Shop.manifests(outbound: port, orders: backend.port, more: Shop.proxy(""), rule: Self.rule)
        let mesh = try await TestMesh(
            manifests.replacingFirst(
                "metadata: {name: orders, namespace: shop}\nspec: {protocol: HTTP}",
                with: "metadata: {name: orders, namespace: shop}\nspec: {protocol: HTTP, hostnames: [shop.example]}"))
        let client = try RawConnection(port: port)
        var response = Response(head: "", body: "")
        for call in policyCase.calls { response = client.call(call.http1) }
        #expect(policyCase.status.contains(response.status))
        if policyCase.closes {
            #expect(response.field("connection") == "close")
            #expect(client.endsCleanly() == true)
        }
        let seen = backend.requests.joined()
        if policyCase.reachesNobody { #expect(seen.isEmpty) }
        for part in policyCase.workloadSees { #expect(seen.contains(part)) }
        for part in policyCase.workloadNeverSees { #expect(!seen.lowercased().contains(part.lowercased())) }
        await mesh.stop()
    }

    @Test(arguments: bodies)
    func `a body whose framing is wrong is refused, and its workload never sees its end`(what: String, body: String)
        async throws
    {
        let backend = TestBackend { connection, backend in
            backend.note(String(decoding: Array(connection.receiveAll().utf8), as: UTF8.self))
        }
        try await Shop.serve(backend) { port, _ in
            let client = try RawConnection(port: port)
            let response = client.call(
                "POST /open HTTP/1.1\r\nHost: orders\r\nTransfer-Encoding: chunked\r\n\r\n\(body)GET /admin HTTP/1.1\r\nHost: orders\r\n\r\n"
            )
            #expect(response.status == 400, "\(what)")
            #expect(response.field("connection") == "close")
            #expect(client.endsCleanly() == true)
            for _ in 0..<100 where backend.requests.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
            let seen = backend.requests.joined()
            #expect(!seen.hasSuffix("0\r\n\r\n") && !seen.contains("/admin"))
        }
    }
}

extension String {
    fileprivate func replacingFirst(_ text: String, with other: String) -> String {
        let parts = split(separator: text, maxSplits: 1)
        return parts.count == 2 ? parts[0] + other + parts[1] : self
    }
}
