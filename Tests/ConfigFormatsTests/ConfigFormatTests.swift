import ConfigFixtures
import ConfigFormats
import ConfigValues
import Diagnostics
import Testing

struct ConfigFormatTests {
    @Test(
        arguments: [
            ("a.yaml", ConfigFormat.yaml), ("a.YML", .yaml), ("/x/b.json", .json), ("c.d.toml", .toml),
            (".env", .dotenv), ("prod.env", .dotenv),
            (".env.local", .dotenv), ("env", nil), ("a.jsonc", nil), ("", nil), ("dir.json/a", nil), ("a.json/", .json),
        ] as [(String, ConfigFormat?)])
    func `a file's name says its format`(name: String, format: ConfigFormat?) {
        #expect(ConfigFormat(fileName: name) == format)
    }

    @Test(arguments: ConfigFormat.allCases)
    func `each value has its place and its source`(format: ConfigFormat) throws {
        let text: [ConfigFormat: String] = [
            .yaml: "a: 1\né:  x # y\n", .json: "{\"a\": 1,\n\"é\": \"x\"}", .toml: "a = 1\n\"é\" = 'x'\n",
            .dotenv: "a=1\n  e = x\n",
        ]
        let places: [ConfigFormat: ((Int, Int), (Int, Int, Int))] = [
            .yaml: ((1, 1), (2, 5, 1)), .json: ((2, 1), (2, 6, 3)), .toml: ((1, 1), (2, 7, 3)),
            .dotenv: ((2, 3), (2, 7, 1)),
        ]
        let bytes = Array(try #require(text[format]).utf8)
        let value = try format.read(bytes, of: TextOrigin(layer: "shop/base", file: "f", isSecret: true))
        let (key, second) = try #require(places[format])
        let entry = try #require(value.map?.entries.last)
        #expect(
            entry.value.origin
                == ValueOrigin(
                    layer: "shop/base",
                    position: SourcePosition(file: "f", line: 2, column: second.1, length: second.2), isSecret: true))
        let keyEntry = try #require(format == .yaml || format == .toml ? value.map?.entries.first : entry)
        #expect(keyEntry.keyPosition.map { [$0.line, $0.column] } == [key.0, key.1])
    }

    @Test(arguments: ConfigFormat.allCases)
    func `limits are told of in each format`(format: ConfigFormat) throws {
        var limits = ConfigLimits()
        (limits.byteCount, limits.depth, limits.valueCount) = (100, 3, 5)
        let text: [ConfigFormat: [String]] = [
            .yaml: ["[[[1]]]", "[[[[1]]]]", "[1,2,3,4,5,6]"], .json: ["[[[1]]]", "[[[[1]]]]", "[1,2,3,4,5,6]"],
            .toml: ["a.b.c = 1", "a.b = [[1]]", "a = [1,2,3,4,5]"],
            .dotenv: ["A=1", "", "A=1\nB=1\nC=1\nD=1\nE=1\nF=1"],
        ]
        let texts = try #require(text[format])
        #expect(codes(texts[0], format, limits) == [])
        if format != .dotenv { #expect(codes(texts[1], format, limits).first?.hasSuffix("too-deep") == true) }
        #expect(codes(texts[2], format, limits).last?.hasSuffix("too-many-values") == true)
        #expect(codes("# " + String(repeating: "x", count: 100), format, limits) == ["format.too-large"])
    }

    private func codes(_ text: String, _ format: ConfigFormat, _ limits: ConfigLimits) -> [String] {
        do throws(InvalidText) {
            _ = try format.read(Array(text.utf8), of: TextOrigin(layer: "test", file: "f"), limits: limits)
            return []
        } catch {
            return error.diagnostics.map(\.code.rawValue)
        }
    }

    /// Each of these has a password where no value can be.
    @Test(arguments: [
        (ConfigFormat.yaml, "a: *hunter2"), (.yaml, "a: !hunter2 b"), (.yaml, "a: \"\\q hunter2\""),
        (.yaml, "[hunter2]: 1"), (.yaml, "a: [hunter2"),
        (.yaml, "a: b: hunter2"), (.yaml, "a: 99999999999999999999"), (.yaml, "a: @hunter2"),
        (.json, "{\"a\": hunter2}"), (.toml, "a = hunter2"), (.toml, "a = \"hunter2"), (.toml, "a = 'x' hunter2"),
        (.toml, "a = 99999999999999999999"),
        (.toml, "a = 2024-99-99"), (.toml, "a = \"\\h\""), (.toml, "a = [hunter2]"), (.toml, "a = 0hunter2"),
        (.dotenv, "A=\"x\nhunter2\n"),
        (.dotenv, "A='x'hunter2"), (.dotenv, "A=-----BEGIN\nhunter2/=="), (.dotenv, "A=\"\\hunter2\""),
        (.dotenv, "A=hunter2\u{1}"), (.dotenv, "@hunter2"),
    ])
    func `nothing of what is secret is told`(format: ConfigFormat, text: String) {
        do throws(InvalidText) {
            _ = try format.read(Array(text.utf8), of: TextOrigin(layer: "test", file: "f", isSecret: true))
            Issue.record("\(text) was taken")
        } catch {
            for diagnostic in error.diagnostics {
                let told = "\(diagnostic) \(diagnostic.remedy)"
                #expect(!told.contains("hunter"))
                #expect(
                    !told.contains("\"h\"") && !told.contains("9999") && !told.contains("\"@\"")
                        && !told.contains("'h'"), "\(told)")
            }
        }
    }

