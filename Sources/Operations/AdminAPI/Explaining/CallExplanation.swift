import Authorization
import CallOutcomes
import CallPlanning
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
        /// Before any rule is asked.
        let refusal: Refusal?
        /// By the endpoints that it holds for: rules may name addresses and ports.
        let judgements: [Judgement]
        let defaultAction: DefaultAction
        /// What a caller of gRPC is told; `nil`: it is allowed, or it is told HTTP's status.
        let grpcStatus: GRPCStatus?
        /// Nodes that workloads of it run on, but for the one that explains: each judges by the manifests that it has.
        let otherNodes: [String]
        /// Endpoints whose name has no address now.
        let unresolved: Set<String>

        var isAllowed: Bool { refusal == nil && judgements.allSatisfy(\.explanation.decision.isAllowed) }
    }

    /// Why a service does not take a call, whatever its rules say.
    package struct Refusal: Sendable {
        let reason: FailureReason
        /// For people.
        let text: String

        init(_ reason: FailureReason, _ text: String) {
            self.reason = reason
            self.text = text
        }
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
        /// It comes to no service: no route takes it, its rule has no backend with a weight above 0, or it is a call of a kind that
        /// nobody gets.
        /// - because: In other words than the reason's own; `nil`: those say it.
        case refused(FailureReason, status: UInt16, because: String? = nil)
        /// It is answered with this status alone.
        case answered(status: UInt16)
        case redirected(status: UInt16, location: String)
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
    /// A gateway calls, and no host is named: its routes are not looked at.
    private(set) var isAboutService = false
    package let outcome: Outcome
    /// What limits the answer, for people.
    package let notes: [String]

    /// Whoever may receive the call, it is allowed; or it is answered with a redirect, which means nothing to gRPC's
    /// callers.
    package var isAllowed: Bool {
        switch outcome {
        case .malformed, .untrusted, .refused: false
        case .answered(let status): (200..<300).contains(status)
        case .redirected: !isGRPC
        case .delivered(let destinations): destinations.allSatisfy(\.isAllowed)
        }
    }
}

extension CallExplanation {
    /// Explains a call that may never have been made.
    /// - Parameter unresolved: Where endpoints stand in manifests whose name has no address now.
    package init(
        _ given: CallQuestion, in snapshot: MeshSnapshot, unresolved: Set<SourcePosition> = []
    ) throws(CallQuestion.Mistake) {
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
        var mesh = ExplainedMesh(snapshot, unresolved: unresolved)
        let arrivals = mesh.arrivals(of: question, resolved)
        isAboutService = resolved.lacksHost(question)
        notes = Self.notes(question, resolved, in: snapshot)
        if isConnection {
            guard question.host == nil || resolved.gateway != nil else {
                throw CallQuestion.Mistake("\(service) speaks TCP: a connection names no host, so leave it out")
            }
            isGRPC = false
            request = nil
            (outcome, routes) = Self.connection(question, resolved, arrivals, in: mesh)
            try checkArrival(of: question, resolved)
            return
        }
        let host = question.host ?? "\(service.name).\(service.namespace)"
        var head = MessageHead()
        if let error = CanonicalCall.head(
            of: question, host: host, scheme: arrivals.first?.scheme ?? .http, into: &head)
        {
            isGRPC = question.isGRPC
            request = nil
            routes = []
            outcome = .malformed(status: error.status, reason: "\(error.name)")
            return
        }
        try Self.checkHost(head.text(head.host), of: question, resolved, in: snapshot)
        isGRPC = head.isGRPC
        request = Request(head)
        (outcome, routes) = Self.call(head, resolved, arrivals, in: mesh)
        try checkArrival(of: question, resolved)
    }

    /// `--host` and `--to` are one thing, where the caller is a workload.
    private static func checkHost(
        _ host: String, of question: CallQuestion, _ resolved: ResolvedQuestion, in snapshot: MeshSnapshot
    ) throws(CallQuestion.Mistake) {
        guard question.host != nil, resolved.gateway == nil else { return }
        let namespace = resolved.caller?.serviceAccount?.namespace ?? "default"
        let named = snapshot.serviceNamed(host: host, from: namespace)
        guard named == resolved.service else {
            // Perhaps a gateway was meant, which has hosts of its own.
            let unknown = unknownCaller(resolved.caller, in: snapshot).map { "\($0); besides, " } ?? ""
            throw CallQuestion.Mistake(
                unknown
                    + "--host and --to name two things: \(resolved.service) is not called by the host \"\(host)\", "
                    + "which names \(named.map { "the service \($0)" } ?? "no service")")
        }
    }

    /// The way of a call, from the first of the places that has a route for it, or else from the first.
    private static func call(
        _ head: borrowing MessageHead, _ resolved: ResolvedQuestion, _ arrivals: [Arrival], in mesh: ExplainedMesh
    ) -> (Outcome, [RouteExplanation]) {
        var first: (outcome: Outcome, routes: [RouteExplanation], lacksListener: Bool)?
        for arrival in arrivals {
            var request = MessageHead()
            request.copy(head)
            request.scheme = arrival.scheme
            let trace = PlanTrace()
            var plan = CallPlan()
            var random = FastRandom()
            let step = plan.find(
                &request, from: arrival.source, at: arrival.role, in: mesh.tables, using: &random, trace: trace)
            if resolved.caller == nil { plan.caller = nil }
            let judge = Judge(mesh: mesh, caller: plan.caller, client: plan.client, source: arrival.source)
            guard case .refuse(.noRoute, let status) = step else {
                return (outcome(of: step, request, plan, judge), trace.routes)
            }
            // Of the places that do not take it, one that has its host says more.
            guard first == nil || first!.lacksListener && !trace.lacksListener else { continue }
            let because = trace.lacksListener ? Self.withoutListener(resolved.gateway, arrival) : nil
            first = (
                .refused(.noRoute, status: status ?? FailureReason.noRoute.status, because: because), trace.routes,
                trace.lacksListener
            )
        }
        return first.map { ($0.outcome, $0.routes) } ?? (.refused(.noRoute, status: 404), [])
    }

