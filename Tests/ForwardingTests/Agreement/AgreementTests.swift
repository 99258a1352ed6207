import Authorization
import CallOutcomes
import FuzzKit
import Glibc
import HTTPSemantics
import Manifests
import MeshSnapshot
import Routing
import TestSupport
import Testing

@testable import Explaining
@testable import Forwarding

/// `explain` says what the proxy does: of calls by chance, over every kind of listener and protocol, through meshes by chance.
@Suite(.serialized) struct AgreementTests {
    /// 100,000 calls with HEDDLE_LONG_TESTS=1.
    private static let worldCount: UInt64 = unsafe getenv("HEDDLE_LONG_TESTS") == nil ? 8 : 400
    private static let callCount = unsafe getenv("HEDDLE_LONG_TESTS") == nil ? 125 : 250

    @Test(arguments: 1...worldCount)
    func `explain and the proxy agree`(seed: UInt64) async throws {
        let world = try await AgreementWorld(seed: seed)
        var random = SplitMix64(seed: seed &* 7919)
        var agreement = Agreement(world)
        for _ in 0..<Self.callCount {
            let call = AgreementCall(&random)
            let sighting = try await world.call(call)
            for difference in await agreement.differences(call, sighting) {
                Issue.record("seed \(seed), \(call): \(difference); seen: \(sighting)\n\(world.manifests)")
                await world.stop()
                return
            }
        }
        // Copies are judged, too, and nobody has asked about them.
        if !world.manifests.contains("RequestMirror") {
            let counts = await world.decisionCounts()
            #expect(counts == agreement.decisions, "seed \(seed)\n\(world.manifests)")
            let observed = await world.observationCounts()
            #expect(observed == agreement.observations, "seed \(seed)\n\(world.manifests)")
        }
        await world.stop()
    }
}

/// What is expected of each call, by what `explain` says of it.
private struct Agreement {
    private let world: AgreementWorld
    /// How often each policy must have decided so far.
    private(set) var decisions: [String: Int] = [:]
    /// How often each policy that decides nothing must have matched so far, and what it would have changed.
    private(set) var observations: [String: Int] = [:]
    private var differences: [String] = []

    init(_ world: AgreementWorld) { self.world = world }

    /// - Returns: In words; empty: there are none.
    mutating func differences(_ call: AgreementCall, _ seen: AgreementWorld.Sighting) async -> [String] {
        differences = []
        let question = call.question(
            about: serviceAsked(by: call, seen), at: call.isGateway ? world.port(of: call) : nil)
        do throws(CallQuestion.Mistake) {
            let explanation = try CallExplanation(question, in: world.snapshot)
            await compare(explanation, call, seen)
        } catch {
            // The host names no service, or a TCP one: there is nothing to ask about, and nobody gets it.
            expect(nil, seen.line?.field("endpoint"), "endpoint where explain says: \(error)")
        }
        return differences
    }

    /// A gateway's routes say whom a call there is for, and its listener or host elsewhere.
    private func serviceAsked(by call: AgreementCall, _ seen: AgreementWorld.Sighting) -> String {
        if call.isGateway { return seen.line?.field("service") ?? (call.isConnection ? "shop/ledger" : "shop/orders") }
        if let service = call.plainService { return "shop/\(service)" }
        if call.isConnection { return "shop/\(call.entrance)" }
        var head = MessageHead()
        guard CanonicalCall.head(of: CallQuestion(from: nil, to: ""), host: call.host, into: &head) == nil,
            let named = world.snapshot.serviceNamed(
                host: head.text(head.host), from: String((call.caller ?? "").prefix { $0 != "/" }))
        else { return "shop/orders" }
        return "\(named)"
    }

    private mutating func expect<Value: Equatable>(_ expected: Value, _ actual: Value, _ what: String) {
        if expected != actual { differences.append("\(what): explain \(expected), proxy \(actual)") }
    }

    private mutating func compare(
        _ explanation: CallExplanation, _ call: AgreementCall, _ seen: AgreementWorld.Sighting
    ) async {
        if !seen.isReset, seen.line == nil { return differences.append("there is no line in the log") }
        switch explanation.outcome {
        case .malformed(let status, _):
            // As a message of HTTP/2 it is none, and its stream is reset (RFC 9113 § 8.1.1).
            if !seen.isReset { expectStatus(status, explanation.grpcStatus, call, seen) }
            return
        case .untrusted(let why): return differences.append(why)
        case .refused(let reason, let status, _):
            expectStatus(status, explanation.grpcStatus, call, seen)
            expect("\(reason.name)", seen.line?.field("reason"), "reason")
        case .answered(let status): expectStatus(status, explanation.grpcStatus, call, seen)
        case .redirected(let status, let location):
            expectStatus(status, explanation.grpcStatus, call, seen)
            if explanation.grpcStatus == nil { expect(location, seen.location, "location") }
        case .delivered(let destinations):
            let service = seen.line?.field("service")
            guard let destination = destinations.first(where: { $0.service.description == service }) else {
                return differences.append(
                    "explain has it go to \(destinations.map(\.service)), the proxy to \(service ?? "none")")
            }
            await compare(destination, explanation, call, seen)
        }
        let route = explanation.routes.first(where: \.isChosen)?.rule
        expect(
            route.flatMap { rule in rule.kind.map { "\($0.rawValue)/\(rule.path)" } }, seen.line?.field("route"),
            "route")
    }

