import Manifests
import Testing

@testable import Authorization

/// Policies that decide nothing, in Shadow or of AUDIT, against a separate reading of policy.md.
struct ObservationTests {
    /// The program's answer in the order that policies were given in.
    private static func given(_ decision: Decision, by program: AuthorizationProgram) -> Decision {
        Decision(
            isAllowed: decision.isAllowed,
            by: decision.rule.map {
                Decision.Rule(policy: program.policies[Int($0.policy)].rank, index: $0.index)
            })
    }

    private struct Sample {
        let policies: [AuthorizationPolicy]
        let defaultAction: DefaultAction
        let call: SampleCall

        /// - Returns: What differs; `nil`: nothing does.
        func difference(_ program: AuthorizationProgram, _ observation: inout Observation) -> String? {
            let naive = NaiveReading(policies: policies, defaultAction: defaultAction)
            let matches = naive.matches(call)
            let without = AuthorizationProgram(
                policies: policies.filter(\.isEnforced), defaultAction: defaultAction,
                callProtocol: program.callProtocol)
            let decision = program.decide(call)
            guard decision == without.decide(call) else {
                return "\(decision) but \(without.decide(call)) without them"
            }
            guard given(decision, by: program) == naive.decide(matches) else { return "\(decision)" }

            let explanation = program.explain(call)
            let hasShadow = policies.contains { $0.mode == .shadow }
            let enforced = explanation.enforced.map { given($0, by: program) }
            guard enforced == (hasShadow ? naive.decide(matches, withShadow: true) : nil) else {
                return "\(String(describing: enforced)) if they were enforced"
            }
            program.observe(call, in: &observation)
            var seen: [Int: (rule: Int, verdict: ObservedVerdict)] = [:]
            for place in observation.policies {
                let rule = program.rules[Int(program.clauses[Int(observation.clause(of: place))].rule)]
                let policy = program.policies[Int(rule.policy)]
                let verdict = observation.verdict(for: policy.action, beside: decision)
                guard seen.updateValue((Int(rule.index), verdict), forKey: Int(policy.rank)) == nil else {
                    return "\(policy.rank) twice"
                }
            }
            for (index, policy) in policies.enumerated() {
                for rule in policy.rules.indices {
                    let place = program.policies.firstIndex { Int($0.rank) == index }!
                    let verdict = explanation.verdict(of: Decision.Rule(policy: Int32(place), index: Int32(rule)))
                    guard verdict.isMatch == matches[index][rule], verdict.isEnforced == policy.isEnforced else {
                        return "\(verdict)"
                    }
                }
                let expected = policy.isEnforced ? nil : matches[index].firstIndex(of: true)
                guard seen[index]?.rule == expected else { return "\(index): \(String(describing: seen[index]))" }
                if let found = seen[index], found.verdict != naive.verdict(for: policy, matches) {
                    return "\(index): \(found.verdict)"
                }
            }
            return nil
        }

        private func given(_ decision: Decision, by program: AuthorizationProgram) -> Decision {
            ObservationTests.given(decision, by: program)
        }
    }

    @Test(arguments: [CallProtocol.http, .tcp])
    func `what decides nothing is found as a naive reading finds it, and changes no decision`(made: CallProtocol) {
        var generator = RandomPolicies(seed: 0x5AD0)
        // One for all, as a worker has it.
        var observation = Observation()
        var verdicts: [ObservedVerdict: Int] = [:]
        for _ in 0..<300 {
            let policies = generator.policies(observing: 0.5)
            let defaultAction = generator.defaultAction()
            let program = AuthorizationProgram(policies: policies, defaultAction: defaultAction, callProtocol: made)
            for _ in 0..<30 {
                let call = generator.call()
                let sample = Sample(policies: policies, defaultAction: defaultAction, call: call)
                if let difference = sample.difference(program, &observation) {
                    Issue.record("\(difference) for \(call) under \(policies)")
                    return
                }
                let decision = program.decide(call)
                for place in observation.policies {
                    let action = program.observed[Int(place)].action
                    verdicts[observation.verdict(for: action, beside: decision), default: 0] += 1
                }
            }
        }
        // Samples that all end alike would prove little.
        for verdict in ObservedVerdict.allCases { #expect(verdicts[verdict, default: 0] > 100, "\(verdicts)") }
    }

    @Test func `a connection is looked at without a head`() {
        let deny = policy(.deny, rule(to: [operation { $0.paths = paths(["/admin"]) }]), name: "deny", mode: .shadow)
        let allow = policy(
            .allow, rule(to: [operation { $0.methods = strings(["GET"]) }]), name: "allow", mode: .shadow)
        let audit = policy(.audit, rule(to: [operation { $0.methods = strings(["GET"]) }]), name: "audit")
        let program = AuthorizationProgram(policies: [audit, allow, deny], defaultAction: .allow, callProtocol: .tcp)
        var call = SampleCall()
        call.callProtocol = .tcp
        let facts = call.facts()
        var observation = Observation()
        program.observeConnection(facts, in: &observation)
        let names = observation.policies.map { program.policies[Int($0)].name.name }
        #expect(Set(names) == ["deny", "audit"])
        let decision = program.decideConnection(facts)
        #expect(decision.isAllowed)
        #expect(observation.verdict(for: .deny, beside: decision) == .wouldDeny)
        #expect(observation.verdict(for: .audit, beside: decision) == .allowed)
        #expect(program.explainConnection(facts).enforced?.isAllowed == false)
    }

    /// What is enforced must not be found more slowly for what is not.
    @Test func `what is enforced is indexed as if there was nothing else`() {
        var generator = RandomPolicies(seed: 11)
        for _ in 0..<100 {
            let policies = generator.policies(observing: 0.5)
            let program = AuthorizationProgram(policies)
            let without = AuthorizationProgram(policies.filter(\.isEnforced))
            #expect(program.policies.prefix(without.policies.count).map(\.name) == without.policies.map(\.name))
            #expect(program.nodes.count >= without.nodes.count)
            #expect(without.lastObserved == 0)
        }
    }

    @Test func `an observation of a small program says nothing of a larger one before it`() {
        let all = policy(.audit, rule(), name: "all")
        let none = policy(.audit, rule(from: [source { $0.namespaces = strings(["nowhere"]) }]), name: "none")
        let large = AuthorizationProgram(policies: [none, all, all], defaultAction: .deny)
        let small = AuthorizationProgram(policies: [none], defaultAction: .deny)
        var observation = Observation()
        large.observe(SampleCall(), in: &observation)
        #expect(observation.policies.sorted() == [1, 2])
        small.observe(SampleCall(), in: &observation)
        #expect(observation.policies.isEmpty)
        large.observe(SampleCall(), in: &observation)
        #expect(observation.policies.sorted() == [1, 2])
    }
}
