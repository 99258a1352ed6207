import Manifests
import Testing

@testable import Forwarding

/// When a call has taken too long: no socket, no clock.
struct CallDeadlinesTests {
    /// All times apart, in milliseconds: 1,000 for the request's body, 2,000 for an answer, 3,000 for progress, 40,000 for tunnels.
    private static let deadlines: CallDeadlines = {
        var timeouts = ProxyTimeouts()
        timeouts.requestBody = .milliseconds(1_000)
        timeouts.response = .milliseconds(2_000)
        timeouts.stream = .milliseconds(3_000)
        timeouts.tunnelIdle = .milliseconds(40_000)
        return CallDeadlines(MillisecondTimeouts(timeouts))
    }()

    /// A call that began at 10,000 with both sides up to date, its request not whole.
    private static var upload: CallDeadlines.Facts {
        CallDeadlines.Facts(
            began: 10_000, caller: SideProgress(lastInput: 10_000, lastOutput: 10_000),
            workload: SideProgress(lastInput: 10_000, lastOutput: 10_000))
    }

    private static var waiting: CallDeadlines.Facts {
        var call = upload
        call.isRequestComplete = true
        return call
    }

    private static var answering: CallDeadlines.Facts {
        var call = waiting
        call.isResponseStarted = true
        return call
    }

    private static var tunnel: CallDeadlines.Facts {
        var call = upload
        call.isTunnel = true
        call.isTunnelOpen = true
        call.isResponseStarted = true
        call.isOpenEnded = true
        return call
    }

    /// When a call expires if nothing more happens, and why: each time that is named is waited for, and no other.
    private static func end(of call: CallDeadlines.Facts) -> (at: UInt64, expiry: CallDeadlines.Expiry)? {
        var now = call.began
        for _ in 0..<1_000 {
            switch deadlines.verdict(on: call, at: now) {
            case .expired(let expiry): return (now, expiry)
            case .goesOn(let next):
                #expect(next > now)
                now = next
            }
        }
        return nil
    }

    private static func expect(
        _ call: CallDeadlines.Facts, endsAt time: UInt64, _ expiry: CallDeadlines.Expiry,
        location: SourceLocation = #_sourceLocation
    ) {
        let end = end(of: call)
        #expect(end?.at == time && end?.expiry == expiry, "\(String(describing: end))", sourceLocation: location)
    }

    @Test func `a request that stops is late, one that is held back is not`() {
        Self.expect(Self.upload, endsAt: 11_000, .requestStalled)
        var call = Self.upload
        call.caller.lastInput = 14_000
        Self.expect(call, endsAt: 15_000, .requestStalled)
        call.caller.isHeldBack = true
        #expect(Self.end(of: call) == nil)
    }

    @Test func `bytes that came before their call are none of its progress`() {
        var call = Self.upload
        call.caller.lastInput = 2_000
        Self.expect(call, endsAt: 11_000, .requestStalled)
    }

    @Test func `an answer is awaited from the last of the request on`() {
        Self.expect(Self.waiting, endsAt: 12_000, .workloadStalled)
        var call = Self.waiting
        call.workload?.lastOutput = 20_000
        Self.expect(call, endsAt: 22_000, .workloadStalled)
        call.workload?.lastInput = 21_000
        Self.expect(call, endsAt: 23_000, .workloadStalled)
    }

    @Test func `what a route says of time is instead of the mesh's time for an answer`() {
        var call = Self.waiting
        call.requestDeadline = 30_000
        Self.expect(call, endsAt: 30_000, .timedOut)
        call.tryDeadline = 25_000
        Self.expect(call, endsAt: 25_000, .timedOut)
        call = Self.waiting
        call.isOpenEnded = true
        #expect(Self.end(of: call) == nil)
    }

    @Test func `before there is a connection nothing is expected of the workload`() {
        var call = Self.waiting
        call.workload = nil
        #expect(Self.end(of: call) == nil)
    }