    private mutating func compare(
        _ destination: CallExplanation.Destination, _ explanation: CallExplanation, _ call: AgreementCall,
        _ seen: AgreementWorld.Sighting
    ) async {
        if let refusal = destination.refusal {
            expectStatus(refusal.reason.status, destination.grpcStatus, call, seen)
            return expect("\(refusal.reason.name)", seen.line?.field("reason"), "reason")
        }
        let endpoint = seen.line?.field("endpoint")
        let judgement = destination.judgements.first { endpoint == nil || $0.endpoints.contains(endpoint!) }
        guard let judgement = judgement ?? destination.judgements.first else {
            return differences.append("explain judges nothing")
        }
        let decision = judgement.explanation.decision
        let decider = judgement.explanation.decidingRule
        let name = decider.map { "\($0.policy)" } ?? "default action"
        decisions["\(name) \(decision.isAllowed ? "allow" : "deny")", default: 0] += 1
        observe(judgement.explanation)
        guard decision.isAllowed else {
            expectStatus(403, destination.grpcStatus, call, seen)
            expect("denied", seen.line?.field("reason"), "reason")
            // A connection's ID is told to nobody, and is in the log.
            // Where its route has taken the ID from it, another node knows it by one that is not in this one's log, which has none
            // or the one of its own answer.
            guard let id = seen.line?.field("request_id") else { return }
            guard let record = await world.decision(id, on: destination.service) else {
                if losesID(explanation) { return }
                return differences.append("no decision is remembered")
            }
            expect(decider.map { "\($0.policy), rule \($0.ruleIndex)" }, record.rule.map { "\($0)" }, "rule")
            return
        }
        if judgement.endpoints.isEmpty {
            expectStatus(503, explanation.grpcStatus ?? (explanation.isGRPC ? .unavailable : nil), call, seen)
            return expect("no-endpoint", seen.line?.field("reason"), "reason")
        }
        expect(nil, seen.line?.field("reason"), "reason")
        if call.isConnection { return expect(destination.service.name, seen.received, "workload") }
        expect(200, seen.status, "status")
        if let received = seen.received, let request = destination.request { compare(request, received) }
    }

    private mutating func observe(_ explanation: Explanation) {
        let now = explanation.decision.isAllowed
        let then = explanation.enforced?.isAllowed ?? now
        let matching = explanation.verdicts.filter { $0.isMatch && !$0.isEnforced }
        for policy in Set(matching.map(\.policy)) {
            let action = matching.first { $0.policy == policy }!.action
            let verdict =
                now != then && action == (then ? .allow : .deny)
                ? then ? "would-allow" : "would-deny" : now ? "allowed" : "denied"
            observations["\(policy) \(verdict)", default: 0] += 1
        }
    }

    /// The route that the call has taken takes the ID from its calls.
    private func losesID(_ explanation: CallExplanation) -> Bool {
        guard let name = explanation.routes.first(where: \.isChosen)?.rule.route else { return false }
        return world.manifests.split(separator: "\n---\n").contains {
            $0.contains("{name: \(name.name), namespace: \(name.namespace)}") && $0.contains("remove: [x-request-id]")
        }
    }

    /// What the workload received is what rules were asked about.
    private mutating func compare(_ request: CallExplanation.Request, _ received: String) {
        let start = received.prefix { $0 != "\r\n" }.split(separator: " ")
        guard start.count == 3 else { return differences.append("the workload received \(received)") }
        expect(request.method, String(start[0]), "method received")
        expect(request.path, String(start[1].prefix { $0 != "?" }), "path received")
        var head = MessageHead()
        let host = Response(head: received, body: "").field("host") ?? ""
        let question = CallQuestion(from: nil, to: "")
        guard CanonicalCall.head(of: question, host: host, into: &head) == nil else {
            return differences.append("the workload received the host \(host)")
        }
        expect(request.host, head.text(head.host), "host received")
    }

    private mutating func expectStatus(
        _ status: UInt16, _ grpcStatus: GRPCStatus?, _ call: AgreementCall, _ seen: AgreementWorld.Sighting
    ) {
        if call.isConnection { return expect(nil, seen.received, "connection that is refused") }
        if let grpcStatus {
            expect(Int(grpcStatus.rawValue), seen.grpcStatus, "gRPC status")
        } else {
            expect(Int(status), seen.status, "status")
        }
    }
}
