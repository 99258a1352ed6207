import SystemInterfaces

/// What this process itself made of manifests. Of a change that was not made, nothing.
package struct EditedFiles: Sendable {
    struct File {
        let source: ManifestSource
        /// Of before it had its name: whoever writes to it later changes it.
        let signature: FileSignature
    }

    /// By path.
    var files: [String: File] = [:]
    var gone: Set<String> = []

    package init() {}
}
