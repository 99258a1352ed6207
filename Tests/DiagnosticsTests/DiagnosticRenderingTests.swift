import Testing

@testable import Diagnostics

private let source = """
    apiVersion: heddle/v1
      rules:
      - backendRefs:
        - name: paymets
    """

private func diagnostic(line: Int, column: Int, length: Int) -> Diagnostic {
    Diagnostic(
        Diagnostic.Code("manifest.unknown-backend"),
        at: SourcePosition(file: "mesh/shop.yaml", line: line, column: column, length: length),
        found: "\"paymets\"", expected: "a Service in namespace \"shop\"",
        remedy: "change it to \"payments\", or add a Service named \"paymets\"")
}

@Test func `a diagnostic prints as the style guide shows it`() {
    let text = diagnostic(line: 4, column: 13, length: 7).rendered(in: SourceText(Array(source.utf8)))
    #expect(
        text == """
            mesh/shop.yaml:4:13: error[manifest.unknown-backend]: found "paymets", expected a Service in namespace "shop"
               4 |     - name: paymets
                 |             ^^^^^^^ change it to "payments", or add a Service named "paymets"
            """)
}

@Test func `without the source the remedy still prints`() {
    let text = diagnostic(line: 4, column: 13, length: 7).rendered(in: nil)
    #expect(text.hasSuffix("\n     = change it to \"payments\", or add a Service named \"paymets\""))
}

@Test func `a position past the end of the file prints no line`() {
    let text = diagnostic(line: 40, column: 1, length: 0).rendered(in: SourceText(Array(source.utf8)))
    #expect(text.contains("     = change it"))
}

@Test func `carets stay within the line and below tabs`() {
    let text = diagnostic(line: 1, column: 3, length: 500).rendered(in: SourceText(Array("a\tbc".utf8)))
    #expect(text.contains("\n   1 | a\tbc\n     |  \t^^ change"))
}

@Test func `control characters of a file do not reach the terminal`() {
    let text = diagnostic(line: 1, column: 1, length: 1).rendered(in: SourceText(Array("a\u{1B}[31mb\u{202E}".utf8)))
    #expect(text.contains("| a\u{FFFD}[31mb\u{FFFD}\n"))
}

@Test func `a very long line is cut around the place`() {
    let line = String(repeating: "x", count: 5_000) + "HERE" + String(repeating: "y", count: 5_000)
    let text = diagnostic(line: 1, column: 5_001, length: 4).rendered(in: SourceText(Array(line.utf8)))
    let lines = text.split(separator: "\n").map { Array($0) }
    #expect(lines[1].count < 200)
    let caret = lines[2].firstIndex(of: "^")
    #expect(caret.map { String(lines[1][$0...].prefix(4)) } == "HERE")
}

@Test(arguments: ["a\nb\nc", "a\r\nb\r\nc", "a\rb\rc", "\u{FEFF}a\nb\nc"])
func `lines are counted by every kind of line break`(text: String) {
    let source = SourceText(Array(text.utf8))
    #expect(source.line(1) == ["a"])
    #expect(source.line(2) == ["b"])
    #expect(source.line(3) == ["c"])
    #expect(source.line(4) == nil)
    #expect(source.line(0) == nil)
}

@Test func `many diagnostics read each file once`() {
    var reads = 0
    let text = Diagnostic.rendered(
        [diagnostic(line: 4, column: 13, length: 7), diagnostic(line: 1, column: 1, length: 1)],
        readingFiles: { _ in
            reads += 1
            return Array(source.utf8)
        })
    #expect(reads == 1)
    #expect(text.split(separator: "\n").count == 6)
}

@Test func `a diagnostic in JSON has every part`() {
    #expect(
        diagnostic(line: 4, column: 13, length: 7).json.rendered()
            == #"{"severity":"error","code":"manifest.unknown-backend","file":"mesh/shop.yaml","line":4,"column":13,"#
            + #""length":7,"found":"\"paymets\"","expected":"a Service in namespace \"shop\"","#
            + #""remedy":"change it to \"payments\", or add a Service named \"paymets\""}"#)
}

@Test func `diagnostics sort by file, line and column`() {
    let places = [(4, 2), (1, 9), (4, 1)].map { diagnostic(line: $0.0, column: $0.1, length: 1) }
    #expect(places.sortedByPosition().map(\.position.description).map { $0.dropFirst(15) } == ["1:9", "4:1", "4:2"])
}

@Test func `quoted text cannot leave its quotation marks`() {
    #expect(Diagnostic.quoted("a\"b\n\u{1B}") == #""a\"b\n\u{1B}""#)
    #expect(Diagnostic.quoted(String(repeating: "x", count: 100)).count == 63)
}

@Test func `a line that nobody is to see is left out`() {
    let source = SourceText(Array("token: hush\n".utf8))
    let shown = Diagnostic(
        Diagnostic.Code("manifest.wrong-type"), at: SourcePosition(file: "f.yaml", line: 1, column: 8),
        found: "a string",
        expected: "a number", remedy: "write a number")
    #expect(shown.rendered(in: source).contains("hush"))
    #expect(
        shown.withoutLine.rendered(in: source) == """
            f.yaml:1:8: error[manifest.wrong-type]: found a string, expected a number
                 = write a number
            """)
    #expect(shown.withoutLine != shown)
}
