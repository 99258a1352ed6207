package import Diagnostics

/// One file of the manifests folder, read by itself: nothing is known yet of the others.
package struct ManifestFile: Sendable {
    /// As positions name it: relative to the folder.
    package let path: String
    /// In the order they stand in the file. If `diagnostics` holds an error, some may be missing, and some may have
    /// defaults where the file has mistakes: they are good for finding further mistakes, never for serving.
    package let resources: [any Resource]
    /// By position.
    package let diagnostics: [Diagnostic]

    package init(path: String, resources: [any Resource], diagnostics: [Diagnostic]) {
        self.path = path
        self.resources = resources
        self.diagnostics = diagnostics
    }
}
