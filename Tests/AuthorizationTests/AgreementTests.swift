import HTTPSemantics
import Manifests
import Testing

@testable import Authorization

/// The compiled program against a separate reading of policy.md, over random policies and random calls.
@Suite struct AgreementTests {
    static let callsPerSet = 50

    @Test(arguments: 0..<8)
    func `decide, explain and a naive reading of policy.md agree on random policies and calls`(shard: Int) {
        var generator = RandomPolicies(seed: 0x4EDD_1E00 + UInt64(shard))
        var isAllowed = 0
        var matched = 0
        for _ in 0..<256 {
            let policies = generator.policies()
            let defaultAction = generator.defaultAction()
            let program = AuthorizationProgram(policies, otherwise: defaultAction)
            let naive = NaiveReading(policies: policies, defaultAction: defaultAction)
            for _ in 0..<Self.callsPerSet {
                let call = generator.call()
                let matches = naive.matches(call)
                let expected = naive.decide(matches)
                let head = call.head()
                let facts = call.facts()
                let decision = program.decide(head, facts)
                let explanation = program.explain(head, facts)
                let isAgreed =
                    decision == expected && explanation.decision == decision
                    && explanation.verdicts.map(\.isMatch) == matches.flatMap { $0 }
                guard isAgreed else {
                    Issue.record("\(decision) but \(expected) for \(call) under \(policies)")
                    return
                }
                isAllowed += decision.isAllowed ? 1 : 0
                matched += decision.rule != nil ? 1 : 0
            }
        }
        // Samples that all end alike would prove little.
        let count = 256 * Self.callsPerSet
        #expect(isAllowed > count / 10 && isAllowed < count * 9 / 10)
        #expect(matched > count / 5)
    }

    @Test func `a program for TCP and one for HTTP decide alike`() {
        var generator = RandomPolicies(seed: 7)
        for _ in 0..<100 {
            let policies = generator.policies()
            let forHTTP = AuthorizationProgram(policies: policies, defaultAction: .deny)
            let forTCP = AuthorizationProgram(
                policies: policies, defaultAction: .deny, callProtocol: .tcp)
            for _ in 0..<20 {
                let call = generator.call()
                #expect(forHTTP.decide(call) == forTCP.decide(call))
            }
        }
    }

    @Test func `a connection is decided without a head as a naive reading of policy.md says`() {
        var generator = RandomPolicies(seed: 9)
        var isAllowed = 0
        for _ in 0..<300 {
            let policies = generator.policies()
            let defaultAction = generator.defaultAction()
            let program = AuthorizationProgram(
                policies: policies, defaultAction: defaultAction, callProtocol: .tcp)
            let naive = NaiveReading(policies: policies, defaultAction: defaultAction)
            for _ in 0..<40 {
                var call = generator.call()
                call.callProtocol = .tcp
                let matches = naive.matches(call)
                let expected = naive.decide(matches)
                let facts = call.facts()
                let decision = program.decideConnection(facts)
                let explanation = program.explainConnection(facts)
                #expect(decision == expected, "\(call) under \(policies)")
                #expect(explanation.decision == decision)
                #expect(explanation.verdicts.map(\.isMatch) == matches.flatMap { $0 })
                isAllowed += decision.isAllowed ? 1 : 0
            }
        }
        #expect(isAllowed > 1_200 && isAllowed < 10_800)
    }

    @Test func `adding a DENY never widens access, with either default action`() {
        var generator = RandomPolicies(seed: 1)
        for _ in 0..<300 {
            var policies = generator.policies()
            let defaultAction = generator.defaultAction()
            let before = AuthorizationProgram(policies, otherwise: defaultAction)
            policies.insert(generator.policy(.deny), at: policies.count / 2)
            let after = AuthorizationProgram(policies, otherwise: defaultAction)
            for _ in 0..<30 {
                let call = generator.call()
                if after.allows(call) { #expect(before.allows(call), "\(call) under \(policies)") }
            }
        }
    }

    @Test func `adding an ALLOW never narrows access, with either default action`() {
        var generator = RandomPolicies(seed: 2)
        for _ in 0..<300 {
            var policies = generator.policies()
            let defaultAction = generator.defaultAction()
            let before = AuthorizationProgram(policies, otherwise: defaultAction)
            policies.insert(generator.policy(.allow), at: policies.count / 2)
            let after = AuthorizationProgram(policies, otherwise: defaultAction)
            for _ in 0..<30 {
                let call = generator.call()
                if before.allows(call) { #expect(after.allows(call), "\(call) under \(policies)") }
            }
        }
    }
}
