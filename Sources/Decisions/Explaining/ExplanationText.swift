import Authorization
import CallOutcomes
package import Diagnostics
import Manifests
import Routing

extension CallExplanation {
    /// Rules of one verdict that are listed; what matters comes first.
    private static let verdictLimit = 50

    /// For people.
    package var text: String {
        var fields = TextFields()
        fields.add("caller", caller.map { "\($0)" } ?? "none")
        fields.add("service", "\(service)")
        if isConnection || isGRPC { fields.add("protocol", isGRPC ? "gRPC" : "TCP") }
        if let request { fields.add("request", request.text) }
        var text = fields.rendered()
        for note in notes { text += "note: \(note)\n" }
        if !routes.isEmpty {
            text += "\nroute:\n" + routeLines
        } else if case .delivered = outcome, !isAboutService {
            text += "\nroute:\n  -> no route: straight to the service\n"
        }
        switch outcome {
        case .malformed(let status, let reason):
            text += "\nREFUSED with \(grpcStatus.told(or: status)): malformed request (\(reason))\n"
        case .untrusted(let why): text += "\nREFUSED at the handshake: \(why)\n"
        case .refused(let reason, _, let why) where isConnection:
            text += "\nCLOSED: \(why ?? reason.explained(ofConnection: true))\n"
        case .refused(let reason, let status, let why):
            text += "\nREFUSED with \(grpcStatus.told(or: status)): \(why ?? reason.explained(ofConnection: false))\n"
        case .answered(let status):
            text += "\nANSWERED with \(grpcStatus.told(or: status)): Max-Forwards is 0, and no service is called\n"
        case .redirected(let status, _) where isGRPC:
            text += "\nREFUSED with \(grpcStatus.told(or: status)): gRPC knows no redirect\n"
        case .redirected(let status, let location):
            text += "\nREDIRECTED with \(status) to \(location.printable): no service is called\n"
        case .delivered(let destinations):
            for destination in destinations { text += "\n" + lines(of: destination) }
        }
        return text
    }

    private var routeLines: String {
        routes.filter { $0.rule.route != nil || $0.isChosen }.prefix(Self.verdictLimit).map { step in
            let kind = step.rule.kind?.rawValue ?? ""
            let name = step.rule.position.map { "\(kind) \(step.rule.path) (\($0))" }
            return "  \(step.isChosen ? "->" : "  ") \(name ?? "no route: straight to the service")"
                + (step.rule.route == nil ? "\n" : ": \(step.reason.printable)\n")
        }.joined()
    }

    func lines(of destination: Destination) -> String {
        var text = "to \(destination.place.map { "\($0)" } ?? "\(destination.service)")"
        if let weight = destination.weight, weight != 1 { text += " (weight \(weight))" }
        if let rewritten = destination.request, rewritten != request { text += ", rewritten to \(rewritten.text)" }
        text += ":\n"
        if isConnection, let refusal = destination.refusal { return text + "  CLOSED: \(refusal.text)\n" }
        if let refusal = destination.refusalText { return text + "  REFUSED with \(refusal)\n" }
        for judgement in destination.judgements {
            if destination.judgements.count > 1 {
                text += "  at \(judgement.endpoints.joined(separator: ", ")):\n"
            }
            let verdicts = judgement.explanation.verdicts
            for verdict in verdicts.inOrderOfInterest.prefix(Self.verdictLimit) { text += "  \(verdict.text)\n" }
            if verdicts.count > Self.verdictLimit {
                text += "  and \(verdicts.count - Self.verdictLimit) rules that do not match\n"
            }
            text += "  \(judgement.explanation.conclusion(defaultAction: destination.defaultAction))\n"
            if let enforced = judgement.explanation.enforcedConclusion(defaultAction: destination.defaultAction) {
                text += "  if all policies in Shadow were enforced: \(enforced)\n"
            }
            if judgement.explanation.decision.isAllowed { text += absence(of: judgement, at: destination) }
        }
        if !destination.otherNodes.isEmpty {
            let nodes = destination.otherNodes.joined(separator: ", ")
            text += "  on node \(nodes) the manifests decide that are served there: ask there, too\n"
        }
        if let status = destination.grpcStatus { text += "  the caller is told \(Optional(status).told(or: 403))\n" }
        return text
    }
}