    private static func withoutListener(_ gateway: Gateway?, _ arrival: Arrival) -> String {
        let name = gateway.map { "Gateway \($0.metadata.name)" } ?? "the gateway"
        return "no listener of \(name) has this host"
            + (arrival.role.isSecure
                ? "; where SNI names it, too, the TLS handshake is refused (unknown-server-name)" : "")
    }

    private static func outcome(
        of step: CallPlan.Step, _ request: borrowing MessageHead, _ plan: borrowing CallPlan, _ judge: Judge
    ) -> Outcome {
        switch step {
        case .refuse(let reason, let status): return .refused(reason, status: status ?? reason.status)
        case .answer(let status): return .answered(status: status)
        case .redirect:
            guard let (status, location) = plan.redirect(of: request, from: judge.source) else {
                return .refused(.noRoute, status: 404)
            }
            return .redirected(status: status, location: String(decoding: location, as: UTF8.self))
        case .send:
            return .delivered(plan.service.map { [judge.destination($0, weight: nil, request)] } ?? [])
        case .sendRouted:
            guard let rule = plan.rule else { return .delivered([]) }
            var destinations: [Destination] = []
            for (index, backend) in rule.rule.backends.enumerated() where backend.weight > 0 {
                var rewritten = MessageHead()
                rewritten.copy(request)
                plan.rewrite(&rewritten, for: index)
                destinations.append(
                    judge.destination(rule.service(ofBackend: index), weight: backend.weight, rewritten))
            }
            return .delivered(destinations)
        }
    }

    /// The way of a connection.
    private static func connection(
        _ question: CallQuestion, _ resolved: ResolvedQuestion, _ arrivals: [Arrival], in mesh: ExplainedMesh
    ) -> (Outcome, [RouteExplanation]) {
        var first: (outcome: Outcome, routes: [RouteExplanation])?
        var other: (outcome: Outcome, routes: [RouteExplanation])?
        for arrival in arrivals {
            let trace = PlanTrace()
            var plan = CallPlan()
            var random = FastRandom()
            let step = plan.findConnection(
                from: arrival.source, at: arrival.role, in: mesh.tables, using: &random, trace: trace)
            if resolved.caller == nil { plan.caller = nil }
            let judge = Judge(mesh: mesh, caller: plan.caller, client: plan.client, source: arrival.source)
            let outcome: Outcome =
                switch step {
                case .refuse(let reason, let status): .refused(reason, status: status ?? reason.status)
                case .answer, .redirect, .sendRouted: .refused(.noRoute, status: 404)
                case .send:
                    if let rule = plan.rule {
                        .delivered(
                            rule.rule.backends.filter { $0.weight > 0 }.map {
                                judge.destination(mesh.table(of: $0.service), weight: $0.weight)
                            })
                    } else {
                        .delivered(plan.service.map { [judge.destination($0, weight: nil)] } ?? [])
                    }
                }
            if case .delivered(let destinations) = outcome,
                destinations.contains(where: { $0.service == resolved.service })
            {
                return (outcome, trace.routes)
            }
            // Another listener may lead to the service that was asked for; if none does, where this one leads is worth telling.
            if step.isRouted { other = other ?? (outcome, trace.routes) }
            first = first ?? (outcome, trace.routes)
        }
        return other ?? first ?? (.refused(.noRoute, status: 404), [])
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
        let mesh = ExplainedMesh(snapshot)
        let judge = Judge(
            mesh: mesh, caller: caller.map(Caller.init), client: .peer,
            source: CallSource(peer: .unspecified, listenerPort: 0))
        isConnection = snapshot.services[report.service]?.protocol == .tcp
        if isConnection {
            isGRPC = false
            request = nil
            outcome = .delivered([judge.destination(mesh.table(of: report.service), weight: nil)])
            return
        }
        var question = CallQuestion(from: nil, to: "\(report.service)")
        question.method = report.method
        question.path = report.path
        var head = MessageHead()
        guard CanonicalCall.head(of: question, host: report.host, into: &head) == nil else { return nil }
        head.removeHopByHopFields()
        for field in report.fields where field.name != "host" {
            head.addField(name: Array(field.name.utf8).span, value: Array(field.value.utf8).span)
        }
        isGRPC = head.isGRPC
        request = Request(head)
        outcome = .delivered([judge.destination(mesh.table(of: report.service), weight: nil, head)])
    }

    /// What a caller of gRPC is told where no service receives the call; `nil`: it is told HTTP's status, or one does.
    var grpcStatus: GRPCStatus? {
        guard isGRPC else { return nil }
        let (reason, status): (FailureReason, UInt16)
        switch outcome {
        case .malformed(431, _): (reason, status) = (.overloaded, 431)
        // What clients make of an answer with HTTP's status alone; of a stream that is reset, the same.
        case .malformed(let code, _): (reason, status) = (.none, code)
        case .refused(let why, let code, _): (reason, status) = (why, code)
        case .answered(let code), .redirected(let code, _): (reason, status) = (.none, code)
        case .delivered, .untrusted: return nil
        }
        return reason.grpcStatus(status: status, hasCaller: caller != nil)
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
        if resolved.lacksHost(question) {
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
