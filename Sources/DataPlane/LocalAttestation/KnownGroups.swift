import Attestation
import Synchronization

/// What is known of control groups, by their numbers: one that is gone never comes again.
final class KnownGroups: Sendable {
    private let groups = Mutex<[UInt64: LocalProcess.Fact<String>]>([:])

    private static let limit = 4_096

    /// The path of one; `.notAsked`: nobody has looked.
    subscript(number: UInt64) -> LocalProcess.Fact<String> { groups.withLock { $0[number] } ?? .notAsked }

    func remember(_ path: LocalProcess.Fact<String>, of number: UInt64) {
        groups.withLock { groups in
            if groups.count >= Self.limit { groups = [:] }
            groups[number] = path
        }
    }
}
