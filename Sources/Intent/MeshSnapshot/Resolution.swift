import Diagnostics
import Manifests

/// What came of cross-checking the files of a folder.
package struct Resolution: Sendable {
    /// `nil` if and only if `diagnostics` holds an error.
    package let snapshot: MeshSnapshot?
    /// Those of the files' decoding too; by position.
    package let diagnostics: [Diagnostic]
}

extension MeshSnapshot {
    /// Resources a mesh may have. More are refused before anything else is looked at.
    package static let maximumResourceCount = 100_000

    /// Makes one checked whole of a folder's files. Never stops at the first mistake.
    /// - Parameters:
    ///   - node: Which node this process is, as `--node` names it.
    ///   - requiresNode: In a mesh with nodes, `node` must be given: to run, yes; to check a folder, no.
    package static func resolve(_ files: [ManifestFile], node: String?, requiresNode: Bool = true) -> Resolution {
        var resolver = SnapshotResolver(files)
        let snapshot = resolver.resolve(node: node, requiresNode: requiresNode)
        let diagnostics = resolver.diagnostics.sortedByPosition()
        let hasError = diagnostics.contains { $0.severity == .error }
        return Resolution(snapshot: hasError ? nil : snapshot, diagnostics: diagnostics)
    }
}
