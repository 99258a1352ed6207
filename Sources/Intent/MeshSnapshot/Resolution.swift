import Diagnostics
import Manifests

/// What came of cross-checking the files of a folder.
package struct Resolution: Sendable {
    /// `nil` if and only if `diagnostics` holds an error.
    package let snapshot: MeshSnapshot?
    /// Those of the files' decoding too; by position.
    package let diagnostics: [Diagnostic]

    /// Makes one checked whole of a folder's files. Never stops at the first mistake.
    /// - Parameters:
    ///   - node: Which node this process is, as `--node` names it.
    ///   - requiresNode: In a mesh with nodes, `node` must be given: to run, yes; to check a folder, no.
    ///   - isNew: Whether a place is part of what a person is about to add: of two that exclude each other that is at fault.
    package init(
        _ files: [ManifestFile], node: String?, requiresNode: Bool = true,
        isNew: (SourcePosition) -> Bool = { _ in false }
    ) {
        var resolver = SnapshotResolver(files)
        let resolved = resolver.resolve(node: node, requiresNode: requiresNode, isNew: isNew)
        diagnostics = resolver.diagnostics.sortedByPosition()
        snapshot = diagnostics.contains { $0.severity == .error } ? nil : resolved
    }
}

extension MeshSnapshot {
    /// Resources a mesh may have. More are refused before anything else is looked at.
    package static let maximumResourceCount = 100_000
}
