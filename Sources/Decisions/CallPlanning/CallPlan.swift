package import Attestation
package import Authorization
package import CallOutcomes
package import CommonValues
package import HTTPSemantics
import Routing
package import Telemetry

/// Where a call is to go, and as whose, as far as it has been found out. The one place for every kind of listener and every
/// protocol: the proxy carries out what it says, `explain` prints it.
///
/// The order of a call is: `find`, on its way to a service and the backend of a route; `rewrite`, as the route says, once copies
/// are made; then, at each try, `ServiceTable.refusal`, an endpoint, and the service's program.
package struct CallPlan: ~Copyable {
    /// Whose call it is; it stays theirs when the listener's identity changes with a generation.
    package var caller: Caller?
    /// As trusted proxies report it.
    package var client = ClientAddress.peer
    /// It is a mirror's copy, or what a workload made of one: mirrors get none of it.
    package private(set) var isCopy = false
    package private(set) var service: ServiceTable?
    package private(set) var rule: BoundRule?
    /// Of the rule's match.
    private var prefixByteCount = 0
    /// Index into the rule's backends.
    package private(set) var backend = 0
    /// The gateway's listener, as the next generation finds it; `nil` until one is found, and where there is no gateway.
    package private(set) var gatewayListener: Label?

    package init() {}

    /// What is to be done with a call.
    package enum Step {
        case refuse(FailureReason, status: UInt16? = nil)
        /// Nothing was looked at yet: it depends on who calls, and that is to be found out, as far as this.
        case identify(FactDepth)
        /// There is nothing to forward: this status says all.
        case answer(status: UInt16)
        /// As `rule` has it.
        case redirect
        /// To `service`, as it is.
        case send
        /// To `service`, once it is rewritten as `rule` has it.
        case sendRouted
    }

    /// A copy of a call, for a mirror of its rule.
    package init(copying other: borrowing CallPlan, for service: ServiceTable) {
        isCopy = true
        caller = other.caller
        client = other.client
        gatewayListener = other.gatewayListener
        self.service = service
    }

    /// Its service, as another generation has it.
    package mutating func moveOn(to service: ServiceTable) { self.service = service }

    // MARK: Finding the caller

    /// Whose call it is.
    /// - Parameter hosts: Where that caller finds services by Host; stays as it is where its listener says so.
    /// - Returns: What is to be done instead of going on; `nil`: it is known.
    private mutating func identify(
        _ source: CallSource, at role: ListenerRole, in tables: CallTables, hosts: inout OutboundTable?
    ) -> Step? {
        switch role.identify(source, in: tables) {
        case .caller(let found): caller = found
        case .workload(let workload):
            caller = workload.caller
            hosts = workload.hosts
        case .notAttested: return .refuse(.notAttested)
        case .needs(let depth): return .identify(depth)
        }
        return nil
    }

    // MARK: Finding the service

    /// - Parameters:
    ///   - request: In canonical form. Afterwards without what is not meant for the workload, and with what it is told of the
    ///     call's way.
    package mutating func find(
        _ request: inout MessageHead, from source: CallSource, at role: ListenerRole, in tables: CallTables,
        using random: inout FastRandom, trace: PlanTrace? = nil
    ) -> Step {
        var hosts: OutboundTable?
        if let step = identify(source, at: role, in: tables, hosts: &hosts) { return step }
        // A tunnel: what follows it would be nobody's request (RFC 9110 § 9.3.6).
        guard request.knownMethod != .connect else { return .refuse(.malformed, status: 501) }
        request.removeHopByHopFields()
        isCopy = request.isCopy(isBetweenNodes: role.isForNodes)
        guard request.countPassage(isBetweenNodes: role.isForNodes) else { return .refuse(.loopDetected) }
        switch request.takeForward(isBetweenNodes: role.isForNodes) {
        case .goesOn: break
        case .malformed: return .refuse(.malformed)
        case .ends(let status): return .answer(status: status)
        }
        switch role.directory {
        case .hosts(let listener): return find(&request, from: source, listener, in: tables, using: &random, trace)
        case .hostsOfCaller:
            guard let hosts else { return .refuse(.notAttested) }
            return find(&request, from: source, hosts, in: tables, using: &random, trace)
        case .serverName:
            // SNI alone, never Host, says what a call there is for.
            guard let service = source.target(in: tables) else { return .refuse(.noRoute) }
            self.service = service
            // What it has is another host's word, and is kept here, too.
            if request.hasField(.requestID) { request.identify(using: &random) }
            return .send
        case .routes(let gateway):
            return find(&request, from: source, at: gateway, using: &random, trace)
        case .service(let service):
            // Its port says what a call there is for, never Host.
            self.service = service
            tellWorkload(in: &request, of: source, trusted: false, using: &random)
            return .send
        case .connections: return .refuse(.noRoute)
        }
    }

    private mutating func find(
        _ request: inout MessageHead, from source: CallSource, _ hosts: OutboundTable, in tables: CallTables,
        using random: inout FastRandom, _ trace: PlanTrace?
    ) -> Step {
        guard let service = tables.service(host: request.bytes(request.host), from: hosts) else {
            return .refuse(.noRoute)
        }
        self.service = service
        guard let routes = service.routes(from: hosts.namespace) else {
            tellWorkload(in: &request, of: source, trusted: true, using: &random)
            return .send
        }
        trace?.ask(routes.table, about: request)
        guard let match = routes.table.match(request) else { return .refuse(.noRoute) }
        return route(&request, by: match, of: routes, from: source, at: nil, using: &random)
    }

    private mutating func find(
        _ request: inout MessageHead, from source: CallSource, at gateway: GatewayTable, using random: inout FastRandom,
        _ trace: PlanTrace?
    ) -> Step {
        let routes = gateway.routes
        guard let index = routes.table.listener(forHost: request.bytes(request.host)) else {
            trace?.noteMissingListener()
            return .refuse(.noRoute, status: gateway.isSecure && !source.serverName.isEmpty ? 421 : 404)
        }
        let listener = gateway.listeners[index]
        gatewayListener = listener.label
        caller = listener.caller
        // The certificate was chosen for another listener: what it promised does not hold here (RFC 9110 § 15.5.20).
        if gateway.isSecure, let chosen = gateway.listener(serverName: source.serverName), chosen != index {
            return .refuse(.noRoute, status: 421)
        }
        trace?.ask(routes.table, about: request)
        guard let match = routes.table.match(request) else { return .refuse(.noRoute) }
        return route(&request, by: match, of: routes, from: source, at: listener, using: &random)
    }

    private mutating func route(
        _ request: inout MessageHead, by match: RouteMatch, of routes: BoundRoutes, from source: CallSource,
        at listener: GatewayListenerTable?, using random: inout FastRandom
    ) -> Step {
        let rule = routes.rules[match.rule.id]
        self.rule = rule
        prefixByteCount = match.prefixByteCount
        if rule.rule.redirect != nil { return .redirect }
        guard let backend = rule.rule.pickBackend(using: &random) else { return .refuse(.noEndpoint, status: 500) }
        self.backend = backend
        service = rule.service(ofBackend: backend)
        var trusted = true
        if let listener {
            trusted = listener.trusts(source.peer)
            client = trusted ? ClientAddress(forwardedTo: request) { listener.trusts($0) } : .peer
        }
        tellWorkload(in: &request, of: source, trusted: trusted, using: &random)
        return .sendRouted
    }

    /// What the workload is told of the way the call took: `x-forwarded-*`, `x-request-id`. Between nodes nothing is added: the
    /// caller's node has, and the peer is a node of this mesh.
    /// - Parameter trusted: What the peer says of those before it is kept; else it is replaced.
    private func tellWorkload(
        in request: inout MessageHead, of source: CallSource, trusted: Bool, using random: inout FastRandom
    ) {
        if !trusted { request.removeOriginFields() }
        let peer = source.peerText
        if !peer.isEmpty { request.appendToList(.forwardedFor, peer.span) }
        if !request.hasField(.forwardedHost) { request.copyHost(to: .forwardedHost) }
        if !request.hasField(.forwardedProto) { request.setField(.forwardedProto, to: request.scheme.bytes) }
        request.identify(using: &random)
    }

    // MARK: After copies were made

    /// Makes of the request what a backend receives.
    /// - Parameter other: `nil`: the one that was chosen.
    package func rewrite(_ request: inout MessageHead, for other: Int? = nil) {
        rule?.rule.rewrite(&request, prefixByteCount: prefixByteCount, backend: other ?? backend)
        request.keepCountable()
    }

    /// Makes of a copy what a mirror of this call receives.
    package func rewriteCopy(_ request: inout MessageHead) {
        rule?.rule.rewriteForMirror(&request, prefixByteCount: prefixByteCount)
        request.countCopy()
    }

    /// Where the rule sends the caller; `nil`: it is no redirect.
    /// - Returns: The answer's status, and its `Location`.
    package func redirect(
        of request: borrowing MessageHead, from source: CallSource
    ) -> (status: UInt16, location: [UInt8])? {
        guard let redirect = rule?.rule.redirect else { return nil }
        var location: [UInt8] = []
        redirect.appendLocation(
            for: request, prefixByteCount: prefixByteCount,
            // The port that is kept: the gateway's, or what a call between services named.
            listenerPort: gatewayListener == nil ? request.hostPort : source.listenerPort, to: &location)
        return (redirect.status, location)
    }

    // MARK: Connections

    /// The same for a call that is a stream of bytes from its start.
    package mutating func findConnection(
        from source: CallSource, at role: ListenerRole, in tables: CallTables, using random: inout FastRandom,
        trace: PlanTrace? = nil
    ) -> Step {
        // A stream of bytes names no host.
        var hosts: OutboundTable?
        if let step = identify(source, at: role, in: tables, hosts: &hosts) { return step }
        switch role.directory {
        case .connections(let listener):
            guard let route = listener.route(serverName: source.serverName) else { return .refuse(.noRoute) }
            trace?.note(listener, serverName: source.serverName)
            rule = route.rule
            // Of the listeners of a gateway that share a port, the one that SNI has found.
            if role.admission == nil { caller = listener.callers[route.listener] }
            guard let backend = route.rule.rule.pickBackend(using: &random) else {
                return .refuse(.noEndpoint, status: 500)
            }
            self.backend = backend
            service = route.rule.service(ofBackend: backend)
            return .send
        case .serverName:
            // What is declared as HTTP is never had without HTTP's rules.
            guard let service = source.target(in: tables), service.isTCP else { return .refuse(.noRoute) }
            self.service = service
            return .send
        case .service(let service):
            guard service.isTCP else { return .refuse(.malformed, status: 501) }
            self.service = service
            return .send
        // A tunnel for whoever asks: what follows it would be nobody's request (RFC 9110 § 9.3.6).
        case .hosts, .hostsOfCaller, .routes: return .refuse(.malformed, status: 501)
        }
    }
}

extension ServiceTable {
    /// Why it takes no such call, whatever its rules say; `nil`: it does.
    /// - Parameter hasIdentity: It is known whose call it is.
    package func refusal(
        of request: borrowing MessageHead, isConnection: Bool, hasIdentity: Bool
    ) -> FailureReason? {
        guard isTCP == isConnection else { return .noRoute }
        guard takesCalls(withIdentity: hasIdentity) else { return .denied }
        return request.hasEscapedSlash && !keepsEscapedSlashes ? .malformed : nil
    }
}
