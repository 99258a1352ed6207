import Diagnostics
import Manifests

/// What routes of every kind say of their parents.
private struct Attachment {
    let kind: ResourceKind
    let parentRefs: [ParentRef]
    let hostnames: [Located<HostnamePattern>]
    /// Where the route stands in the list of its kind.
    let number: Int
}

extension SnapshotResolver {
    mutating func checkRoutes(isNew: (SourcePosition) -> Bool) {
        for (number, route) in callRoutes.enumerated() {
            check(
                Attachment(
                    kind: route.writtenAs, parentRefs: route.parentRefs, hostnames: route.hostnames, number: number))
            for rule in route.rules {
                checkMirrors(rule.filters, of: route.writtenAs)
                for backend in rule.backendRefs {
                    checkProtocol(of: backend.service, route.writtenAs)
                    checkMirrors(backend.filters, of: route.writtenAs)
                }
            }
        }
        for (number, route) in tcpRoutes.enumerated() {
            check(Attachment(kind: .tcpRoute, parentRefs: route.parentRefs, hostnames: [], number: number))
            for backend in route.rule.backendRefs { checkProtocol(of: backend.service, .tcpRoute) }
        }
        for (number, route) in tlsRoutes.enumerated() {
            check(
                Attachment(
                    kind: .tlsRoute, parentRefs: route.parentRefs, hostnames: route.hostnames, number: number))
            for backend in route.rule.backendRefs { checkProtocol(of: backend.service, .tlsRoute) }
        }
        checkConflicts(isNew: isNew)
    }

    // MARK: Backends

    private mutating func checkMirrors(_ filters: [HTTPRouteFilter], of kind: ResourceKind) {
        for case .requestMirror(let mirror) in filters { checkProtocol(of: mirror.backend, kind) }
    }

    private mutating func checkProtocol(of name: Located<ResourceName>, _ kind: ResourceKind) {
        guard let service = services[name.value], !kind.serviceProtocols.contains(service.protocol) else { return }
        let names = Self.oneOf(kind.serviceProtocols.map(\.rawValue))
        report(
            .wrongProtocol, at: name.position, found: describe(service),
            expected: "a Service of protocol \(names) in \(kind.withArticle)",
            remedy: "name another, change the protocol at \(service.metadata.position), or use "
                + ResourceKind.route(for: service.protocol).withArticle)
    }

    /// `HTTP, HTTP2 or GRPC`.
    private static func oneOf(_ names: [String]) -> String {
        names.dropLast().joined(separator: ", ") + (names.count > 1 ? " or " : "") + (names.last ?? "")
    }

    // MARK: Parents

    private mutating func check(_ route: Attachment) {
        for parent in route.parentRefs {
            switch parent.kind {
            case .service: checkServiceParent(parent, of: route)
            case .gateway: checkGatewayParent(parent, of: route)
            }
        }
    }

    private mutating func checkServiceParent(_ parent: ParentRef, of route: Attachment) {
        // It is no Service, as was said.
        if services[parent.name.value] == nil, gateways[parent.name.value] != nil { return }
        checkProtocol(of: parent.name, route.kind)
        let name = parent.name.value
        switch route.kind {
        case .tcpRoute: Self.add(route.number, to: &index.tcpRoutesByService[name, default: []])
        default: Self.add(route.number, to: &index.routesByService[name, default: []])
        }
        if let hostname = route.hostnames.first {
            report(
                .hostnamesIgnored, .warning, at: hostname.position,
                found: "hostnames in a route for Service \(Diagnostic.quoted(parent.name.value.name))",
                expected: "none: a route of a Service holds for every hostname of the Service",
                remedy: "remove hostnames, or give them to the Service")
        }
    }

