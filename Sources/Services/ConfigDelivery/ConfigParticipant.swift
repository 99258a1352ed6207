package import Diagnostics
import Manifests
package import MeshSnapshot
package import Reconciliation
import ServiceContracts
import Telemetry

/// Has the board follow what each generation says of configs, and files be kept as they are.
package final class ConfigParticipant: SnapshotParticipant {
    private let board: ConfigBoard
    private let files: ProjectionKeeper?
    private let schemas: SchemaLoading

    /// - Parameters:
    ///   - boundary: Which files schemas and their references may be.
    ///   - files: `nil`: none are kept.
    package init(_ board: ConfigBoard, _ boundary: FileBoundary, files: ProjectionKeeper? = nil) {
        self.board = board
        self.files = files
        schemas = SchemaLoading(boundary)
    }

    package func prepare(
        _ snapshot: MeshSnapshot, generation: Generation
    ) async throws(Rejection) -> any PreparedChange {
        let (plan, warnings) = try plan(of: snapshot)
        return Change(
            board: board, plan: plan, files: files, kept: Self.kept(snapshot), warnings: warnings)
    }

    package func rehearse(_ snapshot: MeshSnapshot, generation: Generation) async throws(Rejection) -> [Diagnostic] {
        try plan(of: snapshot).warnings
    }

    /// A schema that is none is a mistake of the set: without it what is wrong would be seen by programs.
    private func plan(
        of snapshot: MeshSnapshot
    ) throws(Rejection) -> (plan: ConfigBoard.Plan, warnings: [Diagnostic]) {
        let readers = LocalReaders(snapshot)
        var (configs, problems) = schemas.load(Array(snapshot.resources[Config.self]))
        for index in configs.indices {
            configs[index].isRead = readers.areThere(for: configs[index].config.metadata.name)
        }
        guard !problems.contains(where: { $0.severity == .error }) else { throw Rejection(problems) }
        return (
            ConfigBoard.Plan(configs: configs, sources: Array(snapshot.resources[ConfigSource.self])),
            problems
        )
    }

    /// With the rules of the same generation.
    private static func kept(_ snapshot: MeshSnapshot) -> ProjectionKeeper.Plan {
        let files = ProjectedFile.all(in: snapshot)
        guard !files.isEmpty else { return ProjectionKeeper.Plan() }
        var compiler = ResourceRulesCompiler(labels: LabelRegistry())
        return ProjectionKeeper.Plan(files: files, rules: compiler.compile(snapshot))
    }

    private struct Change: PreparedChange {
        let board: ConfigBoard
        let plan: ConfigBoard.Plan
        let files: ProjectionKeeper?
        let kept: ProjectionKeeper.Plan
        let warnings: [Diagnostic]

        func commit() async {
            // Before there can be a value of this generation: what its rules take away goes into no file by those of before.
            files?.adopt(kept)
            board.adopt(plan)
        }
        func abandon() async {}
    }
}

/// Has those be told whose files have changed, once the generation that says so is served. It comes after whatever serves it.
package struct ProjectionParticipant: SnapshotParticipant {
    private let files: ProjectionKeeper

    package init(_ files: ProjectionKeeper) { self.files = files }

    package func prepare(
        _ snapshot: MeshSnapshot, generation: Generation
    ) async throws(Rejection) -> any PreparedChange { Change(files: files) }

    package func rehearse(_ snapshot: MeshSnapshot, generation: Generation) async throws(Rejection) -> [Diagnostic] {
        []
    }

    private struct Change: PreparedChange {
        let files: ProjectionKeeper
        let warnings: [Diagnostic] = []

        func commit() async { files.served() }
        func abandon() async {}
    }
}
