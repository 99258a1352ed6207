package import Authorization
package import HTTPSemantics
package import Manifests
import SPIFFE

/// Says what one caller may do with resources, by the rules of one moment: as many questions as there are leaves. What is told by
/// its word goes to the caller only while these rules are in force. For one thread at a time.
package final class Judge {
    private let rules: ResourceRules
    /// Told of each resource whose rules are asked, once.
    private let note: @Sendable (ResourceIdentity, ResourceProgram) -> Void
    private var head: MessageHead
    /// Of the head as it came.
    private let end: Int
    private let facts: CallFacts
    private(set) var asked = AskedRules.none
    private var last: (resource: ResourceIdentity, program: ResourceProgram)?

    init(
        _ rules: ResourceRules, of request: LocalRequest,
        noting note: @escaping @Sendable (ResourceIdentity, ResourceProgram) -> Void = { _, _ in }
    ) {
        self.rules = rules
        self.note = note
        head = MessageHead(byteCapacity: request.head.end + Self.roomForPath, fieldCapacity: request.head.fieldCount)
        head.copy(request.head)
        end = head.end
        var facts = CallFacts(
            caller: request.caller, peerAddress: request.peerAddress, remoteAddress: request.remoteAddress)
        facts.isRemoteAddressUnreadable = request.isRemoteAddressUnreadable
        self.facts = facts
    }

    private static let roomForPath = 256

    /// Whether a call of this method to this place below the resource would be allowed.
    package func allows(_ method: KnownMethod, _ path: ResourcePath, of resource: ResourceIdentity) -> Bool {
        decide(method, path, of: resource).isAllowed
    }

    package func decide(
        _ method: KnownMethod, _ path: ResourcePath, of resource: ResourceIdentity
    ) -> Decision {
        let program = program(of: resource)
        guard path.isPossible else { return Decision(isAllowed: false, by: nil) }
        ask(method, path)
        return program.program.decide(head, facts)
    }

    /// The same for what the call as a whole is about: told along with its answer, it is counted, and kept if it is a refusal, with
    /// what policies say of it that decide nothing.
    package func verdict(
        _ method: KnownMethod, _ path: ResourcePath, of resource: ResourceIdentity
    ) -> LocalVerdict {
        let program = program(of: resource)
        let decision = decide(method, path, of: resource)
        var observed: [LocalVerdict.Observed] = []
        if program.program.lastObserved > 0, path.isPossible {
            var observation = Observation()
            program.program.observe(head, facts, in: &observation)
            observed = observation.policies.map {
                let action = program.program.observed[Int($0)].action
                return .init(place: Int($0), verdict: observation.verdict(for: action, beside: decision))
            }
        }
        return LocalVerdict(
            resource: resource, path: path.text, program: program, decision: decision, observed: observed)
    }

    /// Who is told the same of this resource as its caller; `nil`: maybe nobody, as rules ask for more than who calls. Whoever makes
    /// use of it has asked this judge.
    package func likeReaders(of resource: ResourceIdentity) -> LikeReaders? {
        let program = program(of: resource)
        return program.asksForCallerAlone ? LikeReaders(program: program, caller: facts.caller?.id) : nil
    }

    private func ask(_ method: KnownMethod, _ path: ResourcePath) {
        head.truncate(to: end)
        head.setMethod(method.name.bytes)
        head.path = head.append(path.bytes.span)
    }

    private func program(of resource: ResourceIdentity) -> ResourceProgram {
        if let last, last.resource == resource { return last.program }
        let program = rules[resource]
        last = (resource, program)
        if asked.note(resource, program) { note(resource, program) }
        return program
    }
}

extension ResourceRules {
    /// What these rules say to a call that nobody makes: what is told by them is told to nobody who waits.
    package func judge(of request: LocalRequest) -> Judge { Judge(self, of: request) }
}

/// Callers to whom a resource's rules say the same, whatever they ask it for: those of one identity, by rules that ask for no more.
package struct LikeReaders: Hashable, Sendable {
    private let program: ResourceProgram
    private let caller: SPIFFEID?

    fileprivate init(program: ResourceProgram, caller: SPIFFEID?) {
        self.program = program
        self.caller = caller
    }

    package static func == (one: LikeReaders, other: LikeReaders) -> Bool {
        one.program === other.program && one.caller == other.caller
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(ObjectIdentifier(program))
        hasher.combine(caller)
    }
}

/// What the rules say of a call as a whole.
package struct LocalVerdict: Sendable {
    package struct Observed: Sendable {
        /// In the program's `observed`.
        package let place: Int
        package let verdict: ObservedVerdict
    }

    package let resource: ResourceIdentity
    /// Below it.
    package let path: String
    package let program: ResourceProgram
    package let decision: Decision
    /// Policies that match and decide nothing.
    package let observed: [Observed]

    package var isAllowed: Bool { decision.isAllowed }
}
