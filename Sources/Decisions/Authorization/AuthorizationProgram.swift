import Diagnostics
package import HTTPSemantics
package import Manifests

/// The policies of a destination service, or of several that have the same, compiled: what a decision costs depends on
/// the rules that may match, not on how many others there are. Immutable, and read without locks.
package final class AuthorizationProgram: Sendable {
    /// In the order that decisions count them in; those that decide nothing come last.
    package let policies: [ProgramPolicy]
    /// The last of `policies`: those that are only looked at.
    package let observed: [ObservedPolicy]
    /// The greatest `since` of these; 0: there are none.
    package let lastObserved: UInt64
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
    private let observedRoot: Int32

    /// - Parameters:
    ///   - policies: all that target the service.
    ///   - callProtocol: what the service speaks. Calls of the other kind are decided all the same, but one rule after
    ///     the other.
    ///   - since: of policies that decide nothing, since when they say what they say.
    package init(
        policies: [AuthorizationPolicy], defaultAction: DefaultAction, callProtocol: CallProtocol = .http,
        since: (ResourceName) -> UInt64 = { _ in 1 }
    ) {
        self.defaultAction = defaultAction
        self.callProtocol = callProtocol
        // What is enforced is compiled as if there was nothing else.
        let ranks =
            policies.indices.filter { policies[$0].isEnforced } + policies.indices.filter { !policies[$0].isEnforced }
        self.policies = ranks.map { ProgramPolicy(policies[$0], rank: Int32($0)) }
        observed = policies.filter { !$0.isEnforced }.map {
            ObservedPolicy(action: $0.action, since: since($0.metadata.name))
        }
        lastObserved = observed.map(\.since).max() ?? 0

        let compiler = RuleCompiler(ranks.map { policies[$0] })
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
        func root(_ isAmong: (Clause) -> Bool) -> Int32 {
            builder.add(compiler.clauses.indices.filter { isAmong(compiler.clauses[$0]) }.map(Int32.init))
        }
        denyRoot = root { $0.isDeny && !$0.isObserved }
        allowRoot = root { !$0.isDeny && !$0.isObserved }
        observedRoot = root(\.isObserved)
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

    /// Looks which of the policies that decide nothing match a call. Allocates nothing but what `observation` lacks.
    /// - Parameter head: in canonical form; not read when the call's protocol is TCP.
    package func observe(
        _ head: borrowing MessageHead, _ call: borrowing CallFacts, in observation: inout Observation
    ) {
        observation.begin(policyCount: observed.count)
        if call.callProtocol == callProtocol { return walk(below: observedRoot, &observation, head, call) }
        for index in clauses.indices where clauses[index].isObserved {
            observation.look(at: Int32(index), of: self, head, call)
        }
    }

    /// The same of a connection, which has no head.
    package func observeConnection(_ call: borrowing CallFacts, in observation: inout Observation) {
        let head = MessageHead(byteCapacity: 0, fieldCapacity: 0)
        observe(head, call, in: &observation)
    }

    /// In `observed`.
    func observedPlace(of clause: Clause) -> Int32 {
        rules[Int(clause.rule)].policy - Int32(policies.count - observed.count)
    }

    /// Whether a rule asks for the peer's or the client's address.
    package var asksForClientAddress: Bool {
        predicates.contains { $0.attribute == .peerAddress || $0.attribute == .remoteAddress }
    }

    /// Whether its rules ask for nothing of a call but its caller's identity, its method and its path: then it decides alike whatever
    /// else there is of it.
    package var asksForCallerAlone: Bool {
        predicates.allSatisfy { predicate in
            switch predicate.attribute {
            case .principal, .serviceAccount, .namespace, .trustDomain, .method, .path: true
            case .requestPrincipal, .peerAddress, .remoteAddress, .destinationAddress, .destinationPort, .serverName,
                .host,
                .header:
                false
            }
        }
    }

    /// - Returns: `Int32.max` if no clause of the action holds.
    private func firstClause(isDeny: Bool, _ head: borrowing MessageHead, _ call: borrowing CallFacts) -> Int32 {
        if call.callProtocol == callProtocol {
            var search = FirstClause()
            walk(below: isDeny ? denyRoot : allowRoot, &search, head, call)
            return search.clause
        }
        for index in clauses.indices where clauses[index].isDeny == isDeny && !clauses[index].isObserved {
            if evaluate(clauses[index], head, call) == Self.holds { return Int32(index) }
        }
        return .max
    }

    private func decision(isAllowed: Bool, by clause: Int32) -> Decision {
        let rule = rules[Int(clauses[Int(clause)].rule)]
        return Decision(isAllowed: isAllowed, by: Decision.Rule(policy: rule.policy, index: rule.index))
    }
}
