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

    package init(policy: ResourceName, effect: String, verdict: ObservedVerdict) {
        self.policy = policy
        self.effect = effect
        self.verdict = verdict
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

/// Of the calls that policies match which decide nothing, which are told of: for each policy and verdict the first few of a window, and of
/// the others how many they were. Allocates nothing for those. One worker's.
final class ObservationLog: EventHandler {
    private struct Slot {
        /// Matches since the window began.
        var count: UInt64 = 0
        let match: PolicyMatch
    }

    private let loop: EventLoop
    private let events: EventSink
    private var registration = Registration.none
    /// By label and verdict, where in `slots`; -1: it has not been asked for since the window began.
    private var places: [Int32] = []
    private var slots: [(index: Int, slot: Slot)] = []

    /// In milliseconds.
    static let window: UInt64 = 10_000
    private static let shown = UInt64(RepetitionLimit<PolicyMatch>.shown)

    init(loop: EventLoop, events: EventSink) {
        self.loop = loop
        self.events = events
    }

    /// A policy matches.
    /// - Returns: What is to be told of now; `nil`: it is only counted.
    func admits(_ policy: ProgramPolicy, _ label: Label, _ verdict: ObservedVerdict) -> PolicyMatch? {
        let index = ObservedVerdict.index(of: label, verdict)
        if index >= places.count { places.append(contentsOf: repeatElement(-1, count: index + 1 - places.count)) }
        if places[index] < 0 { begin(index, PolicyMatch(policy: policy.name, effect: policy.effect, verdict: verdict)) }
        let place = Int(places[index])
        slots[place].slot.count += 1
        return slots[place].slot.count <= Self.shown ? slots[place].slot.match : nil
    }

    private func begin(_ index: Int, _ match: PolicyMatch) {
        if slots.isEmpty {
            if registration.isNone { registration = loop.register(self) }
            loop.setDeadline(registration, to: loop.now + Self.window)
        }
        places[index] = Int32(slots.count)
        slots.append((index, Slot(match: match)))
    }

    func tell(_ match: PolicyMatch, _ call: ObservedCall) { events.post(.policyMatched(match, call)) }

    /// The window ends: what was not told of is summed up.
    func endWindow() {
        for (index, slot) in slots {
            if slot.count > Self.shown { events.post(.policyMatches(slot.match, untold: slot.count - Self.shown)) }
            places[index] = -1
        }
        slots.removeAll(keepingCapacity: true)
    }

    func deadlineReached() { endWindow() }
    func ready(_ events: ReadyEvents) {}
    func turnEnded() {}
}

extension ObservedVerdict {
    /// Where it is counted.
    static func index(of label: Label, _ verdict: ObservedVerdict) -> Int {
        Int(label.id) * allCases.count + Int(verdict.rawValue)
    }
}
