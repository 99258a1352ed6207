/// The warnings that people were told of, so that a set which is taken up again and again does not repeat them each time.
package struct StandingWarnings: Sendable {
    /// What a warning says, wherever in its file it has moved to by an edit above it.
    private struct Message: Hashable {
        let code: Diagnostic.Code
        let file: String
        let found: String
        let expected: String

        init(_ diagnostic: Diagnostic) {
            code = diagnostic.code
            file = diagnostic.position.file
            found = diagnostic.found
            expected = diagnostic.expected
        }
    }

    /// How often each stands in the set.
    private var counts: [Message: Int] = [:]

    package init() {}

    /// Another set serves.
    /// - Returns: Its warnings that the former one had not.
    package mutating func replace(with warnings: [Diagnostic]) -> [Diagnostic] {
        let new = withoutThose(in: warnings)
        counts = Dictionary(warnings.map { (Message($0), 1) }, uniquingKeysWith: +)
        return new
    }

    /// All but the warnings that stand already.
    package func withoutThose(in diagnostics: [Diagnostic]) -> [Diagnostic] {
        var known = counts
        return diagnostics.filter { diagnostic in
            guard diagnostic.severity == .warning, let count = known[Message(diagnostic)], count > 0 else {
                return true
            }
            known[Message(diagnostic)] = count - 1
            return false
        }
    }
}
