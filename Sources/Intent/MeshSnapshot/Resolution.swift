package import Diagnostics
package import Manifests

/// What came of cross-checking the files of a folder.
package struct Resolution: Sendable {
    /// `nil` if and only if `diagnostics` holds an error.
    package let snapshot: MeshSnapshot?
    /// All that the files hold, whatever is wrong with it.
    package let resources: ResourceSet
    /// Those of the files' decoding too; by position.
    package let diagnostics: [Diagnostic]

    /// Makes one checked whole of a folder's files. Never stops at the first mistake.
    /// - Parameters:
    ///   - node: Which node this process is, as `--node` names it.
    ///   - requiresNode: In a mesh with nodes, `node` must be given: to run, yes; to check a folder, no.
    ///   - kinds: what the files may hold.
    ///   - isNew: Whether a place is part of what a person is about to add: of two that exclude each other that is at fault.
    package init(
        _ files: [ManifestFile], node: String?, requiresNode: Bool = true, kinds: KindRegistry = Kinds.all,
        isNew: (SourcePosition) -> Bool = { _ in false }
    ) {
        if let tooMany = Self.tooMany(files) {
            diagnostics = (files.flatMap(\.diagnostics) + [tooMany]).sortedByPosition()
            resources = kinds.set(of: []).set
            snapshot = nil
            return
        }
        var resolver = SnapshotResolver(files, kinds)
        resources = resolver.set
        let resolved = resolver.resolve(node: node, requiresNode: requiresNode, isNew: isNew)
        diagnostics = resolver.diagnostics.sortedByPosition()
        snapshot = diagnostics.contains { $0.severity == .error } ? nil : resolved
    }

    private static func tooMany(_ files: [ManifestFile]) -> Diagnostic? {
        let count = files.reduce(0) { $0 + $1.resources.count }
        guard count > MeshSnapshot.maximumResourceCount else { return nil }
        let resources = files.sorted { $0.path < $1.path }.lazy.flatMap(\.resources)
        let first = resources.dropFirst(MeshSnapshot.maximumResourceCount).first
        return Diagnostic(
            .tooManyResources, at: first?.metadata.position ?? .manifestsFolder, found: "\(count) resources",
            expected: "at most \(MeshSnapshot.maximumResourceCount)",
            remedy: "split the mesh, or remove what is not used")
    }
}

extension MeshSnapshot {
    /// Resources a mesh may have. More are refused before anything else is looked at.
    package static let maximumResourceCount = 100_000
}
