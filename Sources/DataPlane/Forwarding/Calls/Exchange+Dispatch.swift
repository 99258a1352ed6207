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
        request.removeHeddleFields()
        switch origin.role {
        case .outbound(let listener):
            guard let service = view.service(host: request.bytes(request.host), from: listener) else {
                return fail(.noRoute)
            }
            self.service = service
            guard let routes = service.routes(from: listener.namespace) else { return deliver(to: service) }
            route(in: routes)
        case .inbound:
            guard let service = origin.targetService(in: view) else { return fail(.noRoute) }
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
        // What a listener that is gone still leads to is the old generation's; its rules no longer hold.
        guard origin.isStopped else { return sendNow(to: service) }
        self.service = view.service(named: service.name)
        guard let current = self.service else { return fail(.noRoute) }
        sendNow(to: current)
    }

    private func sendNow(to service: ServiceView) {
        guard service.isTCP == (tunnel == .connection) else { return fail(.noRoute) }
        guard adoptCallersDeadline() else { return fail(.malformed) }
        guard !request.hasEscapedSlash || service.keepsEscapedSlashes else { return fail(.malformed) }
        guard let endpoint = pickEndpoint(of: service) else {
            // Nobody would receive it; but who may not call a service learns nothing of its endpoints.
            return judge(service, endpoint: nil) ? fail(.noEndpoint) : fail(.denied)
        }
        self.endpoint = endpoint
        if !endpoint.isMesh, !judge(service, endpoint: endpoint) { return fail(.denied) }
        connect(to: endpoint, of: service)
    }

    /// Another endpoint, after one that could not be connected to or broke off.
    /// - Parameter mayWait: Where there is no other, the same may be tried again in a while.
    func retry(elseFail reason: FailureReason, mayWait: Bool = false) {
        guard canMoveOn, let service else { return fail(reason) }
        guard let next = pickEndpoint(of: service) else {
            return mayWait && waitForNode() ? () : fail(reason)
        }
        endpoint = next
        if !next.isMesh, !judge(service, endpoint: next) { return fail(.denied) }
        connect(to: next, of: service)
    }

    /// A node that starts again is back in a moment: a call of which nothing was sent can wait for it, as long as a
    /// connection may take to come up.
    private func waitForNode() -> Bool {
        guard let endpoint, endpoint.isMesh else { return false }
        let milliseconds = min(Self.retryMilliseconds << UInt64(min(attempts, 4)), Self.retryLimitMilliseconds)
        guard startedAt / 1000 + worker.timeouts.connect > loop.now + milliseconds else { return false }
        attempts += 1
        isWaiting = true
        worker.retries.add(self, after: milliseconds)
        return true
    }

    /// The time has come.
    func tryAgain() {
        guard isWaiting, !isOver else { return }
        isWaiting = false
        triedEndpoints = 0
        retry(elseFail: .connectFailed, mayWait: true)
        if !isOver, !isRequestCongested { downstream?.resumeRequest() }
    }

    /// Time before the first try to reach a node again, doubled with each, in milliseconds.
    private static let retryMilliseconds: UInt64 = 20
    private static let retryLimitMilliseconds: UInt64 = 200

    /// The same endpoint, on another connection.
    func resend() {
        guard let endpoint, let service else { return }
        connect(to: endpoint, of: service)
    }

    private func connect(to endpoint: EndpointView, of service: ServiceView) {
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
        if endpoint.isMesh || endpoint.speaks == .http2, tunnel == .none, !request.hasField(.te) {
            request.addField(.te, value: ("trailers" as StaticString).bytes)
        }
        backendDeadline = rule?.backendMilliseconds.map { loop.now + $0 }
        if backendDeadline != nil { updateDeadline() }
        endpoint.pool(for: caller, service: service, worker: worker)
            .open(self, fresh: staleConnections >= Exchange.staleConnectionLimit)
    }

    /// A random one that was not tried yet.
    private func pickEndpoint(of service: ServiceView) -> EndpointView? {
        service.endpoint(isLocal: origin.isInbound, tried: &triedEndpoints, using: &worker.random)
    }

    // MARK: Authorization

    /// Asks the program of the service whose workload is to receive the call.
    private func judge(_ service: ServiceView, endpoint: EndpointView?) -> Bool {
        isJudged = true
        let decision = decide(service, endpoint: endpoint)
        worker.count(decision, of: service)
        if !decision.isAllowed {
            identify()
            worker.decisions.note(self, decision, service: service)
        }
        return decision.isAllowed
    }

    private func decide(_ service: ServiceView, endpoint: EndpointView?) -> Decision {
        let isConnection = tunnel == .connection
        origin.setFacts(
            caller: caller, remote: remoteAddress, destination: endpoint?.address,
            callProtocol: isConnection ? .tcp : .http)
        return isConnection
            ? service.program.decideConnection(origin.facts) : service.program.decide(request, origin.facts)
    }

    /// The policies changed while the call is under way: ends it if they no longer allow it.
    func judgeAgain(in view: WorkerView) {
        for mirror in mirrors { mirror.judgeAgain(in: view) }
        guard isJudged, !isOver, let service else { return }
        if let next = view.service(named: service.name), decide(next, endpoint: endpoint).isAllowed { return }
        fail(.denied)
    }
}
