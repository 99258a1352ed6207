/// The warnings that people were told of, and the errors of what is held back: a set which is taken up again and again does
/// not repeat them each time, and what was told and is over is told to be over.
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

    /// All that stand.
    package private(set) var diagnostics: [Diagnostic] = []

    package init() {}

    /// What became of them.
    package struct Change: Sendable, Equatable {
        /// What did not stand before.
        package let new: [Diagnostic]
        /// What stands no more.
        package let over: [Diagnostic]
    }

    /// - Parameters:
    ///   - part: What may be otherwise by now; all else stands as before.
    ///   - diagnostics: What there is of that part.
    package mutating func replace(
        _ part: (Diagnostic) -> Bool = { _ in true }, with diagnostics: [Diagnostic]
    ) -> Change {
        let former = self.diagnostics.filter(part)
        // As nearly always: no need to look each one up.
        guard !former.elementsEqual(diagnostics, by: { Message($0) == Message($1) }) else {
            self.diagnostics = self.diagnostics.filter { !part($0) } + diagnostics
            return Change(new: [], over: [])
        }
        let change = Change(
            new: Self.without(former, diagnostics), over: Self.without(diagnostics, former))
        self.diagnostics = self.diagnostics.filter { !part($0) } + diagnostics
        return change
    }

    /// All of a refused set but the warnings that stand already.
    package func withoutThose(in refused: [Diagnostic]) -> [Diagnostic] {
        Self.without(diagnostics, refused) { $0.severity == .warning }
    }

    /// Of `diagnostics` what is not among `known`, each as often as there are more of it.
    private static func without(
        _ known: [Diagnostic], _ diagnostics: [Diagnostic], where mayStand: (Diagnostic) -> Bool = { _ in true }
    ) -> [Diagnostic] {
        var counts = Dictionary(known.map { (Message($0), 1) }, uniquingKeysWith: +)
        return diagnostics.filter { diagnostic in
            guard mayStand(diagnostic), let count = counts[Message(diagnostic)], count > 0 else { return true }
            counts[Message(diagnostic)] = count - 1
            return false
        }
    }
}
