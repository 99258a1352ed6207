import Diagnostics
package import HTTPSemantics
package import Manifests

/// The policies of a destination service, or of several that have the same, compiled: what a decision costs depends on
/// the rules that may match, not on how many others there are. Immutable, and read without locks.
package final class AuthorizationProgram: Sendable {
    /// In the order that decisions count them in.
    package let policies: [ProgramPolicy]
    package let defaultAction: DefaultAction
    /// The kind of call that the index is made for.
    package let callProtocol: CallProtocol

    // Rules.
    let rules: [CompiledRule]
    let clauses: [Clause]
    let items: [TableRange]
    let predicates: [Predicate]
    let origins: [PredicateOrigin]
    let originPositions: [SourcePosition]
    let headerNames: [TableRange]

    // Values.
    let bytes: [UInt8]
    let patterns: [TableRange]
    let templates: [PathTemplate]
    let segments: [TemplateSegment]
    let stringSets: [StringSet]
    let addressRanges: [AddressRange]
    let addressSets: [TableRange]
    let portValues: [UInt16]
    let portSets: [TableRange]

    // Index.
    let nodes: [IndexNode]
    let probes: [IndexProbe]
    let probeLengths: [UInt32]
    let candidates: [Int32]
    let entries: [IndexEntry]
    private let denyRoot: Int32
    private let allowRoot: Int32

    /// - Parameters:
    ///   - policies: all that target the service.
    ///   - callProtocol: what the service speaks. Calls of the other kind are decided all the same, but one rule after
    ///     the other.
    package init(
        policies: [AuthorizationPolicy], defaultAction: DefaultAction, callProtocol: CallProtocol = .http
    ) {
        self.defaultAction = defaultAction
        self.callProtocol = callProtocol
        self.policies = policies.map { policy in
            ProgramPolicy(
                name: policy.metadata.name, action: policy.action, position: policy.metadata.position,
                rules: policy.rules.map(\.position.position))
        }

        let compiler = RuleCompiler(policies)
        rules = compiler.rules
        clauses = compiler.clauses
        items = compiler.items
        predicates = compiler.predicates
        origins = compiler.origins
        originPositions = compiler.positions
        headerNames = compiler.headerNames
        bytes = compiler.values.bytes
        patterns = compiler.values.patterns
        templates = compiler.values.templates
        segments = compiler.values.segments
        stringSets = compiler.values.strings
        addressRanges = compiler.values.addressRanges
        addressSets = compiler.values.addresses
        portValues = compiler.values.portValues
        portSets = compiler.values.ports

        var builder = IndexBuilder(compiler.keys, clauseCount: compiler.clauses.count, for: callProtocol)
        denyRoot = builder.add(compiler.clauses.indices.filter { compiler.clauses[$0].isDeny }.map(Int32.init))
        allowRoot = builder.add(compiler.clauses.indices.filter { !compiler.clauses[$0].isDeny }.map(Int32.init))
        nodes = builder.nodes
        probes = builder.probes
        probeLengths = builder.probeLengths
        candidates = builder.candidates
        entries = builder.table()
    }

    /// Decides a call in policy.md's order: DENY, ALLOW, default action; of several rules that match, the first in the
    /// order of `policies` is named. Allocates nothing.
    /// - Parameter head: in canonical form; not read when the call's protocol is TCP.
    package func decide(_ head: borrowing MessageHead, _ call: borrowing CallFacts) -> Decision {
        let denying = firstClause(isDeny: true, head, call)
        if denying != Int32.max { return decision(isAllowed: false, by: denying) }
        let allowing = firstClause(isDeny: false, head, call)
        if allowing != Int32.max { return decision(isAllowed: true, by: allowing) }
        return Decision(isAllowed: defaultAction == .allow, by: nil)
    }

    /// Decides a TCP connection, which has no head: the attributes of HTTP are absent, so that an ALLOW rule that asks for one
    /// does not match, and a DENY rule that asks for one does. Allocates nothing.
    /// - Parameter call: of protocol TCP. A call of HTTP is denied: without its head no rule could be asked.
    package func decideConnection(_ call: borrowing CallFacts) -> Decision {
        guard call.callProtocol == .tcp else { return Decision(isAllowed: false, by: nil) }
        let head = MessageHead(byteCapacity: 0, fieldCapacity: 0)
        return decide(head, call)
    }

    /// The same decision, with what became of every rule.
    /// - Parameter call: of protocol TCP.
    package func explainConnection(_ call: borrowing CallFacts) -> Explanation {
        let head = MessageHead(byteCapacity: 0, fieldCapacity: 0)
        return Explanation(decision: decideConnection(call), verdicts: explain(head, call).verdicts)
    }

    /// Whether a rule asks for the peer's or the client's address.
    package var asksForClientAddress: Bool {
        predicates.contains { $0.attribute == .peerAddress || $0.attribute == .remoteAddress }
    }

    /// The same decision, with what became of every rule.
    package func explain(_ head: borrowing MessageHead, _ call: borrowing CallFacts) -> Explanation {
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
                    policy: policy.name, action: policy.action, ruleIndex: Int(rule.index),
                    position: policy.rules[Int(rule.index)],
                    mismatch: outcome == Self.holds ? nil : mismatch(Int(outcome))))
        }
        return Explanation(decision: decide(head, call), verdicts: verdicts)
    }

    /// - Returns: `Int32.max` if no clause of the action holds.
    private func firstClause(isDeny: Bool, _ head: borrowing MessageHead, _ call: borrowing CallFacts) -> Int32 {
        if call.callProtocol == callProtocol {
            return firstClause(below: isDeny ? denyRoot : allowRoot, before: .max, head, call)
        }
        for index in clauses.indices where clauses[index].isDeny == isDeny {
            if evaluate(clauses[index], head, call) == Self.holds { return Int32(index) }
        }
        return .max
    }

    private func decision(isAllowed: Bool, by clause: Int32) -> Decision {
        let rule = rules[Int(clauses[Int(clause)].rule)]
        return Decision(isAllowed: isAllowed, by: Decision.Rule(policy: rule.policy, index: rule.index))
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
