package import Diagnostics
package import Explaining
package import Manifests
package import MeshSnapshot
package import Reconciliation
package import SPIFFE

/// What the admin API asks of the process it runs in. Several calls may be under way at once.
package protocol RunningMesh: Sendable {
    /// What `/readyz` says.
    var readiness: Readiness { get async }

    func status() async -> StatusReport

    /// The snapshot that serves; `nil` while none does.
    func snapshot() async -> MeshSnapshot?

    /// Where endpoints stand in manifests whose name has no address now.
    func unresolvedEndpoints() async -> Set<SourcePosition>

    /// Writes manifests into the running mesh's folder, once the whole set with them in it is valid. Returns when every
    /// worker serves it.
    func apply(_ documents: [AppliedFile], _ options: ApplyOptions) async -> ApplyReport

    /// Removes one resource from the folder, once the set without it is valid.
    func delete(_ resource: ResourceIdentity, _ options: ApplyOptions) async -> ApplyReport

    /// The chain that a service account of this node serves with; `nil` if it has none here.
    func certificate(of id: SPIFFEID) async -> CertificateReport?

    /// A call of the past; `nil` if it is not, or no longer, remembered.
    func decision(id: String) async -> DecisionReport?

    /// A Config of the snapshot as it is now; `nil`: nothing is known of it yet.
    func config(_ name: ResourceName) async -> ConfigReport?

    /// What a Config of the snapshot was here; `nil`: this process stops.
    func configHistory(_ name: ResourceName) async -> ConfigHistoryReport?

    /// A Config of the snapshot as it was once.
    /// - Parameter revision: Digits that it begins with.
    /// - Returns: `nil`: this process stops.
    func pastConfig(_ name: ResourceName, revision: String) async -> PastConfigReport?

    /// Takes a process for a workload's from now on, if it may be one.
    func start(_ workload: ResourceName, _ caller: WorkloadCaller) async -> ExecAnswer

    /// Everything that is counted, in Prometheus' text format.
    func metricsText() async -> String

    /// The bytes of a manifest, by the path that positions name it with, or its absolute one: for excerpts. `nil` where it cannot be had.
    func source(of path: String) async -> [UInt8]?
}

/// Whether a mesh can be sent calls.
package struct Readiness: Sendable, Hashable {
    package enum Phase: Sendable, Hashable {
        /// No generation serves yet.
        case starting
        case serving
        /// What is in flight is answered, and nothing new is taken.
        case draining
    }

    package let phase: Phase
    /// What of it is held back, because this host stands in its way.
    package let heldBack: [Diagnostic]

    package init(_ phase: Phase, heldBack: [Diagnostic] = []) {
        self.phase = phase
        self.heldBack = heldBack
    }
}

package struct ApplyOptions: Sendable, Hashable {
    /// Check, and write nothing.
    package var isDryRun: Bool
    /// Take up an empty set too. Together with no documents: confirm that the folder was meant to be emptied.
    package var prunes: Bool

    package init(isDryRun: Bool = false, prunes: Bool = false) {
        self.isDryRun = isDryRun
        self.prunes = prunes
    }
}
