import Diagnostics
import Manifests

extension ResourceKind {
    /// A kind as people type it: in any case, singular, plural or short.
    /// - Returns: `nil` if no kind is called so.
    package init?(typed name: String) {
        let wanted = name.lowercased()
        guard let kind = Self.allCases.first(where: { $0.typedNames.contains(wanted) }) else { return nil }
        self = kind
    }

    /// In lower case: singular, plural, then short forms.
    package var typedNames: [String] {
        switch self {
        case .mesh: ["mesh", "meshes"]
        case .node: ["node", "nodes", "no"]
        case .service: ["service", "services", "svc"]
        case .workload: ["workload", "workloads", "wl"]
        case .gateway: ["gateway", "gateways", "gtw", "gw"]
        case .httpRoute: ["httproute", "httproutes", "route", "routes"]
        case .grpcRoute: ["grpcroute", "grpcroutes"]
        case .tcpRoute: ["tcproute", "tcproutes"]
        case .tlsRoute: ["tlsroute", "tlsroutes"]
        case .authorizationPolicy: ["authorizationpolicy", "authorizationpolicies", "policy", "policies", "ap"]
        }
    }

    /// `there is no kind "servise"; did you mean "service"? Kinds: …`.
    package static func unknownKindMessage(_ name: String) -> String {
        let near = NearestName(to: name, among: allCases.flatMap(\.typedNames))
        let kinds = allCases.map(\.rawValue).joined(separator: ", ")
        return "there is no kind \(Diagnostic.quoted(name))"
            + (near.map { "; \($0.question)" } ?? "; kinds are \(kinds)")
    }
}
