import MeshSnapshot
import RegularExpressions

@testable import Manifests

/// Gateway API's rules for GRPCRoutes read word by word: look at everything, sort, take the first. Of parts that are both
/// matched, one that is named comes before one that is described.
final class NaiveGRPCMatcher {
    let listeners: [GatewayListener]
    let gateway: ResourceName
    let routes: [GRPCRoute]
    private var expressions: [String: Regex<AnyRegexOutput>] = [:]

    init(listeners: [GatewayListener], gateway: ResourceName, routes: [GRPCRoute]) {
        self.listeners = listeners
        self.gateway = gateway
        self.routes = routes
    }

    func match(_ request: TestRequest) throws -> NaiveMatcher.Answer? {
        let serving = listeners.filter { $0.hostname?.value.matches(request.host) ?? true }
        guard let listener = serving.max(by: { specificity($0.hostname?.value) < specificity($1.hostname?.value) })
        else { return nil }
        var best: (key: [Int], name: ResourceName, rule: Int)?
        for route in routes where route.parentRefs.contains(where: { $0.selects(listener, of: gateway) }) {
            let hosts: [HostnamePattern?] =
                route.hostnames.isEmpty ? [nil] : route.hostnames.map(\.value).filter { $0.matches(request.host) }
            guard let host = hosts.map(specificity).max() else { continue }
            for (index, rule) in route.rules.enumerated() {
                let matches = rule.matches.isEmpty ? [GRPCRouteMatch(method: nil, headers: [])] : rule.matches
                for match in matches where try holds(match, request) {
                    let key =
                        [host] + part(match.method?.service) + part(match.method?.method) + [match.headers.count]
                    if let best {
                        if key.lexicographicallyPrecedes(best.key) { continue }
                        if key == best.key, (best.name, best.rule) <= (route.metadata.name, index) { continue }
                    }
                    best = (key, route.metadata.name, index)
                }
            }
        }
        return best.map { NaiveMatcher.Answer(route: $0.name, rule: $0.rule) }
    }

    private func part(_ match: GRPCNameMatch?) -> [Int] {
        switch match {
        case .exact: [2]
        case .regularExpression: [1]
        case nil: [0]
        }
    }

    private func specificity(_ pattern: HostnamePattern?) -> Int {
        switch pattern {
        case nil: 0
        case .wildcard(let suffix): suffix.utf8.count
        case .exact: 1000
        }
    }

    private func holds(_ match: GRPCRouteMatch, _ request: TestRequest) throws -> Bool {
        if let method = match.method {
            let parts = request.path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 3, parts[0].isEmpty, !parts[1].isEmpty, !parts[2].isEmpty else { return false }
            guard try holds(method.service, parts[1]), try holds(method.method, parts[2]) else { return false }
        }
        return match.headers.allSatisfy { header in
            request.headers.contains { $0 == (header.name, header.value) }
        }
    }

    private func holds(_ match: GRPCNameMatch?, _ name: String) throws -> Bool {
        switch match {
        case nil: return true
        case .exact(let text): return text == name
        case .regularExpression(let match):
            let expression = try expressions[match.text] ?? Regex(match.text)
            expressions[match.text] = expression
            return try expression.wholeMatch(in: name) != nil
        }
    }
}
