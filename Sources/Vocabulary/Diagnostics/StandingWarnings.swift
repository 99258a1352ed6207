/// The warnings that people were told of, and the errors of what is held back, so that a set which is taken up again and
/// again does not repeat them each time.
package struct StandingWarnings: Sendable {
    /// What a warning says, wherever in its file it has moved to by an edit above it.
    private struct Message: Hashable {
        let code: Diagnostic.Code
        let severity: Diagnostic.Severity
        let file: String
        let found: String
        let expected: String

        init(_ diagnostic: Diagnostic) {
            code = diagnostic.code
            severity = diagnostic.severity
            file = diagnostic.position.file
            found = diagnostic.found
            expected = diagnostic.expected
        }
    }

    /// How often each stands in the set.
    private var counts: [Message: Int] = [:]

    package init() {}

    /// Another set serves.
    /// - Parameter diagnostics: Its errors are of what is held back.
    /// - Returns: Those that the former one had not.
    package mutating func replace(with diagnostics: [Diagnostic]) -> [Diagnostic] {
        let new = without(diagnostics) { _ in true }
        counts = Dictionary(diagnostics.map { (Message($0), 1) }, uniquingKeysWith: +)
        return new
    }

    /// What is held back is less by now: what comes back is new.
    package mutating func forgetErrors(but heldBack: [Diagnostic]) {
        let left = Set(heldBack.map(Message.init))
        counts = counts.filter { $0.key.severity != .error || left.contains($0.key) }
    }

    /// All of a refused set but the warnings that stand already.
    package func withoutThose(in diagnostics: [Diagnostic]) -> [Diagnostic] {
        without(diagnostics) { $0.severity == .warning }
    }

    private func without(_ diagnostics: [Diagnostic], where mayStand: (Diagnostic) -> Bool) -> [Diagnostic] {
        var known = counts
        return diagnostics.filter { diagnostic in
            guard mayStand(diagnostic), let count = known[Message(diagnostic)], count > 0 else { return true }
            known[Message(diagnostic)] = count - 1
            return false
        }
    }
}
