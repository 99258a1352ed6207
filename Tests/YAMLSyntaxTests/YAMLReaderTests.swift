import Diagnostics
import Testing

@testable import YAMLSyntax

/// What reading `text` gives: every document that can be read, and every mistake.
private func read(_ text: String) -> (documents: [YAMLNode], problems: [Diagnostic]) { read(Array(text.utf8)) }

private func read(_ bytes: [UInt8]) -> (documents: [YAMLNode], problems: [Diagnostic]) {
    var documents: [YAMLNode] = []
    var problems: [Diagnostic] = []
    do throws(Diagnostic) {
        var reader = try YAMLReader(bytes, file: "f.yaml")
        while let document = reader.next({ problems.append($0) }) { documents.append(document) }
    } catch {
        problems.append(error)
    }
    return (documents, problems)
}

/// `code line:column`.
private func places(_ problems: [Diagnostic]) -> [String] {
    problems.map { "\($0.code.rawValue) \($0.position.line):\($0.position.column)" }
}

/// Compact text of a tree, to compare with.
private func outline(_ node: YAMLNode) -> String {
    switch node.content {
    case .scalar(let scalar): scalar.isPlain ? scalar.text : "'\(scalar.text)'"
    case .sequence(let items): "[" + items.map(outline).joined(separator: ", ") + "]"
    case .mapping(let entries): "{" + entries.map { "\($0.key): \(outline($0.value))" }.joined(separator: ", ") + "}"
    }
}

// MARK: Nodes

@Test func `block and flow styles give the same nodes`() {
    let (documents, problems) = read("b: 1\na:\n- x\n- {c: 'd', \"e\": [f]}\n---\nb: |\n  text\n")
    #expect(problems.isEmpty)
    #expect(
        documents.map(outline)
            == ["{b: 1, a: [x, {c: 'd', e: [f]}]}", "{b: 'text\n'}"])
}

