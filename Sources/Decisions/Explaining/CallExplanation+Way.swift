import CallOutcomes
import CallPlanning
import CommonValues
import HTTPSemantics
import Manifests
import Routing

extension CallExplanation {
    /// What became of a call or connection at the place where it came to something, or would have.
    struct Way {
        let outcome: Outcome
        let routes: [RouteExplanation]
        /// Whose listener that was.
        let gateway: ResourceName?

        static let none = Way(outcome: .refused(.noRoute, status: 404), routes: [], gateway: nil)
    }

    /// The way of a call, from the first of the places that has a route for it, or else from the first.
    static func call(
        _ head: borrowing MessageHead, _ resolved: ResolvedQuestion, _ arrivals: [Arrival], in mesh: ExplainedMesh
    ) -> Way {
        var first: (way: Way, lacksListener: Bool)?
        for arrival in arrivals {
            var request = MessageHead()
            request.copy(head)
            request.scheme = arrival.scheme
            let trace = PlanTrace()
            var plan = CallPlan()
            var random = FastRandom()
            let step = plan.find(
                &request, from: arrival.source, at: arrival.role, in: mesh.tables, using: &random, trace: trace)
            let judge = Judge(
                mesh: mesh, caller: plan.caller, client: plan.client, source: arrival.source, nodes: arrival.nodes,
                endsHere: arrival.role.plainService != nil)
            guard case .refuse(.noRoute, let status) = step else {
                let outcome = outcome(of: step, request, plan, judge)
                return Way(outcome: outcome, routes: trace.routes, gateway: arrival.gateway)
            }
            // Of the places that do not take it, one that has its host says more.
            guard first == nil || first!.lacksListener && !trace.lacksListener else { continue }
            let because = trace.lacksListener ? Self.withoutListener(arrival) : nil
            let outcome = Outcome.refused(.noRoute, status: status ?? FailureReason.noRoute.status, because: because)
            first = (Way(outcome: outcome, routes: trace.routes, gateway: arrival.gateway), trace.lacksListener)
        }
        return first?.way ?? .none
    }

    private static func withoutListener(_ arrival: Arrival) -> String {
        "no listener of \(arrival.gateway.map { "Gateway \($0)" } ?? "the gateway") has this host"
            + (arrival.role.isSecure
                ? "; where SNI names it, too, the TLS handshake is refused (unknown-server-name)" : "")
    }

    private static func outcome(
        of step: CallPlan.Step, _ request: borrowing MessageHead, _ plan: borrowing CallPlan, _ judge: Judge
    ) -> Outcome {
        switch step {
        case .refuse(let reason, let status): return .refused(reason, status: status ?? reason.status)
        // A question is about an account, whatever process has it.
        case .identify: return .refused(.notAttested, status: FailureReason.notAttested.status)
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
    static func connection(_ resolved: ResolvedQuestion, _ arrivals: [Arrival], in mesh: ExplainedMesh) -> Way {
        var first: Way?
        var other: Way?
        for arrival in arrivals {
            let trace = PlanTrace()
            var plan = CallPlan()
            var random = FastRandom()
            let step = plan.findConnection(
                from: arrival.source, at: arrival.role, in: mesh.tables, using: &random, trace: trace)
            let judge = Judge(
                mesh: mesh, caller: plan.caller, client: plan.client, source: arrival.source, nodes: arrival.nodes,
                endsHere: arrival.role.plainService != nil)
            let outcome: Outcome =
                switch step {
                case .refuse(let reason, let status): .refused(reason, status: status ?? reason.status)
                case .identify: .refused(.notAttested, status: FailureReason.notAttested.status)
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
            let way = Way(outcome: outcome, routes: trace.routes, gateway: arrival.gateway)
            if case .delivered(let destinations) = outcome,
                destinations.contains(where: { $0.service == resolved.service })
            {
                return way
            }
            // Another listener may lead to the service that was asked for; if none does, where this one leads is worth telling.
            if step.isRouted { other = other ?? way }
            first = first ?? way
        }
        return other ?? first ?? .none
    }
}
