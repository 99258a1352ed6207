import ConfigFixtures
import ConfigValues
import Testing

struct JSONPatchTests {
    private static let origin = TextOrigin(layer: "test", file: "test.json")

    private func read(_ text: String) throws -> ConfigValue {
        try JSONReader.read(Array(text.utf8).span, of: Self.origin)
    }

    private func json(_ patch: JSONPatch) -> String {
        var bytes: [UInt8] = []
        patch.writeJSON(into: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test(arguments: [
        (#"{"a":1}"#, #"{"a":1.0}"#, "[]"),
        (
            #"{"a":1,"b":2}"#, #"{"b":3,"c":null}"#,
            #"[{"op":"remove","path":"/a"},{"op":"replace","path":"/b","value":3},{"op":"add","path":"/c","value":null}]"#
        ),
        (#"{"l":[1,2,3,4]}"#, #"{"l":[1,9,2,3,4]}"#, #"[{"op":"add","path":"/l/1","value":9}]"#),
        (#"{"l":[1,2,3,4]}"#, #"{"l":[1,4]}"#, #"[{"op":"remove","path":"/l/2"},{"op":"remove","path":"/l/1"}]"#),
        (#"[{"a":1,"b":2},5]"#, #"[{"a":1,"b":3},5]"#, #"[{"op":"replace","path":"/0/b","value":3}]"#),
        (#"[]"#, #"[1,2]"#, #"[{"op":"add","path":"/0","value":1},{"op":"add","path":"/1","value":2}]"#),
        (#"{"a/b~":{"x":1}}"#, #"{"a/b~":{"x":[]}}"#, #"[{"op":"replace","path":"/a~1b~0/x","value":[]}]"#),
        (#"{}"#, #"[]"#, #"[{"op":"replace","path":"","value":[]}]"#),
        (
            #"{"é":1}"#, "{\"e\u{301}\":1}",
            #"[{"op":"add","path":"/e"# + "\u{301}" + #"","value":1},{"op":"remove","path":"/é"}]"#
        ),
    ])
    func `a difference has what is needed and no more`(old: String, new: String, patch: String) throws {
        let difference = try JSONPatch(from: read(old), to: read(new))
        #expect(json(difference) == patch)
        #expect(try difference.applied(to: read(old)) == read(new))
    }

    @Test func `applied to the old value, the difference makes the new one`() throws {
        var random = RandomConfig(seed: 11)
        for turn in 0..<3_000 {
            let old = random.value()
            let new = turn % 3 == 0 ? random.value() : random.change(old)
            let patch = JSONPatch(from: old, to: new)
            #expect(try patch.applied(to: old) == new)
            #expect(patch.isEmpty == (old == new))
            // As it goes over the wire.
            let sent = try JSONReader.read(Array(json(patch).utf8).span, of: Self.origin)
            #expect(JSONPatch(sent) == patch)
        }
    }

    @Test(arguments: [
        #"[{"op":"remove","path":"/x"}]"#, #"[{"op":"remove","path":""}]"#,
        #"[{"op":"replace","path":"/a/b","value":1}]"#,
        #"[{"op":"add","path":"/x/y","value":1}]"#, #"[{"op":"add","path":"/l/3","value":1}]"#,
        #"[{"op":"remove","path":"/l/-"}]"#,
        #"[{"op":"remove","path":"/l/01"}]"#, #"[{"op":"add","path":"/n","value":1},{"op":"remove","path":"/l/2"}]"#,
    ])
    func `what leads to nothing is a misfit`(patch: String) throws {
        let value = try read(#"{"a":1,"l":[1,2]}"#)
        let patch = try #require(JSONPatch(read(patch)))
        #expect(throws: JSONPatch.Misfit.self) { try patch.applied(to: value) }
    }

    @Test func `a list grows at its end`() throws {
        let patch = try #require(
            JSONPatch(read(#"[{"op":"add","path":"/-","value":3},{"op":"add","path":"/0","value":0}]"#)))
        #expect(try patch.applied(to: read("[1,2]")) == read("[0,1,2,3]"))
    }

    @Test(arguments: [
        "{}", "[1]", #"[{"op":"add","path":"/a"}]"#, #"[{"op":"move","path":"/a","from":"/b"}]"#,
        #"[{"op":"remove","path":"a"}]"#,
        #"[{"path":"/a"}]"#,
    ])
    func `what is no patch of these operations is none`(text: String) throws {
        #expect(try JSONPatch(read(text)) == nil)
    }
}
