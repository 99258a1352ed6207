import Diagnostics
import YAMLSyntax

/// The mistakes of one file, as they are found.
struct Problems {
    /// Mistakes of one file that are kept: 1,000. One more says that there were others.
    static let maximumCount = 1_000

    private(set) var diagnostics: [Diagnostic] = []

    mutating func report(_ diagnostic: Diagnostic) {
        if diagnostics.count < Self.maximumCount {
            diagnostics.append(diagnostic)
        } else if diagnostics.count == Self.maximumCount {
            diagnostics.append(
                Diagnostic(
                    .tooManyMistakes, at: diagnostic.position, found: "more than \(Self.maximumCount) mistakes",
                    expected: "a manifest", remedy: "mend the mistakes above first"))
        }
    }

    mutating func report(
        _ code: Diagnostic.Code, at position: SourcePosition, found: String, expected: String, remedy: String
    ) {
        report(Diagnostic(code, at: position, found: found, expected: expected, remedy: remedy))
    }

    /// A value of the wrong type, or one that cannot be.
    mutating func report(_ code: Diagnostic.Code, _ node: YAMLNode, expected: String, remedy: String) {
        var remedy = remedy
        if case .scalar(let scalar) = node.content, scalar.isPlain, !remedy.contains(LookAlikes.phrase),
            let note = LookAlikes.markNote(in: scalar.text)
        {
            remedy = "write blanks and quotation marks as the keyboard has them: \(note)"
        }
        report(code, at: node.position, found: node.summary, expected: expected, remedy: remedy)
    }

    /// A part of the specification that this version does not have.
    mutating func reportUnavailable(_ what: String, at position: SourcePosition, remedy: String) {
        report(
            .notAvailable, at: position, found: what,
            expected: "what this version can do: \(what) is not available yet",
            remedy: remedy)
    }
}
