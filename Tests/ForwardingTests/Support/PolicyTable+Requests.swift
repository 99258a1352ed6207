@testable import Forwarding

/// What every protocol can say.
extension PolicyTable {
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
        PolicyCase(
            source: "one canonical path: what is judged is what is sent",
            call: .request(path: "/a//b/./c/../%7Ed?x=//"), status: [200],
            workloadSees: [" /a/b/~d?x=// HTTP/1.1\r\n"]),
    ]

    static let methods: [PolicyCase] = ["delete", "Delete", "DELETe", "gET"].flatMap { method in
        [
            // gRPC has but one method.
            PolicyCase.refused(
                "a method that servers of some kinds fold to another: \(method)",
                .request(method: method, path: "/open")
            ).except([.grpc, .hopGRPC, .plainGRPC, .hostGRPC], .notApplicable("its method is POST")),
            .pseudo("the same over HTTP/2: \(method)", ":method", method),
        ]
    }

    static let pathsWithoutSlash: [PolicyCase] = [
        .refused("grpc-go CVE-2026-33186: a path without /", .request(path: "admin")),
        .pseudo("grpc-go CVE-2026-33186: an empty :path", ":path", ""),
        .pseudo("grpc-go CVE-2026-33186: no :path", ":path", nil),
        .pseudo("grpc-go CVE-2026-33186: * for a GET", ":path", "*"),
        .pseudo("grpc-go CVE-2026-33186: an absolute :path", ":path", "http://orders/admin"),
    ]

    static let rewrites = rewritten.map {
        $0.except([.inbound], .notApplicable("the caller's node has rewritten the call already"))
            .except(Door.plain, .notApplicable("a port for plain calls has no routes"))
    }

    private static let rewritten: [PolicyCase] = [
        .refused("Traefik CVE-2025-66490: admin behind a rewritten prefix", [403], .request(path: "/rewritten/admin")),
        .refused("Traefik CVE-2026-40912: // behind a rewritten prefix", [403], .request(path: "/rewritten//admin")),
        .refused(
            "Traefik CVE-2026-48020: dot segments behind a rewritten prefix", [403],
            .request(path: "/rewritten/x/../admin")),
        .refused("Dapr CVE-2026-41491: a path rewritten into a denied one", [403], .request(path: "/to-admin")),
    ]

    static let hosts: [PolicyCase] = [
        .refused("Istio CVE-2021-39155: the case of a host", [403], .request(path: "/hosted", host: "SHOP.Example")),
        .refused("a host with a port", [403], .request(path: "/hosted", host: "shop.example:80")),
        .refused(
            "Traefik CVE-2022-23632: a host's trailing dot", [403], .request(path: "/hosted", host: "shop.example.")),
        .refused(
            "an unknown host falls to no weaker policy", [404], .request(path: "/hosted", host: "shop.example.net")
        ).except([.inbound], .status([200], "the SNI alone names the service"))
            .except(Door.plain, .status([200], "the port alone names the service")),
        .refused("a host that is none", .request(path: "/open", host: "or ders")),
        .refused("no Host", .http1("GET /open HTTP/1.1\r\n\r\n")),
        .refused("two Hosts", .http1("GET /open HTTP/1.1\r\nHost: orders\r\nHost: orders\r\n\r\n")),
        .refused("Host against the target", .http1("GET http://orders/open HTTP/1.1\r\nHost: shop.example\r\n\r\n")),
        .refused("user information", .http1("GET http://x@orders/open HTTP/1.1\r\nHost: orders\r\n\r\n")),
        .refused(
            "the absolute form's path", [403], .http1("GET http://orders//admin HTTP/1.1\r\nHost: orders\r\n\r\n")),
        .pseudo("neither :authority nor host", ":authority", nil),
        .pseudo("user information in :authority", ":authority", "x@orders"),
        .pseudo("an empty :authority", ":authority", ""),
        .pseudo("two :authority in one", ":authority", "orders, shop.example"),
        .fields("host against :authority", [("host", "shop.example")]),
        .fields("host's port against :authority's", [("host", "orders:81")]),
        .fields("two hosts beside :authority", [("host", "orders"), ("host", "orders")]),
        .refused(
            "host alone", [403],
            .http2([(":method", "GET"), (":scheme", "http"), (":path", "/hosted"), ("host", "Shop.Example.")])),
        .refused("two :authority", .http2(PolicyCase.good + [(":authority", "orders")])),
        .refused(
            "host and :authority of one name", [403],
            .http2([
                (":method", "GET"), (":scheme", "http"), (":authority", "shop.example"), (":path", "/hosted"),
                ("host", "SHOP.example"),
            ])),
    ]

    static let values: [PolicyCase] = [
        .refused(
            "Envoy CVE-2026-26308, CVE-2021-32777: a value among several", [403],
            .request(path: "/open", fields: [("X-Role", "admin"), ("X-Role", "guest")])),
        .refused(
            "Envoy CVE-2026-26308: the other way round", [403],
            .request(path: "/open", fields: [("X-Role", "guest"), ("x-role", "admin")])),
        .refused(
            "Envoy CVE-2026-26308: ALLOW wants every value", [403],
            .request(path: "/open", fields: [("X-Role", "admin"), ("X-Role", "other")])
        ).under(policy("ALLOW", "{when: [{key: \"request.headers[x-role]\", values: [admin]}]}")),
    ]

    static let internalFields: [PolicyCase] = [
        PolicyCase(
            source: "Envoy CVE-2023-27487: internal fields from outside",
            call: .request(
                path: "/open",
                fields: [
                    ("X-Heddle-Caller", "spiffe://mesh.local/ns/shop/sa/root"), ("x-heddle-reason", "forged"),
                    ("X-Forwarded-Client-Cert", "By=forged"),
                ]),
            status: [200], workloadSees: ["x-heddle-caller: spiffe://mesh.local/ns/shop/sa/web\r\n"],
            workloadNeverSees: ["root", "forged"]),
        PolicyCase(
            source: "Envoy CVE-2024-45806: an address of ours makes no caller trusted",
            call: .request(
                path: "/open", fields: [("X-Heddle-Caller", "a"), ("x-heddle-caller", "b"), ("X-Real-Ip", "10.0.0.1")]),
            status: [200], workloadSees: ["x-heddle-caller: spiffe://mesh.local/ns/shop/sa/web\r\n"],
            workloadNeverSees: ["x-heddle-caller: a", "x-heddle-caller: b"]),
        PolicyCase(
            source: "names that CGI and WSGI take for those of trusted fields",
            call: .request(
                path: "/open",
                fields: [
                    ("X_Heddle_Caller", "forged"), ("x-heddle_caller", "forged"), ("X_Forwarded_For", "forged"),
                    ("x_forwarded_client_cert", "forged"), ("X_Real_Ip", "forged"), ("X_Mine", "kept"),
                ]),
            status: [200], workloadSees: ["x_mine: kept\r\n"], workloadNeverSees: ["forged"]),
        .fields("a forged field in capitals", [("X-Heddle-Caller", "spiffe://mesh.local/ns/shop/sa/root")]),
    ]

    static let hopByHop = connectionFields.map {
        $0.except(
            Door.allCases.filter { $0.dialect != .http1 },
            .status([400], "HTTP/2 has no connection-specific fields (RFC 9113 § 8.2.2)"))
    }

    private static let connectionFields: [PolicyCase] = [
        PolicyCase(
            source: "Traefik CVE-2024-45410, CVE-2021-32813: Connection names our fields",
            call: .request(
                path: "/open",
                fields: [
                    ("Connection", "x-forwarded-for, x-heddle-caller, x-forwarded-host, x-secret"),
                    ("X-Secret", "per-hop"),
                ]),
            status: [200],
            workloadSees: [
                "x-forwarded-for: 127.0.0.1\r\n", "x-heddle-caller: spiffe://", "x-forwarded-host: orders\r\n",
            ],
            workloadNeverSees: ["x-secret", "per-hop"]),
        PolicyCase(
            source: "Connection: close, host",
            call: .request(path: "/open", fields: [("Connection", "host, content-length")]), status: [200, 400],
            workloadNeverSees: ["onnection"]),
        PolicyCase(
            source: "fields of one hop", call: .request(path: "/open", fields: [("Keep-Alive", "1")]), status: [200],
            workloadNeverSees: ["keep-alive"]),
        PolicyCase(
            source: "fields of a proxy's", call: .request(path: "/open", fields: [("Proxy-Connection", "close")]),
            status: [200], workloadNeverSees: ["proxy-connection"]),
        .fields("transfer-encoding in HTTP/2", [("transfer-encoding", "chunked")]),
        .fields("te with another coding", [("te", "trailers, gzip")]),
    ]

    static let caps: [PolicyCase] = [
        .refused(
            "options of Connection", [431],
            .http1(
                "GET /open HTTP/1.1\r\nHost: orders\r\nConnection: "
                    + (0..<65).map { "x-\($0)" }.joined(separator: ",") + "\r\n\r\n"), closes: true),
        .refused(
            "swift-nio CVE-2026-28980: header bytes", [431],
            .request(path: "/open", fields: ["X", "Y", "Z"].map { ($0, String(repeating: "a", count: 60_000)) }),
            closes: true),
        .refused(
            "swift-nio CVE-2026-28980: bytes of one field", [431],
            .request(path: "/open", fields: [("X", String(repeating: "a", count: 70_000))]), closes: true),
        .refused(
            "swift-nio CVE-2026-28980: header count", [431],
            .request(path: "/open", fields: (0..<400).map { ("X-\($0)", "1") }), closes: true),
        .refused(
            "CVE-2026-47774: bytes of cookies", [431],
            .request(
                path: "/open", fields: (0..<200).map { ("Cookie", "c\($0)=" + String(repeating: "a", count: 1_000)) }),
            closes: true),
        .refused(
            // On another node it may be as long as a field.
            "a target over its limit", [414, 431], .request(path: "/" + String(repeating: "a", count: 70_000)),
            closes: true),
    ]

    static let upgrades = ["h2c", "websocket", "TLS/1.0"].map { upgrade(to: $0) } + webSockets

    private static func upgrade(to name: String) -> PolicyCase {
        PolicyCase(
            source: "Envoy CVE-2025-64763, x/net CVE-2022-41721: Upgrade: \(name)",
            call: .http1(
                "GET /open HTTP/1.1\r\nHost: orders\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: \(name)\r\n"
                    + "HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\nGET /admin HTTP/1.1\r\nHost: orders\r\n\r\n"),
            status: [200], workloadSees: ["GET /open HTTP/1.1\r\n"],
            workloadNeverSees: ["pgrade", "http2-settings", "/admin"])
    }

    private static let webSockets: [PolicyCase] = [
        .fields("x/net CVE-2022-41721: upgrade: h2c", [("upgrade", "h2c"), ("http2-settings", "AAMAAABkAAQAAP__")]),
        .refused("a WebSocket to a denied path", [403], .webSocket(path: "//admin", early: "early")),
        PolicyCase(
            source: "Envoy CVE-2025-64763: bytes ahead of an upgrade that is not accepted",
            call: .webSocket(path: "/open", early: "GET /admin HTTP/1.1\r\nHost: orders\r\n\r\n"), status: [200],
            workloadSees: ["GET /open HTTP/1.1\r\n"], workloadNeverSees: ["/admin"]
        ).except(
            [.http2, .gatewayHTTP2, .hopHTTP1, .hopHTTP2, .inbound, .plainHTTP2, .hostHTTP2],
            .status([502], "a success would say that the upgrade was accepted")),
    ]
}
