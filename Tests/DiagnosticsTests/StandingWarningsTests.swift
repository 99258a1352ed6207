import Testing

@testable import Diagnostics

private func warning(_ found: String, line: Int = 1, _ severity: Diagnostic.Severity = .warning) -> Diagnostic {
    Diagnostic(
        Diagnostic.Code("policy.never-matches"), severity, at: SourcePosition(file: "a.yaml", line: line, column: 1),
        found: found, expected: "b", remedy: "c")
}

@Test func `a warning that stands already is not told again, wherever it has moved to`() {
    var warnings = StandingWarnings()
    #expect(warnings.replace(with: [warning("a"), warning("b")]).count == 2)
    #expect(warnings.replace(with: [warning("a", line: 7), warning("b")]) == [])
    #expect(warnings.replace(with: [warning("a"), warning("a", line: 9), warning("c")]).map(\.found) == ["a", "c"])
}

@Test func `a warning that went and comes back is told again`() {
    var warnings = StandingWarnings()
    _ = warnings.replace(with: [warning("a")])
    _ = warnings.replace(with: [])
    #expect(warnings.replace(with: [warning("a")]).count == 1)
}

@Test func `what is held back as before is not told again, and is if it had been mended in between`() {
    var warnings = StandingWarnings()
    #expect(warnings.replace(with: [warning("a", .error), warning("b", .error)]).count == 2)
    #expect(warnings.replace(with: [warning("a", line: 7, .error), warning("b", .error)]) == [])
    warnings.forgetErrors(but: [warning("b", .error)])
    #expect(warnings.replace(with: [warning("a", .error), warning("b", .error)]).map(\.found) == ["a"])
}

@Test func `errors of a refused set are always told`() {
    var warnings = StandingWarnings()
    _ = warnings.replace(with: [warning("a"), warning("a", .error)])
    #expect(warnings.withoutThose(in: [warning("a"), warning("a", .error)]).map(\.severity) == [.error])
}
