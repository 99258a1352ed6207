package import Diagnostics

/// Someone who must follow every change of the mesh: the proxy, the identity authority, the admin API.
///
/// A change has two phases. All participants prepare, in the order they were given, while the former generation serves;
/// if one of them rejects, those that had prepared abandon. Only when all have prepared do they commit, in the same order.
package protocol SnapshotParticipant<Snapshot>: Sendable {
    associatedtype Snapshot: Sendable

    /// Does everything that can fail: binds ports, loads keys. Nothing a caller sees may change yet.
    ///
    /// A rejection keeps every rule of the set from being enforced. What the host stands in the way of, and concerns a part
    /// of the set alone, is therefore no reason for one: that part is held back (`HostDependent`), and the change's warnings
    /// say so.
    func prepare(_ snapshot: Snapshot, generation: Generation) async throws(Rejection) -> any PreparedChange

    /// What `prepare` would say: the warnings of its change, or the rejection. It leaves no trace: nothing is made, removed or
    /// reachable, not even for a moment.
    func rehearse(_ snapshot: Snapshot, generation: Generation) async throws(Rejection) -> [Diagnostic]
}

/// A change that can no longer fail. Exactly one of the two is called, once.
package protocol PreparedChange: Sendable {
    /// What people should know of it, though it can be served.
    var warnings: [Diagnostic] { get }

    /// Makes it so. Returns when it is enforced everywhere.
    func commit() async

    /// Gives back what was prepared; the former generation goes on serving.
    func abandon() async
}

extension PreparedChange {
    package var warnings: [Diagnostic] { [] }
}

/// Why a generation cannot be taken up.
package struct Rejection: Error, Sendable, Hashable {
    /// At least one error.
    package let diagnostics: [Diagnostic]

    package init(_ diagnostics: [Diagnostic]) { self.diagnostics = diagnostics }
}
