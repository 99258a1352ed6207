import Foundation

/// The text of this repository's own files, for tests that compare what the docs say with what the sources do.
struct RepositoryText {
    /// Relative to the repository's root: `docs/reference/metrics.md`.
    let path: String
    let text: String

    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    init(_ path: String) throws {
        self.path = path
        text = try String(contentsOf: Self.root.appending(path: path), encoding: .utf8)
    }

    /// All files below a folder whose names end so, sorted by path.
    static func files(below folder: String, ending suffix: String) throws -> [RepositoryText] {
        try FileManager.default.subpathsOfDirectory(atPath: root.appending(path: folder).path).sorted()
            .filter { $0.hasSuffix(suffix) }.map { try RepositoryText("\(folder)/\($0)") }
    }

    static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: root.appending(path: path).path)
    }

    /// What the pattern's group stands for, wherever it matches.
    func all<Output>(_ pattern: Regex<(Substring, Output)>) -> [Output] { text.matches(of: pattern).map(\.output.1) }

    /// What stands between back quotes at the beginning of a table's rows.
    var tableKeys: [String] {
        text.split(separator: "\n").compactMap { line in
            guard line.hasPrefix("| `"), let end = line.dropFirst(3).firstIndex(of: "`") else { return nil }
            return String(line[line.index(line.startIndex, offsetBy: 3)..<end])
        }
    }
}
