import Diagnostics
package import HTTPSemantics
import Manifests

/// The same decisions, with what became of every rule: by the same clauses, and the same search.
extension AuthorizationProgram {
    package func explain(_ head: borrowing MessageHead, _ call: borrowing CallFacts) -> Explanation {
        explanation(of: decide(head, call), head, call)
    }

    /// - Parameter call: of protocol TCP.
    package func explainConnection(_ call: borrowing CallFacts) -> Explanation {
        let head = MessageHead(byteCapacity: 0, fieldCapacity: 0)
        return explanation(of: decideConnection(call), head, call)
    }

    private func explanation(
        of decision: Decision, _ head: borrowing MessageHead, _ call: borrowing CallFacts
    ) -> Explanation {
        var observation = Observation()
        observe(head, call, in: &observation)
        var starts = [0]
        for policy in policies { starts.append(starts[starts.count - 1] + policy.rules.count) }
        return Explanation(
            decision: decision, verdicts: verdicts(head, call),
            enforced: policies.contains { $0.mode == .shadow } ? enforced(observation, beside: decision) : nil,
            starts: starts)
    }

    private func verdicts(_ head: borrowing MessageHead, _ call: borrowing CallFacts) -> [RuleVerdict] {
        var verdicts: [RuleVerdict] = []
        verdicts.reserveCapacity(rules.count)
        for rule in rules {
            var outcome = Self.holds
            for clause in rule.clauses.indices {
                outcome = evaluate(clauses[clause], head, call)
                if outcome == Self.holds { break }
            }
            let policy = policies[Int(rule.policy)]
            verdicts.append(
                RuleVerdict(
                    policy: policy.name, action: policy.action, mode: policy.mode, ruleIndex: Int(rule.index),
                    position: policy.rules[Int(rule.index)],
                    mismatch: outcome == Self.holds ? nil : mismatch(Int(outcome))))
        }
        return verdicts
    }

    /// The decision if all policies in Shadow were enforced: by the first rule in the order that policies would have then.
    private func enforced(_ observation: borrowing Observation, beside decision: Decision) -> Decision {
        let isAllowed = observation.isAllowed(beside: decision)
        let action: PolicyAction = isAllowed ? .allow : .deny
        var candidates: [Decision.Rule] = []
        if decision.isAllowed == isAllowed, let rule = decision.rule { candidates.append(rule) }
        for place in observation.policies where observed[Int(place)].action == action {
            let rule = rules[Int(clauses[Int(observation.clause(of: place))].rule)]
            candidates.append(Decision.Rule(policy: rule.policy, index: rule.index))
        }
        return Decision(
            isAllowed: isAllowed,
            by: candidates.min { policies[Int($0.policy)].rank < policies[Int($1.policy)].rank })
    }

    private func mismatch(_ index: Int) -> Mismatch {
        let predicate = predicates[index]
        let origin = origins[index]
        let field: String
        switch origin.part {
        case .from: field = "from.source.\(predicate.attribute.fieldName(isNegated: predicate.values.isNone))"
        case .to: field = "to.operation.\(predicate.attribute.fieldName(isNegated: predicate.values.isNone))"
        case .when where predicate.attribute == .header:
            let name = headerNames[Int(predicate.headerName)]
            field = "when.request.headers[\(String(decoding: bytes[name.indices], as: UTF8.self))]"
        case .when: field = "when.\(predicate.attribute.conditionKey)"
        }
        return Mismatch(field: field, position: originPositions[Int(origin.position)])
    }
}

extension Attribute {
    /// As `from.source` and `to.operation` name it.
    fileprivate func fieldName(isNegated: Bool) -> String {
        switch self {
        case .principal: isNegated ? "notPrincipals" : "principals"
        case .serviceAccount: isNegated ? "notServiceAccounts" : "serviceAccounts"
        case .namespace: isNegated ? "notNamespaces" : "namespaces"
        case .trustDomain: isNegated ? "notTrustDomains" : "trustDomains"
        case .requestPrincipal: isNegated ? "notRequestPrincipals" : "requestPrincipals"
        case .peerAddress: isNegated ? "notIpBlocks" : "ipBlocks"
        case .remoteAddress: isNegated ? "notRemoteIpBlocks" : "remoteIpBlocks"
        case .host: isNegated ? "notHosts" : "hosts"
        case .destinationPort: isNegated ? "notPorts" : "ports"
        case .method: isNegated ? "notMethods" : "methods"
        case .path: isNegated ? "notPaths" : "paths"
        case .destinationAddress, .serverName, .header: conditionKey
        }
    }

    /// As `when` names it.
    fileprivate var conditionKey: String {
        switch self {
        case .principal: "source.principal"
        case .namespace: "source.namespace"
        case .peerAddress: "source.ip"
        case .destinationAddress: "destination.ip"
        case .destinationPort: "destination.port"
        case .serverName: "connection.sni"
        case .host: "request.headers[host]"
        case .header: "request.headers"
        case .serviceAccount, .trustDomain, .requestPrincipal, .remoteAddress, .method, .path: "\(self)"
        }
    }
}
