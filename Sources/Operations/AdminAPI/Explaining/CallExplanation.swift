import Authorization
import CommonValues
import Diagnostics
import HTTPSemantics
import Manifests
import MeshSnapshot
import Routing
import SPIFFE
import Telemetry
import WireProtocols

/// What becomes of a call, and why: its canonical form, its route, and each rule's verdict at each service that it may be
/// sent to. Found by the same parser, route table and program that serve.
package struct CallExplanation: Sendable {
    /// The request in canonical form.
    package struct Request: Sendable, Hashable {
        let method: String
        let host: String
        let path: String
    }

    /// One service that may receive the call.
    package struct Destination: Sendable {
        let service: ResourceName
        /// Of the route's backend; `nil` where no route chose it.
        let weight: Int?
        /// As the workload receives it, after rewriting; `nil` for a connection.
        let request: Request?
        /// Why it is refused, with HTTP's status 400, before any rule is asked.
        let refusal: String?
        /// By the endpoints that it holds for: rules may name addresses and ports.
        let judgements: [Judgement]
        let defaultAction: DefaultAction
        /// What a caller of gRPC is told; `nil`: it is allowed, or it is told HTTP's status.
        let grpcStatus: GRPCStatus?
        /// Nodes that workloads of it run on, but for the one that explains: each judges by the manifests that it has.
        let otherNodes: [String]

        var isAllowed: Bool { refusal == nil && judgements.allSatisfy(\.explanation.decision.isAllowed) }
    }

    package struct Judgement: Sendable {
        var endpoints: [String]
        let explanation: Explanation
    }

    /// Where the call goes.
    package enum Outcome: Sendable {
        /// No call is like this: status and reason.
        case malformed(status: UInt16, reason: String)
        /// Nobody calls as this caller: his certificate is refused before anything is asked. A sentence.
        case untrusted(String)
        /// No rule of a route takes it.
        case noRoute
        case redirected(status: UInt16, location: String)
        /// A rule takes it that has no backend with a weight above 0.
        case noBackend
        case delivered([Destination])
    }

    /// `nil`: without an identity.
    package let caller: SPIFFEID?
    package let service: ResourceName
    /// The service speaks TCP: what is explained is a connection.
    package let isConnection: Bool
    /// Its caller understands gRPC's statuses: the content type is gRPC's. Without a `content-type` of its own, a POST to
    /// a service of gRPC is meant so.
    package let isGRPC: Bool
    /// `nil` if the call is malformed, and for a connection.
    package let request: Request?
    /// What was looked at to find the route; empty where none was asked.
    package let routes: [RouteExplanation]
    package let outcome: Outcome
    /// What limits the answer, for people.
    package let notes: [String]

    /// Whoever may receive the call, it is allowed; or it is answered with a redirect, which means nothing to gRPC's
    /// callers.
    package var isAllowed: Bool {
        switch outcome {
        case .malformed, .untrusted, .noRoute, .noBackend: false
        case .redirected: !isGRPC
        case .delivered(let destinations): destinations.allSatisfy(\.isAllowed)
        }
    }
}