extension CallExplanation {
    /// What keeps an allowed call from coming to an endpoint.
    private func absence(of judgement: Judgement, at destination: Destination) -> String {
        guard !destination.isInner else {
            guard destination.place == nil else { return "" }
            return "  Heddle answers it itself: what of a resource one may have say policies that name the resource\n"
        }
        guard !judgement.endpoints.isEmpty else {
            return "  but \(destination.service) has no endpoint: \(answerWithoutEndpoint)\n"
        }
        let names = judgement.endpoints.filter(destination.unresolved.contains)
        guard !names.isEmpty else { return "" }
        return "  but \(names.joined(separator: ", ")) has no address now: "
            + (destination.hasEndpoint ? "no call goes there" : answerWithoutEndpoint) + "\n"
    }

    /// What becomes of an allowed call that nobody is there to receive.
    private var answerWithoutEndpoint: String {
        guard !isConnection else { return "the connection is reset" }
        let reason = FailureReason.noEndpoint
        let status = isGRPC ? reason.grpcStatus(status: 503, hasCaller: caller != nil) : nil
        return "the caller is told \(status.told(or: 503))"
    }
}

extension GRPCStatus? {
    /// `PERMISSION_DENIED (grpc-status 7)`, or HTTP's status where there is none.
    fileprivate func told(or status: UInt16) -> String {
        map { "\($0.name) (grpc-status \($0.rawValue))" } ?? "\(status)"
    }
}

extension FailureReason {
    /// Why a call comes to no service.
    fileprivate func explained(ofConnection isConnection: Bool) -> String {
        switch self {
        case .noRoute: isConnection ? "no route takes the connection" : "no rule of a route matches"
        case .noEndpoint:
            isConnection
                ? "the route has no backend that it sends connections to"
                : "the rule has no backend that it sends requests to"
        default: String(decoding: explanation, as: UTF8.self)
        }
    }

    /// As the admin API has it.
    fileprivate var outcomeType: String { self == .noEndpoint ? "no-backend" : "\(name)" }
}

extension CallExplanation.Destination {
    fileprivate var refusalText: String? { refusal.map { "\(grpcStatus.told(or: $0.reason.status)): \($0.text)" } }
}

extension CallExplanation.Request {
    var text: String { "\(method) \(host)\(path)".printable }

    var json: JSONValue { ["method": .string(method), "host": .string(host), "path": .string(path)] }
}

extension [RuleVerdict] {
    /// Rules that match first, those that decide before others, DENY before ALLOW; each in the program's order.
    fileprivate var inOrderOfInterest: [RuleVerdict] {
        func matches(_ action: PolicyAction, isEnforced: Bool) -> [RuleVerdict] {
            filter { $0.isMatch && $0.action == action && $0.isEnforced == isEnforced }
        }
        return matches(.deny, isEnforced: true) + matches(.allow, isEnforced: true)
            + matches(.deny, isEnforced: false) + matches(.allow, isEnforced: false)
            + matches(.audit, isEnforced: false) + filter { !$0.isMatch }
    }
}

extension RuleVerdict {
    fileprivate var text: String {
        let rule = "\(effect) \(policy) rule \(ruleIndex) (\(position))"
        guard let mismatch else { return "\(rule): matches" }
        return "\(rule): does not match \(mismatch.field) (\(mismatch.position))"
    }

    fileprivate var json: JSONValue {
        var json = JSONMembers()
        json.add("policy", "\(policy)")
        json.add("action", action.rawValue)
        if action != .audit { json.add("mode", mode.rawValue) }
        json.add("rule", .integer(ruleIndex))
        json.add("position", position.json)
        json.add("matches", .bool(isMatch))
        if let mismatch {
            json.add("mismatch", ["field": .string(mismatch.field), "position": mismatch.position.json])
        }
        return json.json
    }
}

extension Explanation {
    /// The rule that decides; `nil`: the default action.
    var decidingRule: RuleVerdict? {
        decision.rule.map(verdict(of:))
    }

    /// The rule that would decide if all policies in Shadow were enforced; `nil`: the default action.
    fileprivate func enforcedRule(of enforced: Decision) -> RuleVerdict? { enforced.rule.map(verdict(of:)) }

    func conclusion(defaultAction: DefaultAction) -> String {
        Self.conclusion(decision, by: decidingRule, defaultAction)
    }

