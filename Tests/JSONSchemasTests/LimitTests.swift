import ConfigValues
import Diagnostics
import Testing

@testable import JSONSchemas

struct SchemaLimitTests {
    private static func limits(_ change: (inout SchemaLimits) -> Void) -> SchemaLimits {
        var limits = SchemaLimits()
        change(&limits)
        return limits
    }

    @Test func `a schema has so many bytes with all that it refers to`() throws {
        let text = ##"{"$ref": "b.json"}"##  // 1 + 4 + 1 + 6
        let other = #"{"title": "12345"}"#  // 1 + 5 + 1 + 5
        let documents = ["b.json": other]
        #expect(try problems(text, documents, limits: Self.limits { $0.byteCount = 24 }) == [])
        let told = try problems(text, documents, limits: Self.limits { $0.byteCount = 23 })
        #expect(told.first?.hasPrefix("schema.too-large 1:11 ") == true)
    }

    @Test func `a schema has so many subschemas`() throws {
        let text = #"{"allOf": [true, true, true]}"#
        #expect(try problems(text, limits: Self.limits { $0.subschemaCount = 4 }) == [])
        #expect(
            try problems(text, limits: Self.limits { $0.subschemaCount = 3 }) == [
                "schema.too-large 1:24 more than 3 subschemas, at most so many, with all that is referred to"
            ])
    }

    @Test func `schemas nest so deeply`() throws {
        let text = #"{"not": {"not": {}}}"#
        #expect(try problems(text, limits: Self.limits { $0.depth = 2 }) == [])
        let told = try problems(text, limits: Self.limits { $0.depth = 1 })
        #expect(told == ["schema.too-large 1:17 lists and maps nested deeper than 1, at most 1 levels"])
    }

    @Test func `expressions ask for so many characters together`() throws {
        let text = #"{"allOf": [{"pattern": "a{5}"}, {"pattern": "b{5}"}, {"pattern": "a{5}"}]}"#
        #expect(try problems(text, limits: Self.limits { $0.expressionPositionCount = 10 }) == [])
        let told = try problems(text, limits: Self.limits { $0.expressionPositionCount = 9 })
        #expect(
            told == [
                "schema.too-large 1:45 expressions of more than 9 characters, at most so many, repetitions written out"
            ])
    }

    @Test func `values nest so deeply`() throws {
        let compiled = try schema(##"{"items": {"$ref": "#"}}"##, limits: Self.limits { $0.depth = 3 })
        #expect(try compiled.mistakes(in: json("[[[[]]]]")) == [])
        #expect(try compiled.mistakes(in: json("[[[[[]]]]]")).map(\.code) == [.schemaTooSlow])
        let distinct = try schema(#"{"uniqueItems": true}"#, limits: Self.limits { $0.depth = 3 })
        #expect(try distinct.mistakes(in: json("[[[[]]]]")) == [])
        #expect(try distinct.mistakes(in: json("[[[[[]]]]]")).map(\.code) == [.schemaTooSlow])
    }

    @Test func `subschemas that ask each other are so many at a time`() throws {
        let parts = (0..<50).map { ##""a\##($0)": {"$ref": "#/$defs/a\##($0 + 1)"}"## }.joined(separator: ",")
        let text = ##"{"$ref": "#/$defs/a0", "$defs": {\##(parts), "a50": {"allOf": [{"type": "null"}]}}}"##
        #expect(try schema(text, limits: Self.limits { $0.nestingCount = 52 }).mistakes(in: json("null")) == [])
        #expect(
            try schema(text, limits: Self.limits { $0.nestingCount = 51 }).mistakes(in: json("null")).map(\.code) == [
                .schemaTooSlow
            ])
    }

    /// Each asks the next twice: 2^40 ways, if nobody stops.
    @Test func `a schema that takes too long is given up`() throws {
        let parts = (0..<40).map {
            ##""a\##($0)": {"anyOf": [{"$ref": "#/$defs/a\##($0 + 1)"}, {"$ref": "#/$defs/a\##($0 + 1)"}]}"##
        }
        let text = ##"{"$ref": "#/$defs/a0", "$defs": {\##(parts.joined(separator: ",")), "a40": false}}"##
        let compiled = try schema(text, limits: Self.limits { $0.stepCount = 100_000 })
        #expect(try compiled.mistakes(in: json("1")).map(\.code) == [.schemaTooSlow])
    }

    @Test func `what costs much is counted as much`() throws {
        let list = "[" + (0..<2_000).map(String.init).joined(separator: ",") + "]"
        let word = "\"" + String(repeating: "a", count: 2_000) + "\""
        let few = Self.limits { $0.stepCount = 1_000 }
        for (text, value) in [
            (#"{"uniqueItems": true}"#, list), (#"{"const": 1}"#, list), (#"{"enum": [1]}"#, list),
            (#"{"pattern": "^(a*)*b"}"#, word), (#"{"items": true, "contains": {"type": "null"}}"#, list),
            (#"{"required": [\#((0..<2_000).map { "\"k\($0)\"" }.joined(separator: ","))]}"#, "{}"),
        ] {
            #expect(
                try schema(text, limits: few).mistakes(in: json(value)).map(\.code) == [.schemaTooSlow],
                "\(text.prefix(40))")
        }
    }

    /// Those that look alike are equal to Swift, and so are their hashes, unless bytes are what is hashed.
    @Test func `items that only look alike differ, and are told apart at once`() throws {
        let forms = ["é", "e\u{301}"]
        let texts = (0..<(1 << 12)).map { number in (0..<12).map { forms[number >> $0 & 1] }.joined() }
        let list = "[" + texts.map { "\"\($0)\"" }.joined(separator: ",") + "]"
        #expect(try schema(#"{"uniqueItems": true}"#).mistakes(in: json(list)) == [])
        let value = try json(list)
        #expect(Set((value.list ?? []).map(\.hashValue)).count > 4_000)
    }
}
