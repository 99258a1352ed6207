import TestSupport
import Testing

@testable import Forwarding

/// The table of `policy.md`: what has gone wrong elsewhere.
enum PolicyTable {
    /// One row of it.
    struct Row: Sendable, CustomTestStringConvertible {
        let source: String
        let cases: [PolicyCase]
        /// Where no case is written in a protocol, or none would say anything: why, or which tests hold it.
        var elsewhere: [Column: String] = [:]
        var connections: [ConnectionCase] = []

        var testDescription: String { source }

        /// Why it has no cases here, whatever the protocol.
        static func elsewhere(_ source: String, _ why: String, connections: String? = nil) -> Row {
            var row = Row(source: source, cases: [])
            for column in Column.allCases { row.elsewhere[column] = column == .tcp ? connections ?? why : why }
            return row
        }
    }

    enum Column: String, CaseIterable, Sendable {
        case http1 = "HTTP/1.1"
        case http2 = "HTTP/2"
        case grpc = "gRPC"
        case tcp = "TCP"
    }

    /// Everything is allowed but `/admin` and below, `orders` under its other names included; `x-role: guest` never is.
    static let rule = """
        \(Shop.allowAll)
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
        """

    static func route(to parent: String) -> String {
        """
        apiVersion: heddle/v1
        kind: HTTPRoute
        metadata: {name: orders, namespace: shop}
        spec:
          hostnames: [orders, shop.example]
          parentRefs: [\(parent)]
          rules:
          - matches: [{path: {type: PathPrefix, value: /rewritten}}]
            filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}}]
            backendRefs: [{name: orders}]
          - matches: [{path: {type: Exact, value: /to-admin}}]
            filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath, replaceFullPath: /admin}}}]
            backendRefs: [{name: orders}]
          - backendRefs: [{name: orders}]
        """
    }

    /// A policy of this one rule.
    static func policy(_ action: String, _ rule: String) -> String {
        manifest("AuthorizationPolicy", "rule-\(action.lowercased())", "{action: \(action), rules: [\(rule)]}")
    }

