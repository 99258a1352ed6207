import ConfigFixtures
import ConfigValues
import Testing

struct ConfigPathTests {
    @Test(arguments: [
        ("", []), ("/", [""]), ("/a/b", ["a", "b"]), ("/a~1b/m~0n", ["a/b", "m~n"]), ("/~01", ["~1"]),
        ("//", ["", ""]), ("/é", ["é"]),
    ])
    func `a pointer is read and written`(pointer: String, keys: [String]) {
        #expect(ConfigPath(pointer: pointer)?.keys == keys)
        #expect(ConfigPath(keys).pointer == pointer)
    }

    @Test(arguments: ["a", "a/b", "/~", "/a~2", "/a~/b", "#/a"])
    func `what is no pointer is none`(pointer: String) {
        #expect(ConfigPath(pointer: pointer) == nil)
    }

    @Test(arguments: [
        (".", []), ("a", ["a"]), ("database.host", ["database", "host"]), ("servers.0.port", ["servers", "0", "port"]),
        (#"logging."org.example".level"#, ["logging", "org.example", "level"]), (#""""#, [""]),
        (#""a\"b\\".c"#, ["a\"b\\", "c"]),
        (#""é"."e\#u{301}""#, ["é", "e\u{301}"]), (#""x y"."""#, ["x y", ""]),
    ])
    func `dotted text is read and written`(text: String, keys: [String]) throws {
        #expect(try ConfigPath(dotted: text) == ConfigPath(keys))
        #expect(ConfigPath(keys).dotted == text)
    }

    @Test(arguments: [
        ("", 0, "the end of the path", "a key"), ("a.", 2, "the end of the path", "a key"), (".a", 0, "\".\"", "a key"),
        ("a..b", 2, "\".\"", "a key"), ("a b", 1, "\" \"", "\".\" between two keys"), ("a.é", 2, "\"é\"", "a key"),
        ("\"a\"b", 3, "\"b\"", "\".\" between two keys"),
        ("\"a", 0, "the end of the path", "the key's closing quotation mark"),
        (#"a."\x""#, 4, "a backslash that escapes nothing", #"\" or \\"#),
        (#""\"#, 1, "a backslash that escapes nothing", #"\" or \\"#),
        ("..", 0, "\".\"", "a key"),
    ])
    func `what is no path is told with its place`(text: String, offset: Int, found: String, expected: String) {
        do throws(ConfigPathError) {
            let path = try ConfigPath(dotted: text)
            Issue.record("\(path)")
        } catch {
            #expect(error.offset == offset)
            #expect(error.found == found)
            #expect(error.expected == expected)
        }
    }

    @Test func `whatever the keys are, their text is read as the same`() throws {
        for keys in [["a.b", "\"", "\\", ""], ["\n", "0", "-"], ["é", "e\u{301}", "."]] {
            let path = ConfigPath(keys)
            #expect(try ConfigPath(dotted: path.dotted) == path)
            #expect(ConfigPath(pointer: path.pointer) == path)
        }
    }

    @Test func `paths are told apart by their bytes`() {
        #expect(ConfigPath(["\u{e9}"]) != ConfigPath(["e\u{301}"]))
    }
}
