import ConfigFormats
import ConfigValues
import Diagnostics
import Testing

private func read(_ text: String) throws(InvalidText) -> [String: String] {
    let value = try ConfigFormat.dotenv.read(Array(text.utf8), of: TextOrigin(layer: "test", file: ".env"))
    var result: [String: String] = [:]
    for entry in value.map?.entries ?? [] {
        if case .string(let text) = entry.value.content { result[entry.key] = text }
    }
    return result
}

private func value(_ json: String) throws -> ConfigValue {
    try JSONReader.read(Array(json.utf8).span, of: TextOrigin(layer: "test", file: "f"))
}

struct DotenvTests {
    @Test(arguments: [
        ("A=1", "1"), ("A = two words  ", "two words"), ("export A=x", "x"), ("  export\tA=x", "x"), ("A=", ""),
        ("A=   ", ""), ("A= # c", ""),
        ("A=#x", "#x"), ("A=x#y #z", "x#y"), ("A='x # y' # z", "x # y"), ("A=it's \"so\"", "it's \"so\""),
        ("A='$B \\n \"'", "$B \\n \""),
        (#"A="\n\r\t\"\\\$\`$B""#, "\n\r\t\"\\$`$B"), ("A=\"x\n  y\n\"", "x\n  y\n"), ("A='x\r\ny'", "x\ny"),
        ("A=$B ${C} `d`", "$B ${C} `d`"),
        ("# x\n\n  \t\nA=1\n#", "1"), ("A=é\u{301} ", "é\u{301}"), ("A==x=", "=x="), ("A='' ", ""),
        ("A=a\\nb", "a\\nb"),
    ])
    func `a value is what stands behind its key`(text: String, value: String) throws {
        #expect(try read(text) == ["A": value])
    }

    @Test(arguments: [
        ("A", "1:2", "the end of the line", "\"=\" after the key"), ("1A=x", "1:1", "\"1\"", "a key"),
        ("A-B=x", "1:2", "\"-\"", "\"=\""),
        ("export", "1:7", "the end of the line", "\"=\""), ("é=1", "1:1", "\"é\"", "a key"),
        ("A='x'y", "1:6", "\"y\"", "the end of the line"),
        ("A='x'#y", "1:6", "\"#\"", "the end of the line"),
        ("X=1\nA=\"é\\q\"", "2:5", "a backslash that escapes nothing", ""),
        ("A=\"é\nB=1\n", "1:3", "a quotation mark that is not closed", ""),
        ("A=x\u{1}", "1:4", "the character U+0001", "text"),
        ("A=é\u{0}", "1:4", "the character U+0000", "text"),
    ])
    func `what is no line is told with its place`(text: String, place: String, found: String, expected: String) throws {
        do throws(InvalidText) {
            _ = try read(text)
            Issue.record("\(text) was taken")
        } catch {
            #expect(
                error.diagnostics.first?.description.hasPrefix(
                    ".env:\(place): error[format.dotenv]: found \(found), expected \(expected)") == true,
                "\(error.diagnostics)")
        }
    }

    @Test func `every line is looked at, and both places of a key are told`() throws {
        do throws(InvalidText) {
            _ = try read("1=x\nA=1\nB\nA=2\n")
            Issue.record("it was taken")
        } catch {
            #expect(error.diagnostics.map(\.position.line) == [1, 3])
        }
        do throws(InvalidText) {
            _ = try read("A=1\na=1\n A=2\n")
            Issue.record("it was taken")
        } catch {
            #expect(
                error.diagnostics.map(\.description) == [
                    ".env:3:2: error[format.duplicate-key]: found the key \"A\" a second time, expected each key once in a map"
                ])
            #expect(error.diagnostics.map(\.remedy) == ["remove this one, or the one on line 1, column 1"])
        }
    }

    @Test func `nested keys are joined, and lists are JSON`() throws {
        let text = try ConfigFormat.dotenv.write(
            value(
                #"{"db": {"host-name": "a b", "port": 5432, "on": true, "none": null, "no": {}}, "list": [1, {"a": "it's"}], "x.y": 1.5, "e": ""}"#
            ))
        #expect(
            String(decoding: text, as: UTF8.self) == """
                DB_HOST_NAME='a b'
                DB_ON=true
                DB_PORT=5432
                E=''
                LIST="[1,{\\"a\\":\\"it's\\"}]"
                X_Y=1.5

                """)
    }

    @Test(arguments: [
        "a b", "$HOME `id` $(id)", "it's $HOME `id` \"x\" \\", "x\ny", "'\r\n", "\t", "#x", " x ", "\u{E9}\u{85}", "!x",
        "~", "*",
    ])
    func `what is written is read again as the same`(text: String) throws {
        let origin = ValueOrigin(layer: "test", position: .place("here"))
        let value = ConfigValue(
            .map(ConfigMap(inOrder: [.init("a", ConfigValue(.string(text), origin: origin))])), origin: origin)
        let written = try ConfigFormat.dotenv.write(value)
        #expect(try read(String(decoding: written, as: UTF8.self)) == ["A": text])
    }

    @Test(arguments: [
        (#"{"a-b": 1, "a": {"b": 2}}"#, "a.b"), (#"{"é": 1}"#, #""é""#), (#"{"1a": 1}"#, "1a"),
        (#"{"a": {"": 1}}"#, #"a."""#),
        (#"{"a": "\u0000"}"#, "a"), (#"{"a": "x\u0001"}"#, "a"), (#"{"a": "x'\u007f"}"#, "a"),
    ])
    func `what no variable can be is refused`(json: String, path: String) throws {
        let value = try value(json)
        do throws(UnwritableValue) {
            _ = try ConfigFormat.dotenv.write(value)
            Issue.record("\(json) was written")
        } catch {
            #expect(error.path.dotted == path || error.remedy.contains(path))
        }
    }

    @Test func `variables have the way to their values`() throws {
        let variables = try Variables(value(#"{"a": {"b-c": 1}, "d": [true]}"#)).all
        #expect(variables.map(\.name) == ["A_B_C", "D"])
        #expect(variables.map(\.text) == ["1", "[true]"])
        #expect(variables.map(\.path.dotted) == ["a.b-c", "d"])
    }
}
