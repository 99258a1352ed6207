package import Diagnostics
import Manifests
package import MeshSnapshot
package import Reconciliation

/// Has the board follow what each generation says of configs.
package final class ConfigParticipant: SnapshotParticipant {
    private let board: ConfigBoard
    private let schemas: SchemaLoading

    /// - Parameter folder: The manifests folder, absolute.
    package init(_ board: ConfigBoard, folder: String) {
        self.board = board
        schemas = SchemaLoading(folder: folder)
    }

    package func prepare(
        _ snapshot: MeshSnapshot, generation: Generation
    ) async throws(Rejection) -> any PreparedChange {
        let (plan, warnings) = try plan(of: snapshot)
        return Change(board: board, plan: plan, warnings: warnings)
    }

    package func rehearse(_ snapshot: MeshSnapshot, generation: Generation) async throws(Rejection) -> [Diagnostic] {
        try plan(of: snapshot).warnings
    }

    /// A schema that is none is a mistake of the set: without it what is wrong would be seen by programs.
    private func plan(
        of snapshot: MeshSnapshot
    ) throws(Rejection) -> (plan: ConfigBoard.Plan, warnings: [Diagnostic]) {
        let (configs, problems) = schemas.load(Array(snapshot.resources[Config.self]))
        guard !problems.contains(where: { $0.severity == .error }) else { throw Rejection(problems) }
        let unserved = snapshot.resources[Config.self].flatMap(\.unserved)
        return (
            ConfigBoard.Plan(configs: configs, sources: Array(snapshot.resources[ConfigSource.self])),
            problems + unserved
        )
    }

    private struct Change: PreparedChange {
        let board: ConfigBoard
        let plan: ConfigBoard.Plan
        let warnings: [Diagnostic]

        func commit() async { board.adopt(plan) }
        func abandon() async {}
    }
}

extension Config {
    /// What is read and checked, and not done yet: it is said, and not passed over.
    fileprivate var unserved: [Diagnostic] {
        let places =
            projections.map { ($0.path.position, "a file that is kept as the values are") }
            + [pinnedRevision].compactMap { $0 }.map { ($0.position, "a revision that holds") }
        return places.map { position, found in
            Diagnostic(
                .notAvailable, .warning, at: position, found: found, expected: "what this version can do",
                remedy: "read the values at config.mesh, where the newest are")
        }
    }
}
