import Authorization
import Diagnostics
import Glibc
import Manifests
import MeshSnapshot
import Reconciliation

/// Manifests read and judged without a running mesh: everything a reload would check of them, and the lint.
struct ManifestSet {
    /// `nil` if and only if a diagnostic is an error.
    let snapshot: MeshSnapshot?
    let fileCount: Int
    let resourceCount: Int
    /// By position; files are named below the path the user gave.
    let diagnostics: [Diagnostic]
    private let sources: [String: [UInt8]]

    var errorCount: Int { diagnostics.count { $0.severity == .error } }
    var warningCount: Int { diagnostics.count { $0.severity == .warning } }

    /// - Parameters:
    ///   - path: a folder, or one file.
    ///   - node: which node the set is for; `nil`: none in particular.
    init(at path: String, node: String? = nil) {
        let isFile = Self.isFile(path)
        let prefix = path == "." || isFile ? "" : path.hasSuffix("/") ? path : path + "/"
        var files: [(path: String, bytes: [UInt8])] = []
        var problems: [Diagnostic] = []
        let absolute = StateLocation.absolute(path)
        if isFile {
            let scan = FolderScan(ofFile: absolute, as: path)
            files = scan.files.map { ($0.path, $0.bytes) }
            problems = scan.problems
        } else {
            let scan = FolderScan(of: absolute)
            files = scan.files.map { (prefix + $0.path, $0.bytes) }
            problems = scan.problems.map { $0.moved(to: $0.position.file == "." ? path : prefix + $0.position.file) }
        }
        sources = Dictionary(uniqueKeysWithValues: files.map { ($0.path, $0.bytes) })
        fileCount = files.count
        let decoded = files.map { ManifestDecoder.decode($0.bytes, path: $0.path) }
        resourceCount = decoded.reduce(0) { $0 + $1.resources.count }
        let resolution = MeshSnapshot.resolve(decoded, node: node, requiresNode: false)
        problems += resolution.diagnostics
        if let snapshot = resolution.snapshot {
            problems += PolicyLint.check(snapshot)
            problems += CredentialFileCheck.problems(
                of: snapshot, folder: StateLocation.absolute(isFile ? "." : path), at: .now)
        }
        diagnostics = problems.sortedByPosition()
        let hasError = problems.contains { $0.severity == .error }
        snapshot = hasError ? nil : resolution.snapshot
    }

    /// With excerpts, for people.
    var renderedDiagnostics: String { Diagnostic.rendered(diagnostics) { sources[$0] } }

    private static func isFile(_ path: String) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }
}

extension Diagnostic {
    /// The same in a file of another name.
    func moved(to file: String) -> Diagnostic {
        Diagnostic(
            code, severity,
            at: SourcePosition(file: file, line: position.line, column: position.column, length: position.length),
            found: found, expected: expected, remedy: remedy)
    }
}
