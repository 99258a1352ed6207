import ConfigFormats
import ConfigValues
import Diagnostics
import Testing

private func read(_ text: String) throws(InvalidText) -> ConfigValue {
    try ConfigFormat.toml.read(Array(text.utf8), of: TextOrigin(layer: "test", file: "f.toml"))
}

struct TOMLTests {
    @Test(arguments: [
        ("a = 1\nb = 2\na = 3", "3:1", "the key \"a\" a second time", "1, column 1"),
        ("[a]\n[b]\n[a]", "3:2", "the key \"a\" a second time", "1, column 2"),
        ("a = {b = 1}\n[a.c]", "2:2", "a key below \"a\", which has its value already", "1, column 1"),
        ("[a.b]\nc = 1\n[a]\nb.d = 1", "4:1", "a key below \"b\", which has its value already", "1, column 4"),
        ("[a]\nb.c = 1\n[a.b]", "3:4", "the key \"b\" a second time", "2, column 1"),
        ("a = [{b = 1}]\n[[a]]", "2:3", "the key \"a\" a second time", "1, column 1"),
        ("[[a]]\n[a]", "2:2", "the key \"a\" a second time", "1, column 3"),
        ("a = {b = 1, b = 2}", "1:13", "the key \"b\" a second time", "1, column 6"),
    ])
    func `what is defined twice is told with both places`(text: String, place: String, found: String, first: String) {
        do throws(InvalidText) {
            _ = try read(text)
            Issue.record("it was taken")
        } catch {
            #expect(error.diagnostics.map { "\($0.position.line):\($0.position.column)" } == [place])
            #expect(error.diagnostics.first?.found == found)
            #expect(error.diagnostics.first?.remedy.contains("line \(first)") == true)
        }
    }

    @Test func `tables may be told of in any order, and in parts`() throws {
        let value = try read("[x.y.z.w]\n[x]\na.b = 1\na.c = 2\n[x.a.d]\n[[l]]\n[l.m]\nn = 1\n[[l]]\n[x.y]\n")
        #expect(
            String(decoding: value.json(), as: UTF8.self)
                == #"{"l":[{"m":{"n":1}},{}],"x":{"a":{"b":1,"c":2,"d":{}},"y":{"z":{"w":{}}}}}"#)
        let y = try #require(value.map?["x"]?.map?.entry("y"))
        #expect(y.keyPosition?.line == 1)
        #expect(y.value.origin.position.line == 10)
    }

    @Test func `mistakes that do not end the reading are told of together`() {
        do throws(InvalidText) {
            _ = try read("a = nan\na = 1\n[b]\n[b]\nc = 99999999999999999999\nd = yes\ne = no")
            Issue.record("it was taken")
        } catch {
            #expect(error.diagnostics.map(\.position.line) == [1, 2, 4, 5, 6])
        }
    }

    @Test(arguments: [
        ("a", "1:2", "the end of the text", "\"=\" after the key"), ("a =\n", "1:4", "the end of the line", "a value"),
        ("[.]", "1:2", "\".\"", "the table's name"),
        ("[a", "1:3", "the end of the text", "\"]\" after"), ("[[a]", "1:5", "the end of the text", "\"]]\" after"),
        ("é = 1", "1:1", "\"é\"", "a key"),
        ("a = 'é' b", "1:9", "\"b\"", "the end of the line"), ("a = 0123", "1:5", "\"0123\"", "a number"),
        ("a = 1__0", "1:5", "\"1__0\"", "a number"),
        ("a = yes", "1:5", "\"yes\"", "a value"), ("a = 2023-02-29", "1:5", "\"2023-02-29\"", "a date"),
        ("a = 1\rb", "1:6", "\"\\r\"", "LF"),
        ("a = \"é\\x\"", "1:7", "a backslash", "an escape"), ("a = \"\\uD800\"", "1:6", "an escape that is no", ""),
        ("a = \"é\nb\"", "1:7", "the end of the line within", ""),
        ("a = {b = 1,}", "1:12", "\"}\"", "a key after the comma"), ("a = [1 2]", "1:8", "\"2\"", "\",\" or \"]\""),
        ("a = '''\nx", "2:2", "the end of the text", "the closing"),
        ("a = 1 # \u{1}", "1:9", "the character U+0001", ""),
        ("a = [", "1:6", "the end of the text", "a value or \"]\""),
    ])
    func `what is no TOML is told with its place`(text: String, place: String, found: String, expected: String) {
        do throws(InvalidText) {
            _ = try read(text)
            Issue.record("it was taken")
        } catch {
            #expect(
                error.diagnostics.first?.description.hasPrefix("f.toml:\(place): error[format.toml]: found \(found)")
                    == true, "\(error.diagnostics)")
            #expect(error.diagnostics.first?.expected.hasPrefix(expected) == true, "\(error.diagnostics)")
        }
    }

    @Test func `many keys and many tables are told apart as few are`() throws {
        let text =
            (0..<300).map { "[t\($0).u]\nk = \($0)\n" }.joined() + "[v]\n"
            + (0..<300).map { "k\($0) = \($0)\n" }.joined()
        let value = try read(text)
        #expect(value.map?.count == 301)
        #expect(value.map?["v"]?.map?.count == 300)
        do throws(InvalidText) {
            _ = try read(text + "k7 = 1\n[t250.u]\n")
            Issue.record("it was taken")
        } catch {
            #expect(
                error.diagnostics.map(\.remedy) == [
                    "remove this one, or the one on line 609, column 1",
                    "remove this one, or the one on line 501, column 7",
                ])
        }
    }
}
