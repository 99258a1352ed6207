import HTTPSemantics
import Manifests
import MeshSnapshot

/// Gateway API's rules read word by word: look at everything, sort, take the first.
struct NaiveMatcher {
    let listeners: [GatewayListener]
    let gateway: ResourceName
    let routes: [HTTPRoute]

    struct Answer: Equatable {
        let route: ResourceName
        let rule: Int
    }

    func match(_ request: TestRequest) -> Answer? {
        let serving = listeners.filter { $0.hostname?.value.matches(request.host) ?? true }
        guard let listener = serving.max(by: { specificity($0.hostname?.value) < specificity($1.hostname?.value) })
        else {
            return nil
        }
        var best: (key: [Int], name: ResourceName, rule: Int)?
        for route in routes where route.parentRefs.contains(where: { $0.selects(listener, of: gateway) }) {
            let hosts: [HostnamePattern?] =
                route.hostnames.isEmpty ? [nil] : route.hostnames.map(\.value).filter { $0.matches(request.host) }
            guard let host = hosts.map(specificity).max() else { continue }
            for (index, rule) in route.rules.enumerated() {
                for match in rule.matches where holds(match, request) {
                    let path: [Int] =
                        switch match.path {
                        case .exact: [1, 0]
                        case .prefix(let prefix): [0, prefix.utf8.count]
                        case .grpcMethod: preconditionFailure("only GRPCRoutes have it: NaiveGRPCMatcher")
                        }
                    let key =
                        [host] + path + [match.method == nil ? 0 : 1, match.headers.count, match.queryParams.count]
                    if let best {
                        if key.lexicographicallyPrecedes(best.key) { continue }
                        if key == best.key, (best.name, best.rule) <= (route.metadata.name, index) { continue }
                    }
                    best = (key, route.metadata.name, index)
                }
            }
        }
        return best.map { Answer(route: $0.name, rule: $0.rule) }
    }

    private func specificity(_ pattern: HostnamePattern?) -> Int {
        switch pattern {
        case nil: 0
        case .wildcard(let suffix): suffix.utf8.count
        case .exact: 1000
        }
    }

    private func holds(_ match: HTTPRouteMatch, _ request: TestRequest) -> Bool {
        switch match.path {
        case .exact(let path): guard request.path == path else { return false }
        case .prefix(let prefix):
            let segments = prefix.split(separator: "/")
            guard Array(request.path.split(separator: "/").prefix(segments.count)) == segments else { return false }
        case .grpcMethod: return false
        }
        if let method = match.method, method != request.method { return false }
        for header in match.headers where !request.headers.contains(where: { $0 == (header.name, header.value) }) {
            return false
        }
        let pairs = (request.query ?? "").split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            return (parts[0], parts.count > 1 ? parts[1] : "")
        }
        return match.queryParams.allSatisfy { wanted in pairs.first { $0.0 == wanted.name }?.1 == wanted.value }
    }
}