    static let rows = [
        Row(
            source: "Istio CVE-2021-31920, -29492, -39156, -32779, CVE-2020-8595: one canonical path", cases: paths,
            connections: [
                ConnectionCase(
                    source: "a DENY of a path denies what has none",
                    rule: policy("ALLOW", "{}") + "\n---\n" + policy("DENY", "{to: [{operation: {paths: [/admin]}}]}"),
                    isAllowed: false)
            ]),
        Row(
            source: "Istio CVE-2021-39155, Traefik CVE-2022-23632: canonical host", cases: hosts,
            connections: [
                ConnectionCase(
                    source: "an ALLOW of a host allows nothing that has none",
                    rule: policy("ALLOW", "{to: [{operation: {hosts: [ledger]}}]}"), isAllowed: false)
            ]),
        Row(
            source: "Traefik CVE-2025-66490, CVE-2026-40912, -48020; Dapr CVE-2026-41491: again after a rewrite",
            cases: rewrites, elsewhere: [.tcp: "nothing of a connection is rewritten"]),
        Row(
            source: "a method in lower case", cases: methods, elsewhere: [.tcp: "connections have no method"]),
        Row(
            source: "grpc-go CVE-2026-33186: a path without /", cases: pathsWithoutSlash,
            elsewhere: [.tcp: "connections have no path"]),
        Row(
            source: "Consul CVE-2024-10005, -10006: the same in every kind of listener",
            cases: [
                .refused("Consul CVE-2024-10005: a denied path", [403], .request(path: "/admin/x")),
                PolicyCase(
                    source: "Consul CVE-2024-10006: an allowed path", call: .request(path: "/open"), status: [200],
                    workloadSees: [" /open HTTP/1.1\r\n"]),
            ],
            connections: [
                ConnectionCase(
                    source: "a DENY of a header denies what has none",
                    rule: policy("ALLOW", "{}") + "\n---\n"
                        + policy("DENY", "{when: [{key: \"request.headers[x-role]\", values: [guest]}]}"),
                    isAllowed: false),
                ConnectionCase(source: "an ALLOW of the caller", rule: allowWeb, isAllowed: true),
            ]),
        Row(
            source: "Consul CVE-2021-36213: a lone deny cancels no default deny",
            cases: [
                .refused("Consul CVE-2021-36213: a lone DENY", [403], .request(path: "/open"))
                    .under(policy("DENY", "{to: [{operation: {paths: [/admin]}}]}")),
                .refused("Consul CVE-2021-36213: no policy at all", [403], .request(path: "/open"))
                    .under("# none"),
            ],
            connections: [
                ConnectionCase(
                    source: "a lone DENY of another caller",
                    rule: policy("DENY", "{from: [{source: {serviceAccounts: [shop/other]}}]}"), isAllowed: false),
                ConnectionCase(source: "no policy at all", rule: "# none", isAllowed: false),
            ]),
        Row(
            source: "Envoy CVE-2026-26308, CVE-2021-32777: header values one by one", cases: values,
            elsewhere: [.tcp: "connections have no fields"]),
        Row(
            source: "CVE-2026-39350: identities are data",
            cases: identityRules.map { rule in
                .refused("CVE-2026-39350: \(rule)", [403], .request(path: "/open")).under(policy("ALLOW", rule))
            },
            connections: identityRules.map {
                ConnectionCase(source: "CVE-2026-39350: \($0)", rule: policy("ALLOW", $0), isAllowed: false)
            }),
        Row(
            source: "CVE-2026-31837: without keys, closed",
            cases: [
                .refused(
                    "CVE-2026-31837: nobody has vouched for the caller's token", [403],
                    .request(path: "/open", fields: [("Authorization", "Bearer e30.e30.")])
                ).under(policy("ALLOW", "{from: [{source: {requestPrincipals: [\"*\"]}}]}"))
            ],
            connections: [
                ConnectionCase(
                    source: "CVE-2026-31837: a connection has no token",
                    rule: policy("ALLOW", "{from: [{source: {requestPrincipals: [\"*\"]}}]}"), isAllowed: false)
            ]),
        .elsewhere(
            "Envoy CVE-2025-66220, -2026-47778: NUL in a SAN",
            "decided in the handshake, before a protocol is spoken: TransportSecurityTests/PeerVerificationTests"),
        Row(
            source: "Consul CVE-2021-32574: the callee is the service that was meant",
            cases: [
                .refused("Consul CVE-2021-32574: another account", [503], .request(path: "/open")).impersonated
                    .except(
                        [.http1, .http2, .grpc, .gatewayHTTP1, .gatewayHTTP2, .inbound] + Door.plain + Door.host,
                        .notApplicable("no other node is called"))
            ],
            connections: [
                ConnectionCase(
                    source: "Consul CVE-2021-32574: another account", rule: allowWeb, isAllowed: false,
                    isImpersonated: true)
            ]),
        Row(
            source: "Envoy CVE-2023-27487, -2024-45806: internal fields from outside", cases: internalFields,
            elsewhere: [.tcp: "connections have no fields"]),
        Row(
            source: "Traefik CVE-2024-45410, -2021-32813: Connection drops fields", cases: hopByHop,
            elsewhere: [.tcp: "connections have no fields"]),
        Row(
            source: "swift-nio CVE-2026-28970, nio-http2 CVE-2026-28898: CR, LF, NUL",
            cases: controlBytesOfHTTP1 + controlBytesOfHTTP2, elsewhere: [.tcp: "connections have no fields"]),
        Row(
            source: "swift-nio CVE-2026-28980: caps on header bytes and count", cases: caps,
            elsewhere: [.tcp: "connections have no fields"]),
        .elsewhere(
            "CVE-2023-44487, CVE-2025-8671, CVE-2024-30255, CVE-2026-47774: budgets",
            "HTTP/2's alone, gRPC's with it: PolicyFloodTests at each of its listeners",
            connections: "a connection has no frames"),
        Row(
            source: "CL + TE, chunked\\t, obs-fold, bare LF, signs in Content-Length, chunk extensions",
            cases: framing + framingOfHTTP2, elsewhere: [.tcp: "connections are not framed"]),
        Row(
            source: "Envoy CVE-2025-64763, x/net CVE-2022-41721: upgrades", cases: upgrades + tunnels,
            connections: [
                ConnectionCase(
                    source: "bytes ahead of a denied connection", rule: "# none", isAllowed: false)
            ]),
        .elsewhere(
            "Linkerd CVE-2024-40632, CVE-2026-31838: the admin API", "no call comes in there: AdminAPITests"),
        .elsewhere(
            "linkerd2#15549, kuma#3379, consul#6454: stale grants", "PolicySwapTests, in each protocol"),
        .elsewhere(
            "linkerd2#15109, #4287, #4808: rotation outages",
            "of handshakes, before a protocol is spoken: ScenarioTests/TwoNodesTests, WorkloadIdentityTests"),
        .elsewhere(
            "istio#13851, #50506: retries ran a payment twice",
            "of answers that fail, not of what is asked: UpstreamPoolTests",
            connections: "the bytes of a connection are never sent again"),
        Row(
            source: "Linkerd: protocol detection that falls back to TCP", cases: declared,
            connections: [
                ConnectionCase(
                    source: "HTTP on a connection is bytes, judged as such",
                    rule: policy("ALLOW", "{to: [{operation: {methods: [GET]}}]}"), isAllowed: false,
                    bytes: "GET / HTTP/1.1\r\nHost: orders\r\n\r\n"),
                ConnectionCase(
                    source: "HTTP/2 on a connection is bytes, too", rule: allowWeb, isAllowed: true,
                    bytes: String(decoding: HTTP2Peer.preface, as: UTF8.self)),
            ]),
    ]

    static let allowWeb = policy("ALLOW", "{from: [{source: {serviceAccounts: [shop/web]}}]}")

    /// Each would match `shop/web` if it were a pattern.
    private static let identityRules = [
        "{from: [{source: {principals: [\"spiffe://mesh.local/ns/shop/sa/w.b\"]}}]}",
        "{from: [{source: {principals: [\"spiffe://mesh.local/ns/shop/sa/.*\"]}}]}",
        "{from: [{source: {principals: [\"spiffe://mesh.local/ns/shop/sa/we.\"]}}]}",
    ]
}
