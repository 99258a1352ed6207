import Diagnostics
import Manifests
import MeshSnapshot
import Reconciliation

/// Keeps a set from serving while one of the files it names lies elsewhere than it may: where links lead is the host's affair,
/// and may be mended there.
struct BoundaryParticipant: SnapshotParticipant {
    let boundary: FileBoundary

    func prepare(_ snapshot: MeshSnapshot, generation: Generation) async throws(Rejection) -> any PreparedChange {
        try check(snapshot)
        return Nothing()
    }

    func rehearse(_ snapshot: MeshSnapshot, generation: Generation) async throws(Rejection) -> [Diagnostic] {
        try check(snapshot)
        return []
    }

    private func check(_ snapshot: MeshSnapshot) throws(Rejection) {
        guard boundary.isBounded else { return }
        let problems = snapshot.resources.paths.compactMap { boundary.strays($0.value, at: $0.position) }
        if !problems.isEmpty { throw Rejection(problems.sortedByPosition()) }
    }

    private struct Nothing: PreparedChange {
        func commit() async {}
        func abandon() async {}
    }
}
