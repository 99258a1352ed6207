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
            do throws(FileError) {
                switch try FileAccess.read(absolute, limit: FolderReader.fileByteLimit) {
                case .bytes(let bytes, _): files.append(ManifestSource(path: path, bytes: bytes))
                case .busy:
                    problems[path] = Self.problem(
                        .folderUnreadable, path, found: "a file that is being written", expected: "a whole file",
                        remedy: "try again once it is written")
                case .tooLarge(let byteCount):
                    problems[path] = Self.problem(
                        .fileTooLarge, path, found: "\(byteCount) bytes",
                        expected: "at most \(FolderReader.fileByteLimit) bytes (4 MiB)", remedy: "split the file")
                case .notAFile(let what):
                    problems[path] = Self.problem(
                        .notAFile, path, found: what, expected: "a file",
                        remedy: "rename it so that it does not end in .yaml or .yml, or move it elsewhere")
                }
            } catch {
                problems[path] = Self.problem(
                    .folderUnreadable, path, found: error.explanation, expected: "a file that can be read",
                    remedy: "let this user read it")
            }
        }
        self.files = files.sorted { $0.path < $1.path }
        self.problems = problems.values.sorted { $0.position < $1.position }
    }

    private static func problem(
        _ code: Diagnostic.Code, _ path: String, found: String, expected: String, remedy: String
    ) -> Diagnostic {
        Diagnostic(
            code, at: SourcePosition(file: path, line: 1, column: 1), found: found, expected: expected, remedy: remedy)
    }
}
