import AdminAPI
import Diagnostics
import MeshSnapshot
import NodeServing
import Reconciliation
import WorkloadIdentity

/// What there is to say of this host while a set serves, as it is now. The one place that knows: `status`, `apply`, probes,
/// metrics, the log and SIGHUP say the same.
struct HostState: Sendable {
    let retries: HeldBackRetries<MeshSnapshot>
    let keeper: LastGoodKeeper
    let leftovers: Leftovers
    let participant: ServingParticipant

    /// What it stands in the way of, which are errors: when the set was taken up, or since, as an authority that is over by now.
    var heldBack: [Diagnostic] {
        // What failed is tried again first: the authority's files may be others since.
        _ = participant.issuer.problemNow()
        return retries.heldBack
    }

    /// What of it is so whichever set serves, or would.
    var heldBackWithAnySet: [Diagnostic] { heldBack.filter { Self.codesOfAnySet.contains($0.code) } }

    /// What there is to say of the folders besides: of what was kept, and of what changes left behind.
    var ofFolders: [Diagnostic] {
        [keeper.problem].compactMap(\.self).filter { $0.severity != .error } + leftovers.diagnostics
    }

    /// What else comes and goes while the same set serves.
    var warnings: [Diagnostic] { participant.warningsOfNow }

    var diagnostics: [Diagnostic] { heldBack + ofFolders + warnings }

    /// Whether something is said of the host, and not of the set.
    static func isOfHost(_ diagnostic: Diagnostic) -> Bool {
        diagnostic.severity == .error || codes.contains(diagnostic.code)
    }

    private static let codesOfAnySet: Set<Diagnostic.Code> = [.stateUnavailable, .adminSocket]
    private static let codes = ServingParticipant.codesOfNow.union([
        .stateDamaged, .stateUnavailable, .leftBehind, .interruptedElsewhere,
    ])
}
