import CallOutcomes
import EventLoops
import Testing
import WireProtocols

@testable import Forwarding

/// Decision 0014, rung by rung: no socket, no clock.
@Suite struct RetryLadderTests {
    typealias Step = RetryLadder.Step

    static func facts(_ change: (inout RetryLadder.Facts) -> Void = { _ in }) -> RetryLadder.Facts {
        var facts = RetryLadder.Facts(
            isKept: true, isIdempotent: true, isNode: false, hasOther: true, age: 0, connectTimeout: 5_000)
        change(&facts)
        return facts
    }

    private static func steps(_ failures: [UpstreamFailure], _ facts: RetryLadder.Facts) -> [Step] {
        var ladder = RetryLadder()
        return failures.map { ladder.next(after: $0, facts) }
    }

    private static let everything: [UpstreamFailure] = [
        .notConnected, .handshakeFailed, .unsupportedUpgrade, .notSent, .staleConnection, .noResponse,
        .reset(.internalError), .badResponse,
    ]

    @Test func `each failure's first step`() {
        let first = Self.everything.map { Self.steps([$0], Self.facts())[0] }
        #expect(
            first == [
                .other(isFresh: false), .other(isFresh: false), .fail(.upstreamFailed, status: 501),
                .again(isFresh: false), .again(isFresh: true), .other(isFresh: true), .other(isFresh: true),
                .fail(.upstreamFailed),
            ])
    }

    /// istio#13851, #50506.
    @Test func `what is not idempotent goes out again only if nothing of it was sent`() {
        let post = Self.facts { $0.isIdempotent = false }
        let first = Self.everything.map { Self.steps([$0], post)[0] }
        #expect(
            first == [
                .other(isFresh: false), .other(isFresh: false), .fail(.upstreamFailed, status: 501),
                .again(isFresh: false), .fail(.upstreamFailed), .fail(.upstreamFailed), .fail(.upstreamFailed),
                .fail(.upstreamFailed),
            ])
    }

    @Test func `nothing is sent again once part of it is gone`() {
        for failure in Self.everything {
            guard case .fail = Self.steps([failure], Self.facts { $0.isKept = false })[0] else {
                Issue.record("\(failure) is tried again")
                continue
            }
        }
    }

    @Test(arguments: [UpstreamFailure.noResponse, .staleConnection, .reset(.internalError)])
    func `a request that kills its workload is given to two of them at most`(failure: UpstreamFailure) {
        for second in [UpstreamFailure.noResponse, .staleConnection, .reset(.internalError)] {
            let steps = Self.steps([failure, second], Self.facts())
            #expect(steps[1] == .fail(.upstreamFailed))
        }
        // In whatever comes between nothing of it goes out.
        let between: [UpstreamFailure] = [failure, .notConnected, .notSent, .notConnected, .noResponse]
        #expect(Self.steps(between, Self.facts()).last == .fail(.upstreamFailed))
    }

    @Test func `a second try is made on a fresh connection, or it would prove nothing`() {
        let steps = Self.steps([.noResponse, .notConnected, .notSent, .notConnected], Self.facts())
        #expect(
            steps == [
                .other(isFresh: true), .other(isFresh: true), .again(isFresh: true), .other(isFresh: true),
            ])
    }

    @Test func `a fresh broken connection without another endpoint is the end`() {
        #expect(Self.steps([.noResponse], Self.facts { $0.hasOther = false }) == [.fail(.upstreamFailed)])
    }

    @Test func `kept connections that are dead are replaced twice, then another endpoint is tried`() {
        let steps = Self.steps([.notSent, .notSent, .notSent], Self.facts())
        #expect(steps == [.again(isFresh: false), .again(isFresh: true), .other(isFresh: false)])
        let alone = Self.steps([.notSent, .notSent, .notSent], Self.facts { $0.hasOther = false })
        #expect(alone.last == .fail(.connectFailed))
    }

    @Test func `endpoints that are not there are passed by, a bounded number of them`() {
        let limit = Int(RetryLadder.moveLimit)
        let steps = Self.steps(Array(repeating: .notConnected, count: limit + 1), Self.facts())
        #expect(steps.dropLast().allSatisfy { $0 == .other(isFresh: false) })
        #expect(steps.last == .fail(.connectFailed))
    }

    @Test func `a node that cannot be reached is waited for, longer each time, while a connection may take`() {
        var ladder = RetryLadder()
        var age: UInt64 = 0
        var waits: [UInt64] = []
        while case .wait(let milliseconds) = ladder.next(
            after: .notConnected,
            Self.facts {
                $0.isNode = true
                $0.hasOther = false
                $0.age = age
            })
        {
            waits.append(milliseconds)
            age += milliseconds
        }
        #expect(waits.prefix(6) == [20, 40, 80, 160, 200, 200])
        #expect(age < 5_000 && age + 200 >= 5_000)
    }

    @Test func `after a wait as many endpoints may be passed by again`() {
        var ladder = RetryLadder()
        let node = Self.facts { $0.isNode = true }
        for _ in 0..<RetryLadder.moveLimit { _ = ladder.next(after: .notConnected, node) }
        #expect(ladder.next(after: .notConnected, node) == .wait(milliseconds: 20))
        #expect(ladder.next(after: .notConnected, node) == .other(isFresh: false))
    }

    @Test func `neither a workload of this node nor a peer of another name is waited for`() {
        let alone = Self.facts { $0.hasOther = false }
        #expect(Self.steps([.notConnected], alone) == [.fail(.connectFailed)])
        var node = alone
        node.isNode = true
        #expect(Self.steps([.handshakeFailed], node) == [.fail(.connectFailed)])
    }
}
