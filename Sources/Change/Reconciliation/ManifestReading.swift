package import Diagnostics
package import Manifests

/// What reconciliation needs to know of manifests, and no more: it moves sets of files, and leaves their meaning to
/// `Manifests` and `MeshSnapshot`. All functions are pure, and may be called from several threads at once.
package protocol ManifestReading<Snapshot>: Sendable {
    /// One decoded file.
    associatedtype File: Sendable
    /// The cross-checked whole.
    associatedtype Snapshot: Sendable

    /// Never fails: mistakes are in the file's diagnostics.
    func decode(_ bytes: [UInt8], path: String) -> File

    /// The resources of a file in the order they stand there.
    func resources(of file: File) -> [ResourceMention]

    /// How many resources a file has: `resources(of:).count`, without making the list.
    func resourceCount(of file: File) -> Int

    /// Mistakes found while decoding.
    func diagnostics(of file: File) -> [Diagnostic]

    /// Cross-checks the whole set. The snapshot is `nil` if and only if a diagnostic is an error; those of decoding are
    /// among them.
    /// - Parameter isNew: Whether a place is part of what a person is about to add.
    func resolve(
        _ files: [File], isNew: (SourcePosition) -> Bool
    ) -> (snapshot: Snapshot?, diagnostics: [Diagnostic])

    /// Warnings about a valid set.
    func lint(_ snapshot: Snapshot) -> [Diagnostic]

    /// Files besides the manifests that the snapshot depends on (certificates and keys): absolute paths, or relative
    /// to the manifests folder. A change to one makes a new generation.
    func watchedFiles(of snapshot: Snapshot) -> [String]
}

/// What a resource is called, and where it stands.
package struct ResourceMention: Sendable, Hashable {
    package let identity: ResourceIdentity
    /// Somewhere within the resource's document.
    package let position: SourcePosition

    package init(_ identity: ResourceIdentity, at position: SourcePosition) {
        self.identity = identity
        self.position = position
    }
}
