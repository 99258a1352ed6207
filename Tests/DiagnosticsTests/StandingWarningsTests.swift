import Testing

@testable import Diagnostics

private func warning(_ found: String, line: Int = 1, _ severity: Diagnostic.Severity = .warning) -> Diagnostic {
    Diagnostic(
        Diagnostic.Code("policy.never-matches"), severity, at: SourcePosition(file: "a.yaml", line: line, column: 1),
        found: found, expected: "b", remedy: "c")
}

@Test func `a warning that stands already is not told again, wherever it has moved to`() {
    var warnings = StandingWarnings()
    #expect(warnings.replace(with: [warning("a"), warning("b")]).new.count == 2)
    #expect(warnings.replace(with: [warning("a", line: 7), warning("b")]) == .init(new: [], over: []))
    let more = warnings.replace(with: [warning("a"), warning("a", line: 9), warning("c")])
    #expect(more.new.map(\.found) == ["a", "c"])
}

@Test func `a warning that went and comes back is told again`() {
    var warnings = StandingWarnings()
    _ = warnings.replace(with: [warning("a")])
    _ = warnings.replace(with: [])
    #expect(warnings.replace(with: [warning("a")]).new.count == 1)
}

@Test func `what stands no more is over, once, as often as it stood`() {
    var warnings = StandingWarnings()
    _ = warnings.replace(with: [warning("a"), warning("a", line: 2), warning("b")])
    #expect(warnings.replace(with: [warning("a", line: 9)]).over == [warning("a", line: 2), warning("b")])
    #expect(warnings.replace(with: [warning("a")]).over == [])
}

@Test func `what is held back as before is not told again, and is if it had been mended in between`() {
    var warnings = StandingWarnings()
    #expect(warnings.replace(with: [warning("a", .error), warning("b", .error), warning("w")]).new.count == 3)
    #expect(warnings.replace(with: [warning("a", line: 7, .error), warning("b", .error), warning("w")]).new == [])
    let retried = warnings.replace({ $0.severity == .error }, with: [warning("b", .error)])
    #expect(retried == .init(new: [], over: [warning("a", line: 7, .error)]))
    let next = warnings.replace(with: [warning("a", .error), warning("b", .error), warning("w")])
    #expect(next.new.map(\.found) == ["a"])
}

@Test func `errors of a refused set are always told`() {
    var warnings = StandingWarnings()
    _ = warnings.replace(with: [warning("a"), warning("a", .error)])
    #expect(warnings.withoutThose(in: [warning("a"), warning("a", .error)]).map(\.severity) == [.error])
}
