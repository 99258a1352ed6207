package import Authorization
package import Manifests
import Synchronization
package import Telemetry

/// The policies of one resource, compiled. While they say what they said it is the same object, from one generation to the next.
package final class ResourceProgram: Sendable {
    package let program: AuthorizationProgram
    /// A label a policy of the program, in its order; the last one is the default's.
    package let policyLabels: [Label]
    let asksForCallerAlone: Bool

    package init(_ program: AuthorizationProgram, policyLabels: [Label]) {
        self.program = program
        self.policyLabels = policyLabels
        asksForCallerAlone = program.asksForCallerAlone
    }
}

/// The rules of all resources, at one moment.
package final class ResourceRules: Sendable {
    private let programs: [ResourceIdentity: ResourceProgram]
    /// Of what no policy names.
    private let closed: ResourceProgram

    package init(_ programs: [ResourceIdentity: ResourceProgram], closed: ResourceProgram) {
        self.programs = programs
        self.closed = closed
    }

    /// What allows nothing.
    package static func none(labels: LabelRegistry) -> ResourceRules {
        ResourceRules([:], closed: .closed(labels: labels))
    }

    subscript(_ resource: ResourceIdentity) -> ResourceProgram { programs[resource] ?? closed }
}

extension ResourceProgram {
    /// Of a resource that no policy names: nobody may do anything with it.
    package static func closed(labels: LabelRegistry) -> ResourceProgram {
        ResourceProgram(
            AuthorizationProgram(policies: [], defaultAction: .deny), policyLabels: [labels.label(defaultLabel)])
    }

    /// What is counted where no rule decides.
    static let defaultLabel = "default action"
}

/// The rules that serve now. From any thread.
package final class RulesInForce: Sendable {
    private let rules: Mutex<ResourceRules>

    package init(_ rules: ResourceRules) { self.rules = Mutex(rules) }

    package var now: ResourceRules { rules.withLock { $0 } }

    /// Before any worker goes by the generation that they are of: nothing that is judged after a worker has told of it is judged by
    /// the ones before.
    package func adopt(_ next: ResourceRules) { rules.withLock { $0 = next } }
}

/// What was asked for something that is to be told: it may be told as long as these are the programs in force.
package struct AskedRules: Sendable {
    private(set) var programs: [(resource: ResourceIdentity, program: ResourceProgram)] = []

    /// Nothing was asked, for nothing in it is anybody's.
    static let none = AskedRules()

    func hold(in rules: ResourceRules) -> Bool {
        programs.allSatisfy { rules[$0.resource] === $0.program }
    }

    /// - Returns: Whether it was not known yet.
    mutating func note(_ resource: ResourceIdentity, _ program: ResourceProgram) -> Bool {
        guard let index = programs.firstIndex(where: { $0.resource == resource }) else {
            programs.append((resource, program))
            return true
        }
        guard programs[index].program !== program else { return false }
        programs[index].program = program
        return true
    }
}
