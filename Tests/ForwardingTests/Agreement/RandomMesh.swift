import FuzzKit
import TestSupport

/// Manifests that nobody would write: services on two nodes, gateways with every kind of listener, and routes and rules by chance.
/// All of them are valid.
struct RandomMesh {
    /// Where the world's listeners and workloads are.
    struct Places: Sendable {
        var inbound: (a: UInt16, b: UInt16)
        var outbound: (web: UInt16, pay: UInt16)
        /// By service.
        var connections: [String: UInt16]
        var plain: UInt16
        var calls: UInt16
        var secure: UInt16
        var bytes: UInt16
        var names: UInt16
        /// For plain calls, by service.
        var nobody: [String: UInt16]
        /// By service.
        var workloads: [String: UInt16]
    }

    /// Those of HTTP/1.1, of gRPC, and of bytes; each with its node.
    static let services: [(name: String, protocolName: String, node: String)] = [
        ("orders", "HTTP", "a"), ("stock", "HTTP", "b"), ("calc", "GRPC", "a"), ("rates", "GRPC", "b"),
        ("ledger", "TCP", "a"), ("vault", "TCP", "b"),
    ]
    static let hosts = [
        "shop.example", "www.shop.example", "other.example", "orders", "stock.shop", "orders.shop.mesh",
    ]
    static let paths = [
        "/", "/a", "/a/b", "/admin", "/admin/x", "/b", "/b/a", "/shop.v1.Calc/Add", "/shop.v1.Calc/Sub",
    ]

    private var random: SplitMix64
    private let places: Places

    init(seed: UInt64, _ places: Places) {
        random = SplitMix64(seed: seed)
        self.places = places
    }

    mutating func manifests() -> String {
        var parts = [Self.nodes(places), Self.edge(places)]
        for service in Self.services {
            var spec = "protocol: \(service.protocolName)"
            if service.protocolName != "TCP", chance(30) { spec += ", escapedSlashes: Keep" }
            if service.name == "orders" { spec += ", hostnames: [shop.example]" }
            parts.append(
                manifest("Service", "\(service.name)", "{\(spec)}"))
            let plain = places.nobody[service.name].map { ", inbound: {plain: \"127.0.0.1:\($0)\"}" } ?? ""
            parts.append(
                """
                apiVersion: heddle/v1
                kind: Workload
                metadata: {name: \(service.name)-1, namespace: shop}
                spec: {service: \(service.name), serviceAccount: orders, address: "127.0.0.1:\(places.workloads[service.name]!)", node: \(service.node)\(plain)}
                """)
        }
        parts.append(
            manifest("Service", "lonely", "{protocol: HTTP}"))
        parts.append(manifest("PeerAuthentication", "moving", "{mtls: {mode: PERMISSIVE}}"))
        if chance(70) { parts.append(route("of-orders", "{kind: Service, name: orders}", hostnames: false)) }
        if chance(50) { parts.append(route("of-stock", "{kind: Service, name: stock}", hostnames: false)) }
        if chance(50) {
            parts.append(
                route("elsewhere", "{kind: Service, name: orders, namespace: shop}", hostnames: false, namespace: "pay")
            )
        }
        for number in 0..<int(1...4) {
            // GRPCRoutes have a listener of their own: one hostname is HTTPRoutes' or theirs.
            let sections = list(["plain", "shop", "other"], 1...3).split(separator: ",").map {
                "{name: edge, sectionName: \($0)}"
            }
            parts.append(route("edge-\(number)", sections.joined(separator: ", "), hostnames: true))
        }
        for name in ["calc", "rates"] where chance(50) {
            parts.append(callRoute(name, "{kind: Service, name: \(name)}"))
        }
        if chance(60) { parts.append(callRoute("edge-calls", "{name: edge, sectionName: calls}")) }
        if chance(50) { parts.append(byteRoute("TCPRoute", "of-ledger", "{kind: Service, name: ledger}")) }
        if chance(80) { parts.append(byteRoute("TCPRoute", "edge-bytes", "{name: edge, sectionName: bytes}")) }
        if chance(80) {
            parts.append(
                byteRoute(
                    "TLSRoute", "edge-names", "{name: edge}", hostnames: "  hostnames: [\(list(Self.hosts, 1...2))]\n"))
        }
        // Where few rules allow anything, few calls come to a workload.
        if chance(60) {
            parts.append(
                """
                apiVersion: heddle/v1
                kind: AuthorizationPolicy
                metadata: {name: most, namespace: shop}
                spec: {action: ALLOW, rules: [{\(pick(["", "to: [{operation: {notPaths: [\"/admin*\"]}}]", "from: [{source: {namespaces: [shop]}}]"]))}]}
                """)
        }
        for number in 0..<int(2...7) { parts.append(policy(number)) }
        return parts.joined(separator: "\n---\n")
    }

