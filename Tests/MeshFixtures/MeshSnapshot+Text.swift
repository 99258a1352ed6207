package import Diagnostics
import Manifests
import MeshSnapshot

/// Manifests that a test took for right.
package struct BadManifests: Error, CustomStringConvertible {
    package let diagnostics: [Diagnostic]

    package init(_ diagnostics: [Diagnostic]) { self.diagnostics = diagnostics }

    package var description: String { diagnostics.map(\.description).joined(separator: "\n") }
}

extension MeshSnapshot {
    /// Of one file.
    package init(_ manifests: String, file: String = "test.yaml", node: String? = nil) throws(BadManifests) {
        let resolution = Resolution([ManifestDecoder.decode(Array(manifests.utf8), path: file)], node: node)
        guard let snapshot = resolution.snapshot else {
            throw BadManifests(resolution.diagnostics.filter { $0.severity == .error })
        }
        self = snapshot
    }
}