    private mutating func checkGatewayParent(_ parent: ParentRef, of route: Attachment) {
        let name = parent.name.value
        guard let gateway = gateways[name] else { return }
        switch route.kind {
        case .tcpRoute: Self.add(route.number, to: &index.tcpRoutesByGateway[name, default: []])
        case .tlsRoute: Self.add(route.number, to: &index.tlsRoutesByGateway[name, default: []])
        default: Self.add(route.number, to: &index.routesByGateway[name, default: []])
        }
        let selected = listenerSelections.selection(of: parent, in: gateway, for: route.kind.listenerProtocols)
        guard let first = selected.first else { return reportUnknownListener(parent, gateway) }
        guard let fitting = selected.firstFitting else {
            return reportUnfittingListener(parent, gateway, first, route.kind)
        }
        if !route.hostnames.isEmpty, !selected.serves(route.hostnames) {
            report(
                .routeWithoutHost, .warning, at: route.hostnames[0].position,
                found: "hostnames that no listener of Gateway \(Diagnostic.quoted(parent.name.value.name)) has",
                expected: "one that a listener serves, such as "
                    + Diagnostic.quoted(fitting.hostname?.value.description ?? "*"),
                remedy: "add a hostname, or change the listener's: this route matches nothing there")
        }
    }

    /// A route names a parent twice, by two sections of it.
    private static func add(_ number: Int, to list: inout [Int]) {
        if list.last != number { list.append(number) }
    }

    private mutating func reportUnfittingListener(
        _ parent: ParentRef, _ gateway: Gateway, _ listener: GatewayListener, _ kind: ResourceKind
    ) {
        let names = Self.oneOf(kind.listenerProtocols.map(\.rawValue))
        let gatewayName = Diagnostic.quoted(gateway.metadata.name.name)
        let isNamed = parent.sectionName != nil || parent.port != nil
        report(
            .wrongProtocol,
            at: parent.sectionName?.position ?? parent.port?.position ?? parent.name.position,
            found: isNamed
                ? "listener \(Diagnostic.quoted(listener.name.value)) of protocol \(listener.protocol.rawValue)"
                : "Gateway \(gatewayName) without a listener of protocol \(names)",
            expected: "a listener of protocol \(names) for \(kind.withArticle)",
            remedy: "add a listener of protocol \(names) to Gateway \(gatewayName), or use "
                + ResourceKind.route(for: listener.protocol).withArticle)
    }

    /// `a, b and 7 more`: a Gateway may have thousands.
    private static func some(of names: [String]) -> String {
        names.prefix(10).joined(separator: ", ") + (names.count > 10 ? " and \(names.count - 10) more" : "")
    }

    private mutating func reportUnknownListener(_ parent: ParentRef, _ gateway: Gateway) {
        let names = gateway.listeners.map(\.name.value)
        let gatewayName = Diagnostic.quoted(gateway.metadata.name.name)
        if let section = parent.sectionName, !names.contains(section.value) {
            report(
                .unknownListener, at: section.position, found: Diagnostic.quoted(section.value),
                expected: "a listener of Gateway \(gatewayName): \(Self.some(of: names.map { Diagnostic.quoted($0) }))",
                remedy: remedy(for: section.value, among: names, kind: "listener"))
        } else if let port = parent.port {
            let ports = Self.some(of: gateway.listeners.map { String($0.port.value) })
            report(
                .unknownListener, at: port.position, found: "port \(port.value)",
                expected: "a port of Gateway \(gatewayName): \(ports)"
                    + (parent.sectionName.map { ", that of listener \(Diagnostic.quoted($0.value))" } ?? ""),
                remedy: "change the port, or add a listener with it")
        }
    }
}

extension ResourceKind {
    /// Of Services that a route of this kind may have as parents and backends.
    fileprivate var serviceProtocols: [ServiceProtocol] {
        switch self {
        case .grpcRoute: [.grpc, .http2]
        case .tcpRoute, .tlsRoute: [.tcp]
        default: [.http, .http2, .grpc]
        }
    }

    /// Of listeners that a route of this kind attaches to.
    fileprivate var listenerProtocols: [ListenerProtocol] {
        switch self {
        case .tcpRoute: TCPRoute.listenerProtocols
        case .tlsRoute: TLSRoute.listenerProtocols
        default: HTTPRoute.listenerProtocols
        }
    }

    fileprivate var withArticle: String { "\(self == .httpRoute ? "an" : "a") \(rawValue)" }

    fileprivate static func route(for serviceProtocol: ServiceProtocol) -> ResourceKind {
        switch serviceProtocol {
        case .http, .http2: .httpRoute
        case .grpc: .grpcRoute
        case .tcp: .tcpRoute
        }
    }

    fileprivate static func route(for listenerProtocol: ListenerProtocol) -> ResourceKind {
        switch listenerProtocol {
        case .http, .https: .httpRoute
        case .tls: .tlsRoute
        case .tcp: .tcpRoute
        }
    }
}
