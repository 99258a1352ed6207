package import Diagnostics
import SystemInterfaces

/// A folder of manifests read once, by the same rules as the watcher's: which files count, links, limits.
package struct FolderScan: Sendable {
    /// Sorted by path.
    package let files: [ManifestSource]
    /// What cannot be read, by path.
    package let problems: [Diagnostic]
    /// Of what changes left beside the manifests.
    package let warnings: [Diagnostic]

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
        warnings = UnrecordedChange.found(in: listing).map(\.warning)
    }

    /// One file, whatever its name.
    /// - Parameters:
    ///   - file: absolute.
    ///   - path: what it is to be called.
    package init(ofFile file: String, as path: String) { self.init(Self.read(file, as: path, isNamed: true)) }

    /// What comes to its end of a stream that is open, whatever it is: a file, a pipe, a terminal.
    /// - Parameter path: what it is to be called.
    package init(ofStream descriptor: CInt, as path: String) {
        do throws(SystemCallError) {
            let content = try FileAccess.readToEnd(descriptor, limit: ManifestSource.byteLimit)
            self.init(Self.source(content, path, isNamed: true))
        } catch {
            self.init(.failure(FileProblem.unreadable(path, error, what: "a stream")))
        }
    }

    private init(_ read: Result<ManifestSource, Diagnostic>) {
        switch read {
        case .success(let source): (files, problems) = ([source], [])
        case .failure(let problem): (files, problems) = ([], [problem])
        }
        warnings = []
    }

    /// - Parameter isNamed: A person named it, and a folder does not hold it.
    private static func read(
        _ absolute: String, as path: String, isNamed: Bool = false
    ) -> Result<ManifestSource, Diagnostic> {
        do throws(SystemCallError) {
            return source(try FileAccess.read(absolute, limit: ManifestSource.byteLimit), path, isNamed: isNamed)
        } catch {
            if isNamed, error.isMissing, FileAccess.isAbsent(absolute) { return .failure(FileProblem.missing(path)) }
            return .failure(FileProblem.unreadableManifest(path, at: absolute, error))
        }
    }

    private static func source(
        _ content: FileAccess.Content, _ path: String, isNamed: Bool
    ) -> Result<ManifestSource, Diagnostic> {
        if case .bytes(let bytes, _) = content { return .success(ManifestSource(path: path, bytes: bytes)) }
        return .failure(
            FileProblem.of(content, path, isNamed: isNamed)
                ?? FileProblem.problem(
                    .folderUnreadable, path, found: "a file that is being written", expected: "a whole file",
                    remedy: "try again once it is written"))
    }
}
