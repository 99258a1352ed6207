import ConfigValues
import Diagnostics
import Testing

@testable import JSONSchemas

struct ReferenceTests {
    @Test(arguments: [
        (
            ##"{"$ref": "#/$defs/prot", "$defs": {"port": {}}}"##,
            ##"1:10 a reference to "#/$defs/prot", where nothing is, the key of a subschema there"##
        ),
        (
            ##"{"$ref": "#/properties"}"##,
            ##"1:10 a reference to "#/properties", where nothing is, the place of a subschema"##
        ),
        (
            ##"{"$ref": "#/allOf/2", "allOf": [{}]}"##,
            ##"1:10 a reference to "#/allOf/2", where nothing is, the number of one of 1 subschemas"##
        ),
        (
            ##"{"$ref": "#/allOf/00", "allOf": [{}]}"##,
            ##"1:10 a reference to "#/allOf/00", where nothing is, the number of one of 1 subschemas"##
        ),
        (
            ##"{"$ref": "#/const/a", "const": {"a": {}}}"##,
            ##"1:10 a reference to "#/const/a", where nothing is, the place of a subschema"##
        ),
        (##"{"$ref": "#name"}"##, ##"1:10 a reference to "#name", where nothing is, the name of an anchor there"##),
        (
            ##"{"$dynamicRef": "#name"}"##,
            ##"1:17 a reference to "#name", where nothing is, the name of an anchor there"##
        ),
        (
            #"{"$ref": "other.json"}"#,
            #"1:10 a reference to "other.json", a schema at hand: a file, or what an "$id" names"#
        ),
        (
            #"{"$ref": "https://example.org/x"}"#,
            #"1:10 a reference to "https://example.org/x", a schema at hand: a file, or what an "$id" names"#
        ),
        (
            ##"{"$ref": "#/$defs/%zz"}"##,
            ##"1:10 a reference to "#/$defs/%zz", where nothing is, the name of an anchor there"##
        ),
    ])
    func `a reference that leads nowhere is told with its place`(text: String, told: String) throws {
        #expect(try problems(text) == ["schema.unknown-reference " + told])
    }

    @Test func `references lead to files, relative to where the schema was found`() throws {
        let documents = [
            "schemas/common/types.json":
                ##"{"$defs": {"port": {"maximum": 65535}, "ports": {"items": {"$ref": "#/$defs/port"}}}}"##,
            "schemas/app.json": #"{"$ref": "common/types.json#/$defs/port"}"#,
        ]
        let compiled = try schema(
            ##"{"properties": {"a": {"$ref": "common/types.json#/$defs/ports"}, "b": {"$ref": "app.json"}}}"##,
            at: "schemas/main.json",
            documents)
        #expect(
            try compiled.mistakes(in: json(#"{"a": [1, 70000], "b": 70001}"#)).map(\.found) == [
                "70000 at a.1", "70001 at b",
            ])
    }

    @Test func `a file is what it calls itself, too`() throws {
        let documents = ["types.json": #"{"$id": "https://example.org/types", "$anchor": "top", "type": "string"}"#]
        for reference in ["types.json", "https://example.org/types", "https://example.org/types#top"] {
            #expect(try schema(#"{"$ref": "\#(reference)"}"#, documents).mistakes(in: json("1")).count == 1)
        }
    }

    @Test func `what two files are called is not for one of them`() throws {
        let documents = [
            "a.json": #"{"$id": "https://example.org/x"}"#, "b.json": #"{"$id": "https://example.org/x"}"#,
        ]
        #expect(
            try problems(#"{"$ref": "https://example.org/x"}"#, documents) == [
                #"schema.unknown-reference 1:10 a reference to "https://example.org/x", which two schemas are called, a reference to one"#
            ])
    }

    @Test func `a mistake in a file that is referred to has its place there`() throws {
        var told: [Diagnostic] = []
        let registry = try registry(["types.json": #"{"type": "int"}"#])
        let compiled = try JSONSchema(json(#"{"$ref": "types.json"}"#), registry: registry, problems: &told)
        #expect(compiled == nil)
        #expect(told.map(\.position.description) == ["types.json:1:10"])
    }

    /// The metaschemas are built in, and no file takes their place.
    @Test func `nobody else is a published metaschema`() throws {
        let documents = ["x.json": #"{"$id": "https://json-schema.org/draft/2020-12/schema"}"#]
        let compiled = try schema(#"{"$ref": "https://json-schema.org/draft/2020-12/schema"}"#, documents)
        #expect(try compiled.mistakes(in: json(#"{"type": 1}"#)).count > 0)
    }

    @Test func `keys of definitions need not be ASCII`() throws {
        let compiled = try schema(##"{"$ref": "#/$defs/größe", "$defs": {"größe": {"type": "number"}}}"##)
        #expect(try compiled.mistakes(in: json(#""x""#)).count == 1)
    }

    @Test func `a dynamic reference leads to the outermost schema that has the anchor`() throws {
        let documents = [
            "tree.json":
                ##"{"$id": "https://t/tree", "$dynamicAnchor": "node", "type": "object", "properties": {"below": {"items": {"$dynamicRef": "#node"}}}}"##
        ]
        let strict = try schema(
            ##"{"$id": "https://t/strict", "$dynamicAnchor": "node", "$ref": "tree", "unevaluatedProperties": false}"##,
            documents)
        let open = try schema(#"{"$ref": "https://t/tree"}"#, documents)
        let value = try json(#"{"below": [{"below": []}, {"beyond": 1}]}"#)
        #expect(open.mistakes(in: value) == [])
        #expect(strict.mistakes(in: value).map(\.found) == [#"the key "beyond" at below.1"#])
    }
}

struct LoopTests {
    @Test(arguments: [
        ##"{"$ref": "#"}"##, ##"{"allOf": [{"$ref": "#"}]}"##, ##"{"not": {"$ref": "#"}}"##,
        ##"{"if": true, "then": {"$ref": "#"}}"##,
        ##"{"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [true, {"$ref": "#/$defs/b"}]}, "b": {"oneOf": [{"$ref": "#/$defs/a"}]}}}"##,
        ##"{"dependentSchemas": {"a": {"$ref": "#"}}}"##, ##"{"$dynamicRef": "#"}"##,
        ##"{"$defs": {"a": {"$ref": "#/$defs/a"}}}"##,
    ])
    func `a schema that is applied to a value by being applied to it is an error`(text: String) throws {
        let told = try problems(text)
        #expect(told.count == 1 && told[0].hasPrefix("schema.loop 1:"))
    }

    @Test func `a loop that only a dynamic reference closes is found when it is followed`() throws {
        let compiled = try schema(
            ##"{"$dynamicAnchor": "a", "properties": {"x": {"$dynamicRef": "#a", "type": "object"}}, "anyOf": [{"maxProperties": 0}, {"allOf": [{"$dynamicRef": "#a"}]}]}"##
        )
        #expect(try compiled.mistakes(in: json("{}")) == [])
        let told = try compiled.mistakes(in: json(#"{"y": 1}"#))
        #expect(told.map(\.code) == [.schemaLoop])
        #expect(told.map(\.position.column) == [146])
    }

    @Test func `references that lead into the value are no loop`() throws {
        let compiled = try schema(##"{"type": "object", "additionalProperties": {"$ref": "#"}}"##)
        let deep = String(repeating: #"{"a":"#, count: 60) + "{}" + String(repeating: "}", count: 60)
        #expect(try compiled.mistakes(in: json(deep)) == [])
        #expect(try compiled.mistakes(in: json(#"{"a": {"b": 1}}"#)).map(\.found) == ["1 at a.b"])
    }
}
