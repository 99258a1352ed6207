import Testing

@testable import Diagnostics

private let clear = "\u{1B}[2J\u{202E}"

@Test func `a file's name does not reach the terminal as it is`() {
    let diagnostic = Diagnostic(
        Diagnostic.Code("folder.unreadable"), at: SourcePosition(file: "a\(clear)\n.yaml", line: 1, column: 1),
        found: "a\(clear)", expected: "b\(clear)", remedy: "c\(clear)\r")
    for text in [diagnostic.rendered(in: nil), diagnostic.description, diagnostic.position.description] {
        #expect(!text.unicodeScalars.contains { $0 == "\u{1B}" || $0 == "\u{202E}" || $0 == "\r" })
    }
    #expect(diagnostic.description.hasPrefix("a\\u{1B}[2J\\u{202E}\\n.yaml:1:1:"), "\(diagnostic.description)")
    // The excerpt of a file is one line, whatever the name.
    #expect(diagnostic.description.split(separator: "\n").count == 1)
}

@Test(arguments: [
    (Array("dény.yaml".utf8), "dény.yaml"), ([0x64, 0xE9, 0x6E, 0x79], "d\\xE9ny"), ([0xFF, 0x0A], "\\xFF\\n"),
    ([0xC3], "\\xC3"), ([0xF0, 0x9F, 0x98, 0x80, 0x80], "😀\\x80"), ([], ""),
])
func `a name that is not UTF-8 is shown with its bytes`(bytes: [UInt8], text: String) {
    #expect(String(printable: bytes) == text)
}

@Test func `what can be shown is shown as it is`() {
    #expect("mesh/dény 😀.yaml".printable == "mesh/dény 😀.yaml")
}