    @Test(arguments: [ConfigFormat.yaml, .json, .toml])
    func `what is written is read again as the same`(format: ConfigFormat) throws {
        var random = RandomConfig(seed: 23)
        var written = 0
        for _ in 0..<2_000 {
            var value = random.value()
            value.content = .map(random.map())
            let bytes: [UInt8]
            do throws(UnwritableValue) {
                bytes = try format.write(value)
            } catch {
                #expect(format == .toml && error.found == "null in a list")
                #expect(value[error.path]?.content.isNull == true, "\(error.path.pointer)")
                continue
            }
            #expect(bytes.last == UInt8(ascii: "\n") || bytes.isEmpty)
            let again = try format.read(bytes, of: TextOrigin(layer: "test", file: "f"))
            #expect(
                again == (format == .toml ? withoutNulls(value) : value), "\(String(decoding: bytes, as: UTF8.self))")
            #expect(try format.write(again) == bytes)
            written += 1
        }
        #expect(written > 1_000)
    }

    private func withoutNulls(_ value: ConfigValue) -> ConfigValue {
        var value = value
        switch value.content {
        case .map(let map):
            var kept = ConfigMap()
            for entry in map.entries where !entry.value.content.isNull { kept[entry.key] = withoutNulls(entry.value) }
            value.content = .map(kept)
        case .list(let items): value.content = .list(items.map(withoutNulls))
        default: break
        }
        return value
    }

    @Test func `TOML has tables below what stands on a line`() throws {
        let json =
            #"{"z": 1, "a": {"x": {"y": 1}, "e": {}}, "l": [{"b": 1}, {"c": {"d": [1.5, "q"]}}], "m": [1, {"k": null}], "x y": null}"#
        let value = try JSONReader.read(Array(json.utf8).span, of: TextOrigin(layer: "test", file: "f"))
        #expect(
            String(decoding: try ConfigFormat.toml.write(value), as: UTF8.self) == """
                m = [1, {}]
                z = 1

                [a.e]

                [a.x]
                y = 1

                [[l]]
                b = 1

                [[l]]

                [l.c]
                d = [1.5, "q"]

                """)
    }

    @Test func `YAML is written as people write it`() throws {
        let json = #"{"a": {"list": [1, {"b": "yes"}]}, "size": 1e-7, "text": "two\nlines", "e": {}}"#
        let value = try JSONReader.read(Array(json.utf8).span, of: TextOrigin(layer: "test", file: "f"))
        #expect(
            String(decoding: try ConfigFormat.yaml.write(value), as: UTF8.self) == """
                a:
                  list:
                    - 1
                    - b: "yes"
                e: {}
                size: 1e-07
                text: "two\\nlines"

                """)
    }

    @Test func `only a map is TOML or dotenv`() throws {
        let value = ConfigValue(.list([]), origin: ValueOrigin(layer: "test", position: .place("here")))
        for format in [ConfigFormat.toml, .dotenv] {
            #expect(throws: UnwritableValue.self) { try format.write(value) }
        }
        #expect(try ConfigFormat.yaml.write(value) == Array("[]\n".utf8))
    }
}

extension ConfigValue.Content {
    fileprivate var isNull: Bool {
        if case .null = self { true } else { false }
    }
}
