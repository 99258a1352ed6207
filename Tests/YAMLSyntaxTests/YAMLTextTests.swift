import Diagnostics
import Testing
import YAMLSyntax

struct YAMLTextTests {
    @Test func `nested values are written as blocks`() {
        let value: JSONValue = ["a": ["b": ["c", 1, true, nil], "d": [["e": "f", "g": ["h"]], [:]]], "k": []]
        let text = """
            a:
              b:
                - c
                - 1
                - true
                - null
              d:
                - e: f
                  g:
                    - h
                - {}
            k: []

            """
        #expect(YAMLText.rendered(value) == text)
    }

    @Test(arguments: [
        "", "true", "No", "1", "a: b", "a#b", "*", "y", "null", "-", "a:", " a", "\"", "\u{7}", "é", "{*}",
    ])
    func `what could be read otherwise is quoted`(text: String) {
        #expect(YAMLText.rendered(.string(text)).hasPrefix("\""))
    }

    @Test(arguments: ["a", "orders.shop", "unix:/run/x.sock", "/orders", "Deny"])
    func `what cannot be read otherwise is plain`(text: String) {
        #expect(YAMLText.rendered(.string(text)) == text + "\n")
    }

    @Test func `what a reader of YAML refuses is escaped, and long keys are keys`() throws {
        let key = String(repeating: "k", count: 2_000)
        let value: JSONValue = [
            key: ["a": "\u{2028}\u{FEFF}x\u{FFFF}\u{85}", "": 1, "<<": 2, "b": [[], ["y"]]], "l": [[key: nil]],
        ]
        let text = YAMLText.rendered(value)
        var reader = try YAMLReader(Array(text.utf8), file: "f.yaml", keys: .texts)
        var problems: [Diagnostic] = []
        let node = reader.next { problems.append($0) }
        #expect(problems == [])
        guard case .mapping(let entries)? = node?.content, case .mapping(let inner)? = entries.first?.value.content
        else {
            Issue.record("no mapping: \(text)")
            return
        }
        #expect(entries.map(\.key) == [key, "l"])
        #expect(inner.map(\.key) == ["a", "", "<<", "b"])
        #expect(inner[0].value.content == .scalar(YAMLScalar(text: "\u{2028}\u{FEFF}x\u{FFFF}\u{85}", isPlain: false)))
    }
}
