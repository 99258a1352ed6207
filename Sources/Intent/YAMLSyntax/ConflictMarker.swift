import Diagnostics

/// A line that git leaves where it could not join two changes. No manifest has one: what stands there at a line's beginning
/// is a key.
struct ConflictMarker {
    private static let all = ["<<<<<<<", "|||||||", "=======", ">>>>>>>"]

    private let text: String
    /// From 1.
    let line: Int

    /// - Parameter rest: Of the file, from the beginning of the line.
    init?(_ rest: ArraySlice<UInt8>, line: Int) {
        guard let text = Self.all.first(where: { rest.starts(with: $0.utf8) }) else { return nil }
        let isWhole = rest.dropFirst(text.utf8.count).first.map { [0x20, 0x0A, 0x0D].contains($0) } ?? true
        guard isWhole else { return nil }
        self.text = text
        self.line = line
    }

    func diagnostic(in file: String) -> Diagnostic {
        Diagnostic(
            .yamlSyntax, at: SourcePosition(file: file, line: line, column: 1, length: text.utf8.count),
            found: "\(Diagnostic.quoted(text)), which git leaves where two changes conflict",
            expected: "a file in which they are joined",
            remedy:
                "keep one of the two, or join them, and remove the lines that begin with <<<<<<<, ======= or >>>>>>>")
    }
}