    private static func nodes(_ places: Places) -> String {
        let connections = ["ledger", "vault"].map {
            "{service: \($0), listen: \"127.0.0.1:\(places.connections[$0]!)\"}"
        }
        return """
            \(TwoNodeMesh.manifests(a: places.inbound.a, b: places.inbound.b, proxy: "workers: 1, accessLog: All"))
            ---
            apiVersion: heddle/v1
            kind: Workload
            metadata: {name: web-1, namespace: shop}
            spec:
              serviceAccount: web
              node: a
              outbound: {listen: "127.0.0.1:\(places.outbound.web)", tcp: [\(connections.joined(separator: ", "))]}
            ---
            apiVersion: heddle/v1
            kind: Workload
            metadata: {name: pay-1, namespace: pay}
            spec: {serviceAccount: pay, node: a, outbound: {listen: "127.0.0.1:\(places.outbound.pay)"}}
            """
    }

    private static func edge(_ places: Places) -> String {
        """
        apiVersion: heddle/v1
        kind: Gateway
        metadata: {name: edge, namespace: shop}
        spec:
          serviceAccount: edge
          node: a
          trustedProxies: [127.0.0.1/32]
          listeners:
          - {name: plain, address: 127.0.0.1, port: \(places.plain), protocol: HTTP}
          - {name: calls, address: 127.0.0.1, port: \(places.calls), protocol: HTTP}
          - {name: shop, address: 127.0.0.1, port: \(places.secure), protocol: HTTPS, hostname: "*.example", tls: {certificateFile: c, keyFile: k}}
          - {name: other, address: 127.0.0.1, port: \(places.secure), protocol: HTTPS, hostname: other.example, tls: {certificateFile: c, keyFile: k}}
          - {name: bytes, address: 127.0.0.1, port: \(places.bytes), protocol: TCP}
          - {name: names, address: 127.0.0.1, port: \(places.names), protocol: TLS, hostname: "*.example", tls: {mode: Passthrough}}
        """
    }

    // MARK: Chance

