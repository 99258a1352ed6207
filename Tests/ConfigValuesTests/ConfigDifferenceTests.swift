import Diagnostics
import Testing

@testable import ConfigValues

struct ConfigDifferenceTests {
    private func value(_ json: String) throws -> ConfigValue {
        try JSONReader.read(json.utf8Span.span, of: TextOrigin(layer: "l", file: "f"))
    }

    private func difference(_ old: String, _ new: String) throws -> [String] {
        try ConfigDifference(from: value(old), to: value(new)).items.map { item in
            let (old, new) = (item.old, item.new)
            func text(_ value: ConfigValue?) -> String {
                value.map { String(decoding: $0.json(), as: UTF8.self) } ?? "-"
            }
            return "\(item.path.dotted): \(text(old)) \(text(new))"
        }
    }

    @Test func `what is the same is no difference, however it is held`() throws {
        #expect(try difference(#"{"a":1,"b":[1,{}]}"#, #"{"b":[1.0,{}],"a":1}"#) == [])
    }

    @Test func `each value that is added, removed or another one is told by its path, in order`() throws {
        #expect(
            try difference(#"{"a":1,"b":{"c":2,"e":5},"x":{"y":1,"z":{}}}"#, #"{"b":{"c":3,"d":4,"e":5},"w":{"v":[]}}"#)
                == ["a: 1 -", "b.c: 2 3", "b.d: - 4", "w.v: - []", "x.y: 1 -", "x.z: {} -"])
    }

    @Test func `items of lists are compared by their place`() throws {
        #expect(
            try difference(#"{"l":[1,{"a":1},3]}"#, #"{"l":[1,{"a":2}]}"#) == ["l.1.a: 1 2", "l.2: 3 -"])
        #expect(try difference(#"{"l":[1]}"#, #"{"l":[1,{"a":2}]}"#) == ["l.1.a: - 2"])
    }

    @Test func `what becomes something else is one change`() throws {
        #expect(try difference(#"{"a":{"b":1}}"#, #"{"a":[1]}"#) == [#"a: {"b":1} [1]"#])
        #expect(try difference(#"{"a":{}}"#, #"{"a":[]}"#) == ["a: {} []"])
    }

    @Test func `a map that has nothing in it any more, or had nothing, is still one`() throws {
        #expect(try difference(#"{"a":{"b":1}}"#, #"{"a":{}}"#) == ["a.b: 1 -"])
        #expect(try difference("{}", #"{"a":{"b":1,"c":2}}"#) == ["a.b: - 1", "a.c: - 2"])
    }
}
