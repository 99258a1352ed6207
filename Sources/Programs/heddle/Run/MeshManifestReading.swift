import Authorization
import Diagnostics
import Manifests
import MeshSnapshot
import Reconciliation

/// What manifests mean, for reconciliation: this node's reading of them.
struct MeshManifestReading: ManifestReading {
    let node: String?
    let boundary: FileBoundary

    func decode(_ bytes: [UInt8], path: String) -> ManifestFile { ManifestDecoder.decode(bytes, path: path) }

    func resources(of file: ManifestFile) -> [ResourceMention] {
        file.resources.map { ResourceMention(ResourceIdentity($0.kind, $0.metadata.name), at: $0.metadata.position) }
    }

    func resourceCount(of file: ManifestFile) -> Int { file.resources.count }

    func diagnostics(of file: ManifestFile) -> [Diagnostic] { file.diagnostics }

    func resolve(
        _ files: [ManifestFile], isNew: (SourcePosition) -> Bool
    ) -> (snapshot: MeshSnapshot?, diagnostics: [Diagnostic]) {
        let resolution = Resolution(files, node: node, isNew: isNew)
        guard boundary.isBounded else { return (resolution.snapshot, resolution.diagnostics) }
        let outside = resolution.resources.paths.compactMap { boundary.mistake(in: $0.value, at: $0.position) }
        guard outside.isEmpty else { return (nil, (resolution.diagnostics + outside).sortedByPosition()) }
        return (resolution.snapshot, resolution.diagnostics)
    }

    func lint(_ snapshot: MeshSnapshot) -> [Diagnostic] { PolicyLint.check(snapshot) }

    func watchedFiles(of snapshot: MeshSnapshot) -> [String] { snapshot.resources.files }
}