    private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }
    private mutating func int(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
    private mutating func pick(_ all: [String]) -> String { all.randomElement(using: &random)! }

    /// Some of them, each once.
    private mutating func list(_ all: [String], _ count: ClosedRange<Int>) -> String {
        all.shuffled(using: &random).prefix(int(count)).map { "\"\($0)\"" }.joined(separator: ", ")
    }

    // MARK: Routes

    private mutating func route(_ name: String, _ parent: String, hostnames: Bool, namespace: String = "shop") -> String
    {
        let rules = (0..<int(1...3)).map { _ in "  - \(rule())" }.joined(separator: "\n")
        let names =
            hostnames && chance(60)
            ? "  hostnames: [\(list(["shop.example", "*.example", "*.shop.example", "other.example"], 1...2))]\n" : ""
        return """
            apiVersion: heddle/v1
            kind: HTTPRoute
            metadata: {name: \(name), namespace: \(namespace)}
            spec:
              parentRefs: [\(parent)]
            \(names)  rules:
            \(rules)
            """
    }

    private mutating func rule() -> String {
        var fields: [String] = []
        // A prefix is replaced where each match has one.
        let hasPrefixes = chance(40)
        if hasPrefixes || chance(80) {
            let matches = (0..<int(1...2)).map { _ in match(byPrefix: hasPrefixes) }
            fields.append("matches: [\(matches.joined(separator: ", "))]")
        }
        let isRedirect = chance(12)
        if isRedirect {
            fields.append(
                "filters: [{type: RequestRedirect, requestRedirect: {\(pick(["scheme: https", "hostname: new.example", "port: 8443", "path: {type: ReplaceFullPath, replaceFullPath: /moved}"]))}}]"
            )
        } else if chance(50) {
            fields.append("filters: [\(filter(replacesPrefix: hasPrefixes))]")
        }
        if !isRedirect, chance(93) {
            fields.append("backendRefs: [\(backends(["orders", "stock", "lonely", "calc"]))]")
        }
        return "{\(fields.joined(separator: ", "))}"
    }

    private mutating func match(byPrefix: Bool) -> String {
        var fields: [String] = []
        if byPrefix || chance(80) {
            let type = byPrefix ? "PathPrefix" : pick(["Exact", "PathPrefix"])
            fields.append("path: {type: \(type), value: \"\(pick(Self.paths))\"}")
        }
        if chance(20) { fields.append("method: \(pick(["GET", "POST", "DELETE"]))") }
        if chance(20) {
            fields.append(
                "headers: [{name: \(pick(["x-role", "x-request-id", "x-forwarded-proto"])), value: \(pick(["admin", "guest", "http"]))}]"
            )
        }
        if chance(15) { fields.append("queryParams: [{name: q, value: \"\(pick(["1", "2"]))\"}]") }
        return "{\(fields.joined(separator: ", "))}"
    }

    private mutating func filter(replacesPrefix: Bool) -> String {
        switch int(replacesPrefix ? 0...6 : 1...5) {
        case 0, 6:
            "{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: \"\(pick(["/", "/admin", "/c"]))\"}}}"
        case 1:
            "{type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath, replaceFullPath: \"\(pick(Self.paths))\"}}}"
        case 2: "{type: URLRewrite, urlRewrite: {hostname: \(pick(["new.example", "orders"]))}}"
        case 3:
            "{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: x-role, value: \(pick(["admin", "guest"]))}]}}"
        case 4:
            "{type: RequestHeaderModifier, requestHeaderModifier: {remove: [\(pick(["x-role", "x-request-id", "x-forwarded-for"]))]}}"
        default:
            "{type: RequestMirror, requestMirror: {backendRef: {name: \(pick(["orders", "stock"])), namespace: shop}}}"
        }
    }

    private mutating func backends(_ names: [String]) -> String {
        names.shuffled(using: &random).prefix(int(1...2))
            .map { "{name: \($0), namespace: shop, weight: \(Int.random(in: 0...9, using: &random) == 0 ? 0 : 1)}" }
            .joined(separator: ", ")
    }

    private mutating func callRoute(_ name: String, _ parent: String) -> String {
        let rules = (0..<int(1...2)).map { _ in
            let method = pick(["{service: shop.v1.Calc}", "{service: shop.v1.Calc, method: Add}", "{method: Sub}"])
            return "  - {matches: [{method: \(method)}], backendRefs: [\(backends(["calc", "rates"]))]}"
        }
        return """
            apiVersion: heddle/v1
            kind: GRPCRoute
            metadata: {name: \(name), namespace: shop}
            spec:
              parentRefs: [\(parent)]
              rules:
            \(rules.joined(separator: "\n"))
            """
    }

    private mutating func byteRoute(_ kind: String, _ name: String, _ parent: String, hostnames: String = "") -> String
    {
        """
        apiVersion: heddle/v1
        kind: \(kind)
        metadata: {name: \(name), namespace: shop}
        spec:
          parentRefs: [\(parent)]
        \(hostnames)  rules: [{backendRefs: [\(backends(["ledger", "vault"]))]}]
        """
    }

    // MARK: Rules

    private mutating func policy(_ number: Int) -> String {
        var action = chance(65) ? "ALLOW" : "DENY"
        // Some decide nothing.
        var mode = ""
        if chance(12) { action = "AUDIT" } else if chance(25) { mode = "  mode: Shadow\n" }
        let target =
            chance(75) ? "  targetRefs: [{kind: Service, name: \(pick(Self.services.map(\.name) + ["lonely"]))}]\n" : ""
        let rules = (0..<int(1...3)).map { _ in "  - \(policyRule(isBroad: action == "ALLOW"))" }.joined(
            separator: "\n")
        return """
            apiVersion: heddle/v1
            kind: AuthorizationPolicy
            metadata: {name: policy-\(number), namespace: shop}
            spec:
            \(target)\(mode)  action: \(action)
              rules:
            \(rules)
            """
    }

    private mutating func policyRule(isBroad: Bool) -> String {
        var fields: [String] = []
        if chance(60) { fields.append("from: [{source: {\(source())}}]") }
        if chance(isBroad ? 45 : 80) { fields.append("to: [{operation: {\(operation())}}]") }
        if chance(isBroad ? 20 : 40) { fields.append("when: [\(condition())]") }
        return "{\(fields.joined(separator: ", "))}"
    }

    private mutating func source() -> String {
        switch int(0...5) {
        case 0, 1: "serviceAccounts: [\(list(["shop/web", "shop/nobody", "pay/pay"], 1...2))]"
        case 2: "namespaces: [\(list(["shop", "pay"], 1...1))]"
        case 3: "\(pick(["ipBlocks", "notIpBlocks"])): [\(list(["127.0.0.0/8", "10.0.0.0/8"], 1...1))]"
        case 4: "\(pick(["remoteIpBlocks", "notRemoteIpBlocks"])): [\(list(["127.0.0.0/8", "203.0.113.0/24"], 1...1))]"
        default: "principals: [\(list(["mesh.local/ns/shop/sa/web", "*", "mesh.local/ns/pay/*"], 1...1))]"
        }
    }

    private mutating func operation() -> String {
        switch int(0...4) {
        case 0: "methods: [\(list(["GET", "POST", "DELETE"], 1...2))]"
        case 1: "paths: [\(list(["/admin", "/admin/{**}", "/a*", "/b/{*}", "*/x", "/shop.v1.Calc/Add"], 1...3))]"
        case 2: "hosts: [\(list(Self.hosts + ["*.example", "new.example"], 1...2))]"
        case 3: "notPaths: [\(list(["/admin", "/admin/{**}"], 1...2))]"
        default: "notMethods: [\(list(["GET", "DELETE"], 1...1))]"
        }
    }

    private mutating func condition() -> String {
        switch int(0...4) {
        case 0, 1:
            "{key: \"request.headers[\(pick(["x-role", "x-request-id", "x-forwarded-for", "x-forwarded-host"]))]\", \(pick(["values", "notValues"])): [\(list(["admin", "guest", "*", "shop.example"], 1...2))]}"
        case 2: "{key: source.ip, values: [\"127.0.0.0/8\"]}"
        case 3: "{key: destination.port, values: [\(places.workloads[pick(["orders", "calc", "ledger"])]!)]}"
        default:
            "{key: connection.sni, values: [\(list(["shop.example", "orders.shop.mesh", "stock.shop.mesh"], 1...2))]}"
        }
    }
}
