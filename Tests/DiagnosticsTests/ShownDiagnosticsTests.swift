import Testing

@testable import Diagnostics

private func diagnostics(_ count: Int, _ severity: Diagnostic.Severity) -> [Diagnostic] {
    (0..<count).map { number in
        Diagnostic(
            Diagnostic.Code("test.wrong"), severity, at: SourcePosition(file: "a", line: number + 1, column: 1),
            found: "\(number)", expected: "b", remedy: "c")
    }
}

@Test func `of very many diagnostics a hundred are shown, and how many more there are`() {
    let text = Diagnostic.rendered(diagnostics(33_332, .error)) { _ in nil }
    #expect(text.utf8.count < 20_000)
    #expect(text.hasSuffix("\n33232 more errors are not shown\n"))
    #expect(text.contains("found 99,") && !text.contains("found 100,"))
}

@Test func `a hundred are all shown`() {
    let shown = ShownDiagnostics(diagnostics(100, .error))
    #expect(shown.shown.count == 100)
    #expect(shown.rest == nil)
}

@Test func `no error is hidden behind warnings`() {
    let shown = ShownDiagnostics(diagnostics(150, .warning) + diagnostics(2, .error))
    #expect(shown.shown.count { $0.severity == .error } == 2)
    #expect(shown.shown.count == 100)
    #expect((shown.errorsLeftOut, shown.warningsLeftOut) == (0, 52))
    #expect(shown.rest == "52 more warnings are not shown")
    #expect(ShownDiagnostics(diagnostics(101, .error)).rest == "1 more error is not shown")
}
