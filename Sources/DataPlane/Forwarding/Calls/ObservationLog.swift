package import Authorization
import EventLoops
package import Manifests
import Telemetry

/// A policy that decides nothing, and what is said of a call that it matches.
package struct PolicyMatch: Hashable, Sendable {
    package let policy: ResourceName
    /// `Shadow DENY`, `AUDIT`.
    package let effect: String
    package let verdict: ObservedVerdict
    /// Of the caller. Those without one are told of apart: a stranger's calls hide none of the mesh's.
    package let hasIdentity: Bool

    package init(policy: ResourceName, effect: String, verdict: ObservedVerdict, hasIdentity: Bool) {
        self.policy = policy
        self.effect = effect
        self.verdict = verdict
        self.hasIdentity = hasIdentity
    }
}

/// A call that such a policy matches, as the log tells of it.
package struct ObservedCall: Sendable {
    /// Of what a caller may choose, as much as is told: 512 bytes of each.
    static let byteLimit = 512

    /// A SPIFFE ID; `nil`: the caller has none.
    package let caller: String?
    package let service: ResourceName
    /// In canonical form, what the rules judged: printable ASCII, all else escaped. Empty for a connection, which has none.
    package let method: String
    package let host: String
    package let path: String
    /// Empty: the call has none.
    package let requestID: String
}

/// Of the calls that policies match which decide nothing, which are told of: for each policy and verdict the first few of a window, of
/// callers with an identity and of those without, and of the others how many they were. Allocates nothing for those. One worker's.
final class ObservationLog: EventHandler {
    private let loop: EventLoop
    private let events: EventSink
    private var registration = Registration.none
    /// Matches since the window began, by label and verdict, and whether the caller has an identity.
    private var counts: [UInt64] = []
    /// Those that are not 0.
    private var matches: [(index: Int, match: PolicyMatch)] = []

    /// In milliseconds.
    static let window: UInt64 = 10_000
    private static let shown = UInt64(RepetitionLimit<PolicyMatch>.shown)

    init(loop: EventLoop, events: EventSink) {
        self.loop = loop
        self.events = events
    }

    /// A policy matches.
    /// - Parameters:
    ///   - hasIdentity: Of the caller.
    ///   - match: Asked for if it is to be told of.
    /// - Returns: What is to be told of now; `nil`: it is only counted.
    func admits(_ label: Label, _ verdict: ObservedVerdict, hasIdentity: Bool, _ match: () -> PolicyMatch)
        -> PolicyMatch?
    {
        let index = verdict.index(of: label) << 1 | (hasIdentity ? 1 : 0)
        if index >= counts.count { counts.append(contentsOf: repeatElement(0, count: index + 1 - counts.count)) }
        counts[index] += 1
        guard counts[index] <= Self.shown else { return nil }
        let match = match()
        if counts[index] == 1 { begin(index, match) }
        return match
    }

    private func begin(_ index: Int, _ match: PolicyMatch) {
        if matches.isEmpty {
            if registration.isNone { registration = loop.register(self) }
            loop.setDeadline(registration, to: loop.now + Self.window)
        }
        matches.append((index, match))
    }

    func tell(_ match: PolicyMatch, _ call: ObservedCall) { events.post(.policyMatched(match, call)) }

    /// The window ends: what was not told of is summed up.
    func endWindow() {
        for (index, match) in matches {
            if counts[index] > Self.shown { events.post(.policyMatches(match, untold: counts[index] - Self.shown)) }
            counts[index] = 0
        }
        matches.removeAll(keepingCapacity: true)
    }

    func deadlineReached() { endWindow() }
    func ready(_ events: ReadyEvents) {}
    func turnEnded() {}
}

extension ObservedVerdict {
    /// Where it is counted for a policy: by the policy's label, as many places as there are verdicts.
    func index(of label: Label) -> Int { Int(label.id) << 2 | Int(rawValue) }

    static func place(at index: Int) -> (policy: Label, verdict: ObservedVerdict) {
        (Label(id: UInt32(index >> 2)), allCases[index & 3])
    }
}