    /// `nil`: there are no policies in Shadow.
    fileprivate func enforcedConclusion(defaultAction: DefaultAction) -> String? {
        enforced.map { Self.conclusion($0, by: enforcedRule(of: $0), defaultAction) }
    }

    private static func conclusion(
        _ decision: Decision, by rule: RuleVerdict?, _ defaultAction: DefaultAction
    ) -> String {
        let word = decision.isAllowed ? "ALLOWED" : "DENIED"
        guard let rule else { return "\(word) by the default action, \(defaultAction.rawValue): no rule matches" }
        return "\(word) by \(rule.action.rawValue) \(rule.policy), rule \(rule.ruleIndex) (\(rule.position))"
    }
}

extension CallExplanation {
    package var json: JSONValue {
        var json = JSONMembers()
        json.add("allowed", .bool(isAllowed))
        json.add("caller", caller.map { "\($0)" })
        json.add("service", "\(service)")
        json.add("protocol", isConnection ? "TCP" : isGRPC ? "gRPC" : "HTTP")
        json.add("request", request?.json)
        json.addList("routes", routes.map(\.json))
        json.add("outcome", isConnection ? outcome.connectionJSON : outcome.json)
        json.add("grpcStatus", grpcStatus.map { .integer(Int($0.rawValue)) })
        json.add("notes", notes)
        return json.json
    }
}

extension RouteExplanation {
    fileprivate var json: JSONValue {
        var json = JSONMembers()
        json.add("kind", rule.kind?.rawValue)
        json.add("rule", rule.path)
        json.add("position", rule.position?.json)
        json.add("chosen", .bool(isChosen))
        json.add("reason", reason)
        return json.json
    }
}

extension CallExplanation.Outcome {
    /// Without the statuses that a connection has not.
    fileprivate var connectionJSON: JSONValue {
        switch self {
        case .refused(let reason, _, _): ["type": .string(reason.outcomeType)]
        case .malformed, .untrusted, .answered, .redirected, .delivered: json
        }
    }

    fileprivate var json: JSONValue {
        switch self {
        case .malformed(let status, let reason):
            ["type": "malformed", "status": .integer(Int(status)), "reason": .string(reason)]
        case .untrusted(let why): ["type": "untrusted", "reason": .string(why)]
        case .refused(let reason, let status, nil):
            ["type": .string(reason.outcomeType), "status": .integer(Int(status))]
        case .refused(let reason, let status, let why?):
            ["type": .string(reason.outcomeType), "status": .integer(Int(status)), "detail": .string(why)]
        case .answered(let status): ["type": "answered", "status": .integer(Int(status))]
        case .redirected(let status, let location):
            ["type": "redirected", "status": .integer(Int(status)), "location": .string(location)]
        case .delivered(let destinations): ["type": "delivered", "destinations": .array(destinations.map(\.json))]
        }
    }
}

extension CallExplanation.Destination {
    fileprivate var json: JSONValue {
        var json = JSONMembers()
        json.add("service", "\(service)")
        json.add("weight", weight.map(JSONValue.integer))
        json.add("request", request?.json)
        json.add("allowed", .bool(isAllowed))
        json.add("refusal", refusalText)
        json.add("grpcStatus", grpcStatus.map { .integer(Int($0.rawValue)) })
        if isAllowed, !hasEndpoint { json.add("detail", "\(FailureReason.noEndpoint.name)") }
        json.addList("otherNodes", otherNodes.map(JSONValue.string))
        json.addList("unresolved", unresolved.sorted().map(JSONValue.string))
        json.add("judgements", .array(judgements.map { $0.json(defaultAction) }))
        return json.json
    }
}

extension CallExplanation.Judgement {
    fileprivate func json(_ defaultAction: DefaultAction) -> JSONValue {
        var json = JSONMembers()
        json.add("endpoints", endpoints)
        json.add("allowed", .bool(explanation.decision.isAllowed))
        json.add("decidedBy", explanation.decidingRule?.json ?? ["defaultAction": .string(defaultAction.rawValue)])
        if let enforced = explanation.enforced {
            json.add(
                "ifEnforced",
                [
                    "allowed": .bool(enforced.isAllowed),
                    "decidedBy": explanation.enforcedRule(of: enforced)?.json
                        ?? ["defaultAction": .string(defaultAction.rawValue)],
                ])
        }
        json.add("rules", .array(explanation.verdicts.map(\.json)))
        return json.json
    }
}