    @Test func `a workload that takes nothing of what waits for it is late, though its caller is held back`() {
        var call = Self.upload
        call.caller.isHeldBack = true
        call.workload?.isAwaited = true
        Self.expect(call, endsAt: 13_000, .workloadStalled)
        call.workload?.lastOutput = 50_000
        Self.expect(call, endsAt: 53_000, .workloadStalled)
    }

    @Test func `an answer that stops is late, one that is held back is not`() {
        Self.expect(Self.answering, endsAt: 13_000, .workloadStalled)
        var call = Self.answering
        call.workload?.isHeldBack = true
        #expect(Self.end(of: call) == nil)
    }

    @Test func `a caller that takes nothing of what waits for it is late, and one to which nothing was said is not`() {
        var call = Self.answering
        call.workload?.isHeldBack = true
        call.caller.isAwaited = true
        Self.expect(call, endsAt: 13_000, .callerStalled)
        call.caller.lastOutput = 17_000
        Self.expect(call, endsAt: 20_000, .callerStalled)
        call.isOpenEnded = true
        Self.expect(call, endsAt: 20_000, .callerStalled)
    }

    @Test func `two sides that hold each other back make no progress`() {
        var call = Self.upload
        call.isResponseStarted = true
        call.caller.isHeldBack = true
        call.workload?.isHeldBack = true
        Self.expect(call, endsAt: 13_000, .workloadStalled)
    }

    @Test func `an answer under way may wait for its request, which then is not late`() {
        var call = Self.upload
        call.isResponseStarted = true
        call.workload?.lastInput = 12_000
        Self.expect(call, endsAt: 15_000, .workloadStalled)
        // The answer is whole, and the rest is only read.
        call.isResponseComplete = true
        call.workload = nil
        Self.expect(call, endsAt: 11_000, .requestStalled)
        call.restDeadline = 10_500
        Self.expect(call, endsAt: 10_500, .restMissing)
    }

    @Test func `streams of messages last as long as their two sides want`() {
        for base in [Self.upload, Self.waiting, Self.answering] {
            var call = base
            call.isOpenEnded = true
            call.workload?.isAwaited = true
            #expect(Self.end(of: call) == nil)
        }
    }

    @Test func `a tunnel idles until its last byte on either side is too long ago, to the millisecond`() {
        Self.expect(Self.tunnel, endsAt: 50_000, .tunnelIdle)
        var call = Self.tunnel
        call.caller.lastInput = 11_001
        Self.expect(call, endsAt: 51_001, .tunnelIdle)
        call.caller.lastOutput = 12_002
        Self.expect(call, endsAt: 52_002, .tunnelIdle)
        call.workload?.lastInput = 13_003
        Self.expect(call, endsAt: 53_003, .tunnelIdle)
        call.workload?.lastOutput = 14_004
        Self.expect(call, endsAt: 54_004, .tunnelIdle)
    }

    @Test func `a side of a tunnel that takes nothing of what waits for it is late, whichever it is`() {
        var call = Self.tunnel
        call.caller.isAwaited = true
        Self.expect(call, endsAt: 13_000, .callerStalled)
        call = Self.tunnel
        call.workload?.isAwaited = true
        call.caller.isHeldBack = true
        Self.expect(call, endsAt: 13_000, .workloadStalled)
    }

    @Test func `a tunnel that was asked for is awaited like an answer, and its request is not late`() {
        var call = Self.upload
        call.isTunnel = true
        Self.expect(call, endsAt: 12_000, .workloadStalled)
    }

    @Test func `whatever begins to count without a word is looked at before it is due`() {
        // A tunnel to which the first byte that it does not take is sent right after it was looked at.
        guard case .goesOn(let next) = Self.deadlines.verdict(on: Self.tunnel, at: 20_000) else {
            Issue.record("over already")
            return
        }
        #expect(next <= 20_000 + 3_000)
    }
}
