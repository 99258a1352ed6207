import Diagnostics

/// A folder of manifests read once, by the same rules as the watcher's: which files count, links, limits.
package struct FolderScan: Sendable {
    /// Sorted by path.
    package let files: [ManifestSource]
    /// What cannot be read, by path.
    package let problems: [Diagnostic]

    /// - Parameter folder: absolute.
    package init(of folder: String) {
        let listing = FolderListing(of: folder) { _, _ in }
        var files: [ManifestSource] = []
        var problems = listing.problems
        for (path, absolute) in listing.files {
            switch Self.read(absolute, as: path) {
            case .success(let source): files.append(source)
            case .failure(let problem): problems[path] = problem
            }
        }
        self.files = files.sorted { $0.path < $1.path }
        self.problems = problems.values.sorted { $0.position < $1.position }
    }

    /// One file, whatever its name.
    /// - Parameters:
    ///   - file: absolute.
    ///   - path: what it is to be called.
    package init(ofFile file: String, as path: String) {
        switch Self.read(file, as: path) {
        case .success(let source): (files, problems) = ([source], [])
        case .failure(let problem): (files, problems) = ([], [problem])
        }
    }

    private static func read(_ absolute: String, as path: String) -> Result<ManifestSource, Diagnostic> {
        do throws(FileError) {
            let content = try FileAccess.read(absolute, limit: FolderReader.fileByteLimit)
            if case .bytes(let bytes, _) = content { return .success(ManifestSource(path: path, bytes: bytes)) }
            return .failure(
                FileProblem.of(content, path)
                    ?? FileProblem.problem(
                        .folderUnreadable, path, found: "a file that is being written", expected: "a whole file",
                        remedy: "try again once it is written"))
        } catch {
            return .failure(FileProblem.unreadableManifest(path, at: absolute, error))
        }
    }
}