extension CallExplanation {
    /// Explains a call that may never have been made.
    package init(_ given: CallQuestion, in snapshot: MeshSnapshot) throws(CallQuestion.Mistake) {
        let asked = try given.withHostOfFields()
        let resolved = try ResolvedQuestion(asked, in: snapshot)
        let question = resolved.serviceProtocol == .grpc ? asked.completedForGRPC : asked
        caller = resolved.caller
        service = resolved.service
        isConnection = resolved.serviceProtocol == .tcp
        if let stranger = Self.stranger(resolved.caller, in: snapshot) {
            isGRPC = question.isGRPC
            request = nil
            routes = []
            outcome = .untrusted(stranger)
            notes = []
            return
        }
        let judge = Judge(
            caller: resolved.caller.map(Caller.init), clientAddress: resolved.clientAddress, snapshot: snapshot)
        if isConnection {
            isGRPC = false
            request = nil
            let way = try ConnectionWay(question, resolved, in: snapshot)
            routes = way.routes
            outcome =
                switch way.end {
                case .service: .delivered([judge.destination(resolved.service, weight: nil)])
                case .noRoute: .noRoute
                case .backends(let backends) where backends.isEmpty: .noBackend
                case .backends(let backends):
                    .delivered(backends.map { judge.destination($0.service, weight: $0.weight) })
                }
            notes = Self.notes(question, resolved, in: snapshot)
            try checkArrival(of: question, resolved)
            return
        }
        let host = question.host ?? "\(service.name).\(service.namespace)"
        var head = MessageHead()
        if let error = CanonicalCall.head(of: question, host: host, into: &head) {
            isGRPC = question.isGRPC
            request = nil
            routes = []
            outcome = .malformed(status: error.status, reason: "\(error.name)")
            notes = []
            return
        }
        let canonicalHost = head.text(head.host)
        if question.host != nil, resolved.gateway == nil {
            let namespace = resolved.caller?.serviceAccount?.namespace ?? "default"
            let named = snapshot.serviceNamed(host: canonicalHost, from: namespace)
            guard named == resolved.service else {
                throw CallQuestion.Mistake(
                    "--host and --to name two things: \(resolved.service) is not called by the host \"\(canonicalHost)\", "
                        + "which names \(named.map { "the service \($0)" } ?? "no service")")
            }
        }
        isGRPC = head.isGRPC
        request = Request(head)
        notes = Self.notes(question, resolved, in: snapshot)
        let tables = Self.tables(question, resolved, in: snapshot)
        guard !tables.isEmpty else {
            routes = []
            outcome = .delivered([judge.destination(resolved.service, weight: nil, head)])
            return
        }
        let table = tables.first { $0.match(head) != nil } ?? tables[0]
        routes = table.explainMatch(head)
        guard let match = table.match(head) else {
            outcome = .noRoute
            return
        }
        if let redirect = match.rule.redirect {
            var location: [UInt8] = []
            redirect.appendLocation(for: head, match: match, listenerPort: head.hostPort, to: &location)
            outcome = .redirected(status: redirect.status, location: String(decoding: location, as: UTF8.self))
            return
        }
        let backends = match.rule.backends.indices.filter { match.rule.backends[$0].weight > 0 }
        guard !backends.isEmpty else {
            outcome = .noBackend
            return
        }
        var destinations: [Destination] = []
        for backend in backends {
            var rewritten = MessageHead()
            rewritten.copy(head)
            rewritten.addForwardedFields()
            match.rule.rewrite(&rewritten, match: match, backend: backend)
            destinations.append(
                judge.destination(
                    match.rule.backends[backend].service, weight: match.rule.backends[backend].weight, rewritten))
        }
        outcome = .delivered(destinations)
        try checkArrival(of: question, resolved)
    }

    /// What a gateway's routes send elsewhere is no answer about the service that was asked for.
    private func checkArrival(
        of question: CallQuestion, _ resolved: ResolvedQuestion
    ) throws(CallQuestion.Mistake) {
        guard let gateway = resolved.gateway, let host = question.host, case .delivered(let destinations) = outcome,
            !destinations.contains(where: { $0.service == service })
        else { return }
        let taken = destinations.map { "\($0.service)" }.joined(separator: ", ")
        let route = routes.first(where: \.isChosen)?.rule
        let way = route.flatMap { rule in
            rule.position.map { " (\(rule.kind?.rawValue ?? "route") \(rule.path), \($0))" }
        }
        throw CallQuestion.Mistake(
            "--host and --to name two things: what comes to Gateway \(gateway.metadata.name) for "
                + "\(Diagnostic.quoted(host))\(request.map { " at \(Diagnostic.quoted($0.path))" } ?? "") goes to \(taken)"
                + "\(way ?? ""), not to \(service)")
    }

    /// Explains a call of the past by the rules of now.
    /// - Returns: `nil` if its service is gone.
    package init?(_ report: DecisionReport, in snapshot: MeshSnapshot) {
        guard snapshot.services[report.service] != nil else { return nil }
        caller = report.caller.flatMap { SPIFFEID($0) }
        service = report.service
        routes = []
        notes = []
        let judge = Judge(caller: caller.map(Caller.init), clientAddress: .unspecified, snapshot: snapshot)
        isConnection = snapshot.services[report.service]?.protocol == .tcp
        if isConnection {
            isGRPC = false
            request = nil
            outcome = .delivered([judge.destination(report.service, weight: nil)])
            return
        }
        var question = CallQuestion(from: nil, to: "\(report.service)")
        question.method = report.method
        question.path = report.path
        var head = MessageHead()
        guard CanonicalCall.head(of: question, host: report.host, into: &head) == nil else { return nil }
        for field in report.fields where field.name != "host" {
            head.addField(name: Array(field.name.utf8).span, value: Array(field.value.utf8).span)
        }
        isGRPC = head.isGRPC
        request = Request(head)
        outcome = .delivered([judge.destination(report.service, weight: nil, head)])
    }

