import ConfigFormats
import ConfigValues
import Diagnostics
import Foundation
import Testing

/// Each cell of the table in `docs/reference/config-values.md`, tried.
struct DocumentedValuesTests {
    /// What stands in a text that is not told by a value alone, by the row's name.
    private static let texts: [String: [ConfigFormat: String]] = [
        "nothing": [.yaml: "v:", .json: #"{"v": }"#, .toml: "v = ", .dotenv: "v="],
        "an empty text": [.yaml: "", .json: "", .toml: "", .dotenv: ""],
        "a key twice": [.yaml: "v: 1\nv: 2", .json: #"{"v": 1, "v": 2}"#, .toml: "v = 1\nv = 2", .dotenv: "v=1\nv=2"],
        "keys that look alike, in other bytes": [
            .yaml: "\u{E9}: 1\ne\u{301}: 2", .json: "{\"\u{E9}\": 1, \"e\u{301}\": 2}",
            .toml: "\"\u{E9}\" = 1\n\"e\u{301}\" = 2",
            .dotenv: "\u{E9}=1\ne\u{301}=2",
        ],
        "a key that is a number": [.yaml: "1: x", .json: #"{1: "x"}"#, .toml: "1 = 'x'", .dotenv: "1=x"],
        "an empty key": [.yaml: #""": x"#, .json: #"{"": "x"}"#, .toml: #""" = "x""#, .dotenv: "=x"],
        "an anchor and its alias": [.yaml: "a: &x 1\nv: *x", .json: #"{"v": *x}"#, .toml: "v = *x", .dotenv: "v=*x"],
        "a merge key": [
            .yaml: "a: &x {b: 1}\nv: {<<: *x}", .json: #"{"<<": {"b": 1}}"#, .toml: #""<<" = {b = 1}"#, .dotenv: "<<=x",
        ],
        "a text of two lines": [
            .yaml: "v: |\n  a\n  b\n", .json: "{\"v\": \"a\nb\"}", .toml: "v = \"\"\"\na\nb\n\"\"\"",
            .dotenv: "v=\"a\nb\n\"",
        ],
        "a line break as an escape": [
            .yaml: #"v: "a\nb""#, .json: #"{"v": "a\nb"}"#, .toml: #"v = "a\nb""#, .dotenv: #"v="a\nb""#,
        ],
        "a comment": [.yaml: "v: 1 # x", .json: "{\"v\": 1} // x", .toml: "v = 1 # x", .dotenv: "v=1 # x"],
        "`#` within a value": [.yaml: "v: a#b", .json: ##"{"v": "a#b"}"##, .toml: ##"v = "a#b""##, .dotenv: "v=a#b"],
        "a reference to a variable": [
            .yaml: "v: $HOME", .json: #"{"v": "$HOME"}"#, .toml: "v = '$HOME'", .dotenv: "v=$HOME",
        ],
        "a quoted number": [
            .yaml: #"v: "1.10""#, .json: #"{"v": "1.10"}"#, .toml: #"v = "1.10""#, .dotenv: #"v="1.10""#,
        ],
        "two documents": [
            .yaml: "v: 1\n---\nv: 2", .json: #"{"v": 1} {"v": 2}"#, .toml: "v = 1\n---\nv = 2",
            .dotenv: "v=1\n---\nv=2",
        ],
        "a byte order mark first": [
            .yaml: "\u{FEFF}v: 1", .json: "\u{FEFF}{\"v\": 1}", .toml: "\u{FEFF}v = 1", .dotenv: "\u{FEFF}v=1",
        ],
        "CRLF between lines": [
            .yaml: "v: 1\r\nw: 2\r\n", .json: "{\"v\": 1,\r\n\"w\": 2}\r\n", .toml: "v = 1\r\nw = 2\r\n",
            .dotenv: "v=1\r\nw=2\r\n",
        ],
        "CRLF within a text": [
            .yaml: "v: |\r\n  a\r\n  b\r\n", .json: "{\"v\": \"a\r\nb\"}", .toml: "v = '''a\r\nb'''",
            .dotenv: "v='a\r\nb'",
        ],
        "a NUL byte": [
            .yaml: "v: \"\u{0}\"", .json: "{\"v\": \"\u{0}\"}", .toml: "v = \"\u{0}\"", .dotenv: "v=\"\u{0}\"",
        ],
        "NUL as an escape": [
            .yaml: #"v: "\u0000""#, .json: #"{"v": "\u0000"}"#, .toml: #"v = "\u0000""#, .dotenv: #"v="\u0000""#,
        ],
        "half of a surrogate pair": [
            .yaml: #"v: "\ud83e""#, .json: #"{"v": "\ud83e"}"#, .toml: #"v = "\ud83e""#, .dotenv: #"v="\ud83e""#,
        ],
    ]

    private struct Row {
        let name: String
        /// In the order of `columns`.
        let outcomes: [String]
    }

    private static let columns = [ConfigFormat.yaml, .json, .toml, .dotenv]

    private static func rows() throws -> [Row] {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "docs/reference/config-values.md"), encoding: .utf8)
        return text.split(separator: "\n").filter { $0.hasPrefix("| ") }.compactMap { line in
            let cells = line.dropFirst(2).dropLast(2).components(separatedBy: " | ")
            guard cells.count == 5, cells[1] != "YAML", !cells[1].hasPrefix("---") else { return nil }
            return Row(name: cells[0], outcomes: cells.dropFirst().map(firstQuoted))
        }
    }

    /// What stands between the cell's first back quotes; what follows explains it.
    private static func firstQuoted(_ cell: String) -> String {
        let parts = cell.components(separatedBy: "`")
        return parts.count >= 3 && parts[0].isEmpty ? parts[1] : "(nothing in back quotes: \(cell))"
    }

    private static func bytes(_ row: String, in format: ConfigFormat) throws -> [UInt8] {
        if row == "a byte that is not UTF-8" {
            return Array(try bytes("`\"X\"`", in: format).map { $0 == UInt8(ascii: "X") ? 0xE9 : $0 })
        }
        if let texts = texts[row] { return Array(try #require(texts[format]).utf8) }
        let value = firstQuoted(row)
        try #require(row == "`\(value)`", "the test does not know what stands in the row \(row)")
        return switch format {
        case .yaml: Array("v: \(value)".utf8)
        case .json: Array("{\"v\": \(value)}".utf8)
        case .toml: Array("v = \(value)".utf8)
        case .dotenv: Array("v=\(value)".utf8)
        }
    }

    /// The value of `v`, or of the whole if there is more; else the code of the mistake.
    private static func outcome(_ bytes: [UInt8], in format: ConfigFormat) -> String {
        do throws(InvalidText) {
            let value = try format.read(bytes, of: TextOrigin(layer: "test", file: "test"))
            let shown = value.map?.count == 1 ? value.map?["v"] ?? value : value
            return String(decoding: shown.json(), as: UTF8.self)
        } catch {
            return error.diagnostics[0].code.rawValue
        }
    }

    @Test func `every cell of the table is so`() throws {
        let rows = try Self.rows()
        #expect(rows.count > 40, "the table is not where this test looks for it")
        for row in rows {
            for (format, outcome) in zip(Self.columns, row.outcomes) {
                let found = Self.outcome(try Self.bytes(row.name, in: format), in: format)
                #expect(found == outcome, "\(row.name) in \(format.rawValue)")
            }
        }
    }

    @Test func `every case that this test knows has its row`() throws {
        let names = Set(try Self.rows().map(\.name))
        #expect(Set(Self.texts.keys).subtracting(names).sorted() == [])
    }
}
