import Authorization
import CommonValues
import Diagnostics
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
    /// Nodes whose selectors and guards were not held against this host, as which of them it is was not said.
    let uncheckedNodes: [String]
    private let sources: [String: [UInt8]]

    var errorCount: Int { diagnostics.count { $0.severity == .error } }
    var warningCount: Int { diagnostics.count { $0.severity == .warning } }

    /// - Parameters:
    ///   - path: as `NamedManifests` takes it.
    ///   - node: which node the set is for; `nil`: none in particular.
    init(at path: String, node: String? = nil) {
        self.init(NamedManifests(at: path), node: node, isOfThisHost: true, boundary: nil)
    }

    /// What is to serve on other hosts: what it names of them is not looked at here.
    /// - Parameter boundary: Which files it may name.
    init(_ named: NamedManifests, boundary: FileBoundary?) {
        self.init(named, node: nil, isOfThisHost: false, boundary: boundary)
    }

    private init(_ named: NamedManifests, node: String?, isOfThisHost: Bool, boundary: FileBoundary?) {
        let files = named.files
        var problems = named.problems + named.warnings
        sources = Dictionary(uniqueKeysWithValues: files.map { ($0.path, $0.bytes) })
        fileCount = files.count
        let decoded = files.map { ManifestDecoder.decode($0.bytes, path: $0.path) }
        resourceCount = decoded.reduce(0) { $0 + $1.resources.count }
        let resolution = Resolution(decoded, node: node, requiresNode: false)
        problems += resolution.diagnostics
        if let snapshot = resolution.snapshot { problems += PolicyLint.check(snapshot) }
        if let boundary {
            problems += resolution.resources.paths.compactMap { boundary.mistake(in: $0.value, at: $0.position) }
        }
        let hostCheck = HostSelectorCheck(resolution.resources, node: node)
        uncheckedNodes = hostCheck.uncheckedNodes
        if isOfThisHost {
            problems += CredentialFileCheck.problems(of: resolution.resources, folder: named.folder, at: .now)
            problems += hostCheck.warnings()
        }
        diagnostics = problems.sortedByPosition()
        let hasError = problems.contains { $0.severity == .error }
        snapshot = hasError ? nil : resolution.snapshot
    }

    /// With excerpts, for people.
    var renderedDiagnostics: String { Diagnostic.rendered(diagnostics) { sources[$0] } }
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