@Test func `positions are lines and columns from 1, in Unicode scalars`() throws {
    let (documents, _) = read("\u{FEFF}é: [\"ü😀\", x]\nlong:\n  - 'two'\n")
    guard case .mapping(let entries) = try #require(documents.first).content else { return #expect(Bool(false)) }
    guard case .sequence(let items) = entries[0].value.content else { return #expect(Bool(false)) }
    #expect(entries[0].keyPosition == SourcePosition(file: "f.yaml", line: 1, column: 1, length: 1))
    #expect(items[0].position == SourcePosition(file: "f.yaml", line: 1, column: 5, length: 4))
    #expect(items[1].position == SourcePosition(file: "f.yaml", line: 1, column: 11, length: 1))
    guard case .sequence(let list) = entries[1].value.content else { return #expect(Bool(false)) }
    #expect(list[0].position == SourcePosition(file: "f.yaml", line: 3, column: 5, length: 5))
}

@Test func `lines of several documents are counted through the file, whatever ends them`() {
    let (documents, _) = read("a: 1\r\n---\r\nb: 2\r\n...\r\n---\rc: 3")
    #expect(documents.map(\.position.line) == [1, 3, 6])
}

@Test(arguments: ["", "\n", "# only a comment\n", "\u{FEFF}"])
func `an empty file has no documents`(text: String) {
    let (documents, problems) = read(text)
    #expect(documents.isEmpty)
    #expect(problems.isEmpty)
}

@Test func `an empty document is a null`() {
    let (documents, problems) = read("---\n---\na: 1\n---\n")
    #expect(documents.map(\.summary) == ["nothing", "a mapping", "nothing"])
    #expect(problems.isEmpty)
}

// MARK: Bad input

@Test func `invalid YAML is an error at its place`() {
    #expect(places(read("a: [1, 2\nb: 3\n").problems) == ["yaml.syntax 2:2"])
    #expect(places(read("a: b: c\n").problems) == ["yaml.syntax 1:5"])
    #expect(places(read("a: 'x\n").problems) == ["yaml.syntax 1:6"])
    #expect(places(read("a:\n  b: 1\n c: 2\n").problems) == ["yaml.syntax 3:2"])
    #expect(places(read("host: *.example.com\n").problems) == ["yaml.syntax 1:8"])
    #expect(places(read("a: @x\n").problems) == ["yaml.syntax 1:4"])
    #expect(places(read("a: \"\\q\"\n").problems) == ["yaml.syntax 1:5"])
    #expect(places(read("paths: [/a/{**}]\n").problems) == ["yaml.syntax 1:14"])
    #expect(places(read("%YAML 3.0\n---\na: 1\n").problems.prefix(1).map { $0 }) == ["yaml.syntax 1:1"])
}

@Test func `tab indentation is an error that names the tab`() throws {
    let (_, problems) = read("a:\n\tb: 1\n")
    #expect(places(problems) == ["yaml.tab 2:1"])
    #expect(try #require(problems.first).remedy == "replace the tab with spaces")
    #expect(places(read("a: b\n\tc: d\n").problems) == ["yaml.tab 2:1"])
}

@Test func `a duplicate key is an error, and the first one counts`() {
    let (documents, problems) = read("a: 1\nb: {c: 1, c: 2}\na: 2\n")
    #expect(places(problems) == ["yaml.duplicate-key 2:11", "yaml.duplicate-key 3:1"])
    #expect(documents.map(outline) == ["{a: 1, b: {c: 1}}"])
}

@Test func `a duplicate key is found in a large mapping`() {
    let text = (0..<5_000).map { "k\($0): 1\n" }.joined() + "k17: 2\nk4999: 2\n"
    #expect(places(read(text).problems) == ["yaml.duplicate-key 5001:1", "yaml.duplicate-key 5002:1"])
}

@Test func `a key that is no name is an error`() {
    #expect(places(read("? [a]\n: b\n").problems) == ["yaml.key 1:3"])
    #expect(places(read("{\"\": b}\n").problems) == ["yaml.key 1:2"])
    #expect(places(read("a: &x {b: 1}\nc:\n  <<: *x\n").problems) == ["yaml.key 3:3"])
}

@Test func `one run finds the mistakes of all documents`() {
    let (documents, problems) = read("a: [\n---\nb: 1\n---\nc: @\n---\nd: 2\n--- \ne: \"\n")
    #expect(documents.map(outline) == ["{b: 1}", "{d: 2}"])
    #expect(problems.map(\.position.line) == [2, 5, 9])
}

@Test func `a file that is not UTF-8 is refused at the byte`() {
    #expect(places(read(Array("a: b\nc: é".utf8) + [0xFF]).problems) == ["yaml.encoding 2:5"])
    #expect(places(read([0xFF, 0xFE, 0x61, 0x00]).problems) == ["yaml.encoding 1:1"])
    // Overlong, surrogate, above the last scalar, cut short.
    for bytes: [UInt8] in [[0xC0, 0xAF], [0xE0, 0x80, 0xAF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xC3]] {
        #expect(places(read([0x61] + bytes).problems) == ["yaml.encoding 1:2"])
    }
}

@Test func `NUL and other control characters are refused`() {
    #expect(places(read("a: b\u{0}c").problems) == ["yaml.character 1:5"])
    #expect(places(read("a:\r\n  \u{1B}").problems) == ["yaml.character 2:3"])
    #expect(places(read("a: \u{85}").problems) == ["yaml.character 1:4"])
    #expect(places(read("a: \u{2028}").problems) == ["yaml.character 1:4"])
    #expect(places(read("a: \u{FEFF}").problems) == ["yaml.character 1:4"])
}

@Test func `a file over 4 MiB is refused`() {
    let largest = "a: \"" + String(repeating: "x", count: YAMLLimits.manifest.fileByteCount - 5) + "\""
    #expect(read(largest).problems.isEmpty)
    #expect(places(read(largest + "\n").problems) == ["yaml.too-large 1:1"])
}

@Test func `nesting over 64 is refused`() {
    func nested(_ levels: Int) -> String {
        String(repeating: "[", count: levels) + "x" + String(repeating: "]", count: levels)
    }
    #expect(read(nested(64)).problems.isEmpty)
    #expect(places(read(nested(65)).problems) == ["yaml.too-deep 1:66"])
}

@Test(arguments: [
    "[", "{", "- ", "? ", "a: {", "[{", "&a ", "!!str ", "'", "\"\\", "#", "---\n@\n", "- - ", "%TAG ! a\n",
])
func `endless repetition is refused within bounds`(piece: String) {
    let text = String(repeating: piece, count: YAMLLimits.manifest.fileByteCount / piece.utf8.count)
    let (documents, problems) = read(text)
    #expect(documents.count <= 1)
    #expect(problems.count <= YAMLLimits.manifest.brokenDocumentCount)
}

@Test func `more values than the limit are refused`() {
    let (documents, problems) = read("[" + String(repeating: "a,", count: YAMLLimits.manifest.valueCount) + "]")
    #expect(documents.isEmpty)
    #expect(problems.map(\.code) == [.yamlTooManyValues])
}

// MARK: Anchors, aliases, tags

@Test func `an alias repeats its anchor's value`() {
    let (documents, problems) = read("a: &x {b: [1, 2]}\nc: *x\nd: &y text\ne: *y\n")
    #expect(problems.isEmpty)
    #expect(documents.map(outline) == ["{a: {b: [1, 2]}, c: {b: [1, 2]}, d: text, e: text}"])
}

@Test func `an alias without its anchor is an error`() {
    #expect(places(read("a: *x\n").problems) == ["yaml.alias 1:4"])
    #expect(places(read("a: &x 1\n---\nb: *x\n").problems) == ["yaml.alias 3:4"])
    #expect(places(read("a: &x [*x]\n").problems) == ["yaml.alias 1:8"])
}

@Test func `anchors and aliases that blow up are refused`() {
    var text = "l0: &l0 [x, x, x, x, x, x, x, x, x]\n"
    for level in 1..<40 {
        text +=
            "l\(level): &l\(level) [" + [String](repeating: "*l\(level - 1)", count: 9).joined(separator: ", ") + "]\n"
    }
    let (documents, problems) = read(text)
    #expect(documents.isEmpty)
    #expect(problems.map(\.code) == [.yamlTooManyValues])
}

@Test func `aliases count for the depth`() {
    var text = "l0: &l0 [x]\n"
    for level in 1..<70 { text += "l\(level): &l\(level) [*l\(level - 1)]\n" }
    #expect(read(text).problems.map(\.code) == [.yamlTooDeep])
}

@Test func `tags of the core schema are taken, others refused`() {
    let (documents, problems) = read("a: !!str 5\nb: !!int 5\nc: !!seq [1]\nd: !!map {}\ne: ! 7\n")
    #expect(problems.isEmpty)
    #expect(documents.map(outline) == ["{a: '5', b: 5, c: [1], d: {}, e: '7'}"])
    #expect(places(read("a: !!binary aGk=\nb: !local x\nc: !!int x\nd: !!seq {}\n").problems).count == 4)
    #expect(places(read("a: !x!y z\n").problems) == ["yaml.syntax 1:4"])
}

@Test(arguments: [
    ("%TAG ! tag:x,2000:\n---\na: 1\n", 1), ("\u{FEFF}%TAG\t!a! b\n--- a\n", 1),
    ("%YAML 1.2\r\n%TAG ! b\r\n---\r\na: 1\r\n", 2), ("a: 1\r...\r# %TAG\r%TAG ! b\r---\rb: 2\r", 4),
    ("a: @\n---\nb: 1\n...\n%TAG !", 5), ("a: 1\n%TAG", 2),
])
func `a file with a TAG directive is refused at its line, and nothing of it is read`(text: String, line: Int) {
    let (documents, problems) = read(text)
    #expect(documents.isEmpty)
    #expect(places(problems) == ["yaml.tag \(line):1"])
    #expect(problems.map(\.remedy) == ["remove the line"])
}

@Test func `of many TAG directives the first is told, before libyaml compares them`() {
    let text = "%YAML 1.2\n" + (0..<30_000).map { "%TAG !t\($0)! a\n" }.joined() + "---\na: 1\n"
    #expect(places(read(text).problems) == ["yaml.tag 2:1"])
}

@Test func `what only looks like a TAG directive is none, and YAML directives are taken`() {
    let (documents, problems) = read(
        "%YAML 1.2\n---\na: |\n  %TAG ! b\nb: \"\n %TAG ! b\"\n# %TAG ! b\n...\n%YAML 1.1\n---\n\"%TAG\": 100%\n")
    #expect(problems.isEmpty)
    #expect(documents.map(outline) == ["{a: '%TAG ! b\n', b: ' %TAG ! b'}", "{%TAG: 100%}"])
    #expect(documents.map(\.position.line) == [3, 11])
}

// MARK: What git left

@Test(arguments: [
    ("<<<<<<< HEAD\na: 1\n=======\na: 2\n>>>>>>> b\n", 1), ("a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> b\n", 2),
    ("a:\n<<<<<<< HEAD\n  b: 1\n=======\n  b: 2\n>>>>>>> b\n", 2), ("a: 1\r\n=======\r\nb: 2\r\n", 2),
    ("a: 1\n>>>>>>> b", 2), ("a:\n- 1\n||||||| c\n- 2\n", 3), ("a: 1\n---\nb: 1\n<<<<<<< HEAD\nc: 1\n", 4),
])
func `a conflict is named as one, at its first line`(text: String, line: Int) {
    let problems = read(text).problems
    #expect(places(problems.prefix(1).map(\.self)) == ["yaml.syntax \(line):1"])
    #expect(problems.first?.found.contains("which git leaves") == true)
}

@Test(arguments: [
    "a: |\n  <<<<<<< HEAD\n  =======\nb: [", "# =======\na: [", "<<<<<<<a: 1\nb: [", "a: <<<<<<<\nb: [",
])
func `what only looks like one is none`(text: String) {
    #expect(read(text).problems.allSatisfy { !$0.found.contains("git") })
}
