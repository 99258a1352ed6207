import HTTPSemantics
import Manifests

/// Collects what a `RouteTable` is made of.
struct RouteTableBuilder {
    struct Parts {
        let listeners: [RouteTable.Listener]
        let rules: [RouteRule]
        let services: [ResourceName]
        let hosts: HostIndex
        let paths: PathIndex
        let conditions: MatchConditions
        let listenerRoot: Int32
        let hostRoots: [Int32]
    }

    /// One match of a rule, without the host it is for.
    private struct CompiledMatch {
        /// Of `MatchConditions`.
        let match: Int32
        let path: HTTPRouteMatch.Path
        let precedence: UInt64
    }

    private var listeners: [RouteTable.Listener] = []
    private var rules: [RouteRule] = []
    private var services: [ResourceName] = []
    private var clusters: [ResourceName: Int] = [:]
    private var hosts = HostIndex()
    private var paths = PathIndex.Builder()
    private var conditions = MatchConditions()
    private let listenerRoot: Int32
    private var hostRoots: [Int32] = []
    /// By route: one may hang under several listeners.
    private var compiled: [RouteKey: [CompiledMatch]] = [:]

    /// An HTTPRoute and a GRPCRoute may have one name.
    private struct RouteKey: Hashable {
        let kind: ResourceKind
        let name: ResourceName

        init(_ route: HTTPRoute) {
            kind = route.writtenAs
            name = route.metadata.name
        }
    }

    init() {
        listenerRoot = hosts.addRoot()
    }

    mutating func addHostRoot() -> Int32 {
        let root = hosts.addRoot()
        hostRoots.append(root)
        return root
    }

    mutating func addListener(_ listener: RouteTable.Listener) -> Int32 {
        let number = Int32(listeners.count)
        listeners.append(listener)
        _ = hosts.insert(listener.hostname, under: listenerRoot) { number }
        return addHostRoot()
    }

    /// Compiles routes, each once, in the order of their names. All of a table's routes at once, before `add`: the order in
    /// which they are compiled is the last of their precedence.
    mutating func compile(_ routes: [HTTPRoute]) {
        for route in routes.sorted(by: { $0.metadata.name < $1.metadata.name })
        where compiled[RouteKey(route)] == nil {
            compiled[RouteKey(route)] = compile(route)
        }
    }

    /// Hangs compiled routes under a host root.
    mutating func add(_ routes: [HTTPRoute], under root: Int32, usingHostnames: Bool) {
        for route in routes {
            let matches = compiled[RouteKey(route), default: []]
            if usingHostnames, !route.hostnames.isEmpty {
                for hostname in Set(route.hostnames.map(\.value)) { insert(matches, for: hostname, under: root) }
            } else {
                insert(matches, for: nil, under: root)
            }
        }
    }

    /// The rule of a service that no route names: everything goes to the service.
    mutating func addDefaultRule(to service: ResourceName, under root: Int32) {
        let backend = RouteBackend(
            service: service, cluster: cluster(of: service), weight: 1, mirrors: [], filters: CompiledFilters([]))
        let rule = RouteRule(
            id: rules.count, kind: nil, route: nil, name: nil, index: 0, position: nil, filters: CompiledFilters([]),
            mirrors: [],
            requestTimeout: nil, backendRequestTimeout: nil, backends: [backend])
        rules.append(rule)
        let everything = conditions.append(method: nil, headers: [], queryParams: [], rule: Int32(rule.id))
        insert([CompiledMatch(match: everything, path: .prefix("/"), precedence: 0)], for: nil, under: root)
    }

    consuming func finish() -> Parts {
        Parts(
            listeners: listeners, rules: rules, services: services, hosts: hosts, paths: paths.finish(conditions),
            conditions: conditions, listenerRoot: listenerRoot, hostRoots: hostRoots)
    }

    private mutating func insert(_ matches: [CompiledMatch], for hostname: HostnamePattern?, under root: Int32) {
        let pathRoot = hosts.insert(hostname, under: root) { paths.addRoot() }
        for match in matches {
            paths.insert(match.match, at: match.path, under: pathRoot, precedence: match.precedence)
        }
    }

    private mutating func compile(_ route: HTTPRoute) -> [CompiledMatch] {
        var matches: [CompiledMatch] = []
        for (index, rule) in route.rules.enumerated() {
            let id = rules.count
            rules.append(compile(rule, id: id, index: index, of: route))
            for match in rule.matches {
                var methodCondition: MethodCondition?
                if case .grpcMethod(let method) = match.path {
                    methodCondition = MethodCondition.compile(method).condition
                }
                let number = conditions.append(
                    method: match.method, headers: match.headers, queryParams: match.queryParams,
                    methodCondition: methodCondition, rule: Int32(id))
                matches.append(
                    CompiledMatch(match: number, path: match.path, precedence: Self.precedence(match, number: number)))
            }
        }
        return matches
    }

    /// Lower comes first: a gRPC method's rank, a method, more headers, more query parameters; then the order in which
    /// matches are compiled, which is that of route names and of rules.
    private static func precedence(_ match: HTTPRouteMatch, number: Int32) -> UInt64 {
        var rank: UInt64 = 9
        if case .grpcMethod(let method) = match.path { rank = method.rank }
        let method: UInt64 = match.method == nil ? 1 : 0
        let headers = UInt64(255 - min(match.headers.count, 255))
        let queryParams = UInt64(255 - min(match.queryParams.count, 255))
        return rank << 57 | method << 56 | headers << 48 | queryParams << 40 | UInt64(number)
    }

    private mutating func compile(_ rule: HTTPRouteRule, id: Int, index: Int, of route: HTTPRoute) -> RouteRule {
        var backends: [RouteBackend] = []
        for backend in rule.backendRefs {
            backends.append(
                RouteBackend(
                    service: backend.service.value, cluster: cluster(of: backend.service.value), weight: backend.weight,
                    mirrors: mirrors(of: backend.filters), filters: CompiledFilters(backend.filters)))
        }
        return RouteRule(
            id: id, kind: route.writtenAs, route: route.metadata.name, name: rule.name, index: index,
            position: rule.position.position,
            filters: CompiledFilters(rule.filters), mirrors: mirrors(of: rule.filters),
            requestTimeout: rule.timeouts.request, backendRequestTimeout: rule.timeouts.backendRequest,
            backends: backends)
    }

    private mutating func mirrors(of filters: [HTTPRouteFilter]) -> [RouteMirror] {
        var mirrors: [RouteMirror] = []
        for case .requestMirror(let mirror) in filters {
            mirrors.append(
                RouteMirror(
                    service: mirror.backend.value, cluster: cluster(of: mirror.backend.value),
                    numerator: mirror.numerator, denominator: max(1, mirror.denominator)))
        }
        return mirrors
    }

    private mutating func cluster(of service: ResourceName) -> Int {
        if let cluster = clusters[service] { return cluster }
        let cluster = services.count
        clusters[service] = cluster
        services.append(service)
        return cluster
    }
}
