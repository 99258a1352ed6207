import Authorization
import EventLoops
import HTTPSemantics
import Routing
import Telemetry
import WireProtocols

/// The one place where a call is judged, whatever it came in on: its service, its route, its rewriting, its rule, its
/// endpoint, in this order and on the same bytes.
extension Exchange {
    func dispatch() {
        caller = origin.caller(gatewayListener: -1)
        // A tunnel: what follows it would be nobody's request (RFC 9110 § 9.3.6).
        guard request.knownMethod != .connect else { return fail(.malformed, status: 501) }
        request.removeHopByHopFields()
        guard countPassage() else { return fail(.loopDetected) }
        guard takeForward() else { return }
        switch origin.role {
        case .outbound(let listener):
            guard let service = worker.view.service(host: request.bytes(request.host), from: listener) else {
                return fail(.noRoute)
            }
            self.service = service
            guard let routes = service.routes(from: listener.namespace) else { return deliver(to: service) }
            route(in: routes)
        case .inbound:
            guard let service = origin.targetService(on: worker) else { return fail(.noRoute) }
            self.service = service
            deliver(to: service)
        case .gateway(let gateway):
            route(in: gateway)
        case .tcp: fail(.noRoute)
        }
    }

    private func route(in routes: RouteTableView) {
        guard let match = routes.table.match(request) else { return fail(.noRoute) }
        apply(match, of: routes)
    }

    private func route(in gateway: GatewayView) {
        guard let listener = gateway.routes.table.listener(forHost: request.bytes(request.host)) else {
            return fail(.noRoute, status: gateway.isSecure && !origin.serverName.isEmpty ? 421 : 404)
        }
        gatewayListener = listener
        gatewayListenerLabel = gateway.listeners[listener].label
        caller = origin.caller(gatewayListener: listener)
        // The certificate was chosen for another listener: what it promised does not hold here (RFC 9110 § 15.5.20).
        if let chosen = gateway.listener(serverName: origin), chosen != listener {
            return fail(.noRoute, status: 421)
        }
        guard let match = gateway.routes.table.match(request) else { return fail(.noRoute) }
        apply(match, of: gateway.routes)
    }

    private func apply(_ match: RouteMatch, of routes: RouteTableView) {
        let rule = routes.rules[match.rule.id]
        self.rule = rule
        if let redirect = match.rule.redirect {
            var location: [UInt8] = []
            redirect.appendLocation(for: request, match: match, listenerPort: redirectPort, to: &location)
            return reply(status: redirect.status, location: location)
        }
        guard let backend = match.rule.pickBackend(using: &worker.random) else {
            return fail(.noEndpoint, status: 500)
        }
        routeBackend = backend
        let service = routes.services[match.rule.backends[backend].cluster]
        self.service = service
        setForwardedFields()
        // Nobody reads a copy's answer, so that no copy can go on as something else.
        if tunnel != .none { return send(match, by: rule, backend: backend, to: service) }
        if !match.rule.mirrors.isEmpty { mirror(match.rule.mirrors, of: routes, match: match) }
        let backendMirrors = match.rule.backends[backend].mirrors
        if !backendMirrors.isEmpty { mirror(backendMirrors, of: routes, match: match) }
        send(match, by: rule, backend: backend, to: service)
    }

    private func send(_ match: RouteMatch, by rule: RuleView, backend: Int, to service: ServiceView) {
        match.rule.rewrite(&request, match: match, backend: backend)
        keepCountable()
        requestDeadline = rule.requestMilliseconds.map { loop.now + $0 }
        send(to: service)
    }

    /// The port that a redirect keeps: the gateway's, or what a call between services named.
    private var redirectPort: UInt16 {
        if case .gateway = origin.role { origin.listener.address.port } else { request.hostPort }
    }

    /// Without a route: the call goes to the service as it is.
    private func deliver(to service: ServiceView) {
        setForwardedFields()
        send(to: service)
    }

    /// The caller's own deadline (gRPC over HTTP/2, "Timeout").
    /// - Returns: `false` if it is none.
    private func adoptCallersDeadline() -> Bool {
        guard let field = request.value(of: .grpcTimeout), isGRPCRequest else { return true }
        guard let milliseconds = GRPCTimeout.milliseconds(request.bytes(field)) else { return false }
        let deadline = startedAt / 1000 + milliseconds
        guard deadline < requestDeadline ?? .max else { return true }
        requestDeadline = deadline
        return true
    }

    /// What is left of the time, for whoever is next.
    private func shortenCallersDeadline() {
        guard let requestDeadline, request.hasField(.grpcTimeout) || service?.isGRPC ?? false, isGRPCRequest else {
            return
        }
        let left = requestDeadline > loop.now ? requestDeadline - loop.now : 0
        request.setField(.grpcTimeout, to: GRPCTimeout.text(milliseconds: max(left, 1)).span)
    }

    // MARK: Endpoints

    /// - Parameter service: `self.service`.
    func send(to service: ServiceView) {
        guard adoptCallersDeadline() else { return fail(.malformed) }
        // What a listener that is gone still leads to is the old generation's; its rules no longer hold.
        guard origin.isStopped else { return attempt(at: service) }
        guard let current = currentService() else { return fail(.noRoute) }
        attempt(at: current)
    }

    func connect(to endpoint: EndpointView, of service: ServiceView, isFresh: Bool) {
        if tunnel == .connection {
            // No request, and no fields.
        } else if endpoint.isMesh {
            request.removeField(.heddleCaller)
        } else if let caller {
            let principal = caller.principal
            request.setField(.heddleCaller, to: principal.span)
        }
        shortenCallersDeadline()
        // Said of this hop: Heddle takes trailers, and passes them on.
        if endpoint.reach == .node || endpoint.reach == .plain(.http2), tunnel == .none, !request.hasField(.te) {
            request.addField(.te, value: ("trailers" as StaticString).bytes)
        }
        backendDeadline = rule?.backendMilliseconds.map { loop.now + $0 }
        if backendDeadline != nil { updateDeadline() }
        guard let pool = endpoint.pool(for: caller, service: service, worker: worker) else { return fail(.noEndpoint) }
        pool.open(self, fresh: isFresh)
    }

    // MARK: Authorization

    /// Asks the program of the service whose workload is to receive the call.
    func judge(_ service: ServiceView, endpoint: EndpointView?) -> Bool {
        isJudged = true
        let decision = decide(service, endpoint: endpoint)
        if decision.isAllowed { worker.count(decision, of: service) } else { noteDenial(decision, of: service) }
        return decision.isAllowed
    }

    /// What was allowed once, and counted then, may be denied by now.
    func isAllowedStill(by service: ServiceView) -> Bool {
        let decision = decide(service, endpoint: endpoint)
        if !decision.isAllowed { noteDenial(decision, of: service) }
        return decision.isAllowed
    }

    private func noteDenial(_ decision: Decision, of service: ServiceView) {
        worker.count(decision, of: service)
        identify()
        note(decision, of: service)
    }

    func decide(_ service: ServiceView, endpoint: EndpointView?) -> Decision {
        let isConnection = tunnel == .connection
        origin.setFacts(
            caller: caller, client: client, destination: endpoint?.address,
            callProtocol: isConnection ? .tcp : .http)
        return isConnection
            ? service.program.decideConnection(origin.facts) : service.program.decide(request, origin.facts)
    }
}