    /// What a caller of gRPC is told where no service receives the call; `nil`: it is told HTTP's status, or one does.
    var grpcStatus: GRPCStatus? {
        guard isGRPC else { return nil }
        let (reason, status): (FailureReason, UInt16)
        switch outcome {
        case .malformed(431, _): (reason, status) = (.overloaded, 431)
        // What clients make of an answer with HTTP's status alone; of a stream that is reset, the same.
        case .malformed(let code, _): (reason, status) = (.none, code)
        case .noRoute: (reason, status) = (.noRoute, 404)
        case .redirected(let code, _): (reason, status) = (.none, code)
        case .noBackend: (reason, status) = (.noEndpoint, 500)
        case .delivered, .untrusted: return nil
        }
        return reason.grpcStatus(status: status, hasCaller: caller != nil)
    }

    /// The tables that may hold the call's route: of its service, or of each port of its gateway.
    private static func tables(
        _ question: CallQuestion, _ resolved: ResolvedQuestion, in snapshot: MeshSnapshot
    ) -> [RouteTable] {
        guard let gateway = resolved.gateway else {
            let namespace = resolved.caller?.serviceAccount?.namespace
            return [RouteTable(service: resolved.service, calledFrom: namespace, in: snapshot)]
        }
        guard question.host != nil else { return [] }
        return gateway.listenersByPort(where: \.takesCalls).map { listeners in
            RouteTable(listeners: listeners.map { (gateway: gateway.metadata.name, listener: $0) }, in: snapshot)
        }
    }

    /// Whoever is of another trust domain comes no further than to the handshake, whatever rules say.
    private static func stranger(_ caller: SPIFFEID?, in snapshot: MeshSnapshot) -> String? {
        let trustDomain = snapshot.mesh.trustDomain
        guard let caller, caller.trustDomain != trustDomain else { return nil }
        return
            "the caller is of trust domain \(caller.trustDomain), and this mesh, which is of \(trustDomain), takes nobody's "
            + "word but its own authority's"
    }

    /// Rules are asked about whoever is named; that nobody is called so is worth more than their answer.
    private static func unknownCaller(_ caller: SPIFFEID?, in snapshot: MeshSnapshot) -> String? {
        guard let caller else { return nil }
        let trustDomain = snapshot.mesh.trustDomain
        guard let account = caller.serviceAccount else {
            return "the caller is no service account, so nobody calls as it: those are named as "
                + "spiffe://\(trustDomain)/ns/NAMESPACE/sa/NAME"
        }
        let name = ResourceName(namespace: account.namespace, name: account.name)
        let accounts = snapshot.serviceAccounts
        guard !accounts.contains(name) else { return nil }
        let near = NearestName(to: "\(name)", among: accounts.map(\.description).sorted())
        // Named without its namespace, as a rule.
        let elsewhere = accounts.filter { $0.name == name.name }.map(\.description).min()
        let question = near?.question ?? elsewhere.map { "did you mean \(Diagnostic.quoted($0))?" }
        return "no workload or gateway has the service account \(name), so nobody calls as it"
            + (question.map { "; \($0)" } ?? "")
    }

    private static func notes(
        _ question: CallQuestion, _ resolved: ResolvedQuestion, in snapshot: MeshSnapshot
    ) -> [String] {
        var notes: [String] = []
        if let unknown = unknownCaller(resolved.caller, in: snapshot) { notes.append(unknown) }
        if resolved.gateway != nil, question.host == nil {
            notes.append("the caller is a gateway: without --host its routes are not looked at")
        }
        if question.from == nil { notes.append("the caller has no identity: no rule about callers' names matches it") }
        if question.fromAddress == nil {
            let program = AuthorizationProgram(
                service: resolved.service, policies: snapshot.policies(for: resolved.service),
                defaultAction: snapshot.mesh.defaultAction)
            if program.asksForClientAddress {
                notes.append("a rule asks for the caller's address: without --from-ip there is none")
            }
        }
        return notes
    }
}

extension CallExplanation.Request {
    init(_ head: borrowing MessageHead) {
        method = head.text(head.method)
        host = head.text(head.host)
        path = head.text(head.path)
    }
}

extension MessageHead {
    /// What the proxy adds before it asks the rules, as far as it is known without a connection.
    fileprivate mutating func addForwardedFields() {
        if !hasField(.forwardedHost) { copyHost(to: .forwardedHost) }
        if !hasField(.forwardedProto) { setField(.forwardedProto, to: scheme.bytes) }
    }
}
