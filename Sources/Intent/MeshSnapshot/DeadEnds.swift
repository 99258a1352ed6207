import Diagnostics
import Manifests

/// Ways into the mesh that lead nowhere: listeners without a route, rules without a backend, sources that no Config reads.
struct DeadEnds {
    let snapshot: MeshSnapshot

    /// - Returns: Warnings.
    func check() -> [Diagnostic] {
        var found: [Diagnostic] = []
        for gateway in snapshot.gateways {
            let routes = snapshot.routesByGateway[gateway.metadata.name]
            for listener in gateway.listeners where !(routes?.hasOne(for: listener) ?? false) {
                found.append(Self.noRoute(listener, of: gateway))
            }
        }
        for rule in snapshot.callRoutes.lazy.flatMap(\.rules) where rule.leadsNowhere {
            found.append(
                Self.noBackend(rule.position, hasBackends: !rule.backendRefs.isEmpty, "its calls are answered with 500")
            )
        }
        for rule in snapshot.tcpRoutes.map(\.rule) + snapshot.tlsRoutes.map(\.rule)
        where rule.backendRefs.allSatisfy({ $0.weight == 0 }) {
            found.append(
                Self.noBackend(rule.position, hasBackends: !rule.backendRefs.isEmpty, "its connections are closed"))
        }
        let resources = snapshot.resources
        let read = Set(resources[Config.self].lazy.flatMap(\.sources).map(\.value))
        for source in resources[ConfigSource.self] where !read.contains(source.metadata.name) {
            found.append(Self.noConfig(source))
        }
        return found
    }

    private static func noConfig(_ source: ConfigSource) -> Diagnostic {
        Diagnostic(
            .unusedConfigSource, .warning, at: source.metadata.position,
            found: "ConfigSource \(Diagnostic.quoted(source.metadata.name.name)), which no Config reads",
            expected: "a Config that has it among its sources", remedy: "add it to a Config's sources, or remove it")
    }

    private static func noRoute(_ listener: GatewayListener, of gateway: Gateway) -> Diagnostic {
        let (route, end) =
            switch listener.protocol {
            case .http, .https: ("an HTTPRoute or GRPCRoute", "its calls are answered with 404")
            case .tcp: ("a TCPRoute", "its connections are closed")
            case .tls: ("a TLSRoute", "its connections are closed")
            }
        let name = listener.name
        return Diagnostic(
            .listenerWithoutRoute, .warning, at: name.position,
            found:
                "listener \(Diagnostic.quoted(name.value)) of protocol \(listener.protocol.rawValue) without a route",
            expected: "\(route) that has it as a parent: until then \(end)",
            remedy: "add one with parentRefs: [{kind: Gateway, name: \(gateway.metadata.name.name), "
                + "sectionName: \(name.value)}], or remove the listener")
    }

    private static func noBackend(_ rule: Located<Int>, hasBackends: Bool, _ end: String) -> Diagnostic {
        Diagnostic(
            .ruleWithoutBackend, .warning, at: rule.position,
            found: hasBackends ? "a rule whose backends all have weight 0" : "a rule without a backend",
            expected: "a backend with a weight above 0: \(end)",
            remedy: hasBackends ? "give one of them a weight" : "add backendRefs")
    }
}

extension HTTPRouteRule {
    /// It takes calls, and has nowhere to send them.
    fileprivate var leadsNowhere: Bool {
        let redirects = filters.contains { if case .requestRedirect = $0 { true } else { false } }
        return !redirects && backendRefs.allSatisfy { $0.weight == 0 }
    }
}
