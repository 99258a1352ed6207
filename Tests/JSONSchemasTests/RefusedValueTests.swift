import ConfigValues
import Diagnostics
import Testing

@testable import JSONSchemas

/// What is told: where, what was found, what was expected.
@Test(arguments: [
    ("{\"a\": \"x\"}", #"{"properties": {"a": {"type": "integer"}}}"#, #"1:7 "x" at a, a whole number"#),
    ("1", #"{"type": ["string", "null"]}"#, "1:1 1, a string or null"),
    ("1.5", #"{"type": "integer"}"#, "1:1 1.5, a whole number"),
    ("[1, [2]]", #"{"items": {"type": "number"}}"#, "1:5 a list at 1, a number"),
    (#""red""#, #"{"const": "blue"}"#, #"1:1 "red", "blue""#),
    (#""rad""#, #"{"enum": ["red", "blue", 3]}"#, #"1:1 "rad", "red", "blue" or 3"#),
    ("7", #"{"multipleOf": 2}"#, "1:1 7, a multiple of 2"),
    ("7", #"{"maximum": 6}"#, "1:1 7, at most 6"), ("7", #"{"minimum": 8}"#, "1:1 7, at least 8"),
    ("7", #"{"exclusiveMaximum": 7}"#, "1:1 7, less than 7"),
    ("7", #"{"exclusiveMinimum": 7.0}"#, "1:1 7, more than 7"),
    (#""e\u0301""#, #"{"maxLength": 1}"#, "1:1 a string of 2 characters, at most 1 character"),
    (#""""#, #"{"minLength": 1}"#, "1:1 a string of 0 characters, at least 1 character"),
    (#""abc""#, #"{"pattern": "^b"}"#, #"1:1 "abc", a string that "^b" is found in"#),
    ("[1]", #"{"minItems": 2}"#, "1:1 a list of 1 item, at least 2 items"),
    ("[1, 2, 1.0]", #"{"uniqueItems": true}"#, "1:8 1 a second time at 2, items that differ"),
    ("{\"a\": {}}", #"{"properties": {"a": {"minProperties": 1}}}"#, "1:7 a map of 0 keys at a, at least 1 key"),
    (
        "{\"a\": {\"b\": 1}}", #"{"properties": {"a": {"required": ["b", "c"]}}}"#,
        #"1:7 a map without the key "c" at a, it"#
    ),
    (
        "{\"a\": 1}", #"{"dependentRequired": {"a": ["b"]}}"#,
        #"1:1 a map with the key "a" and without "b", both, or neither"#
    ),
    (
        "{\"a\": {\"prot\": 1}}",
        #"{"properties": {"a": {"properties": {"port": true}, "additionalProperties": false}}}"#,
        #"1:8 the key "prot" at a, only keys that the schema knows"#
    ),
    ("{\"a\": 1}", #"{"properties": {"a": false}}"#, #"1:2 the key "a", no such key"#),
    ("{\"a\": 1}", #"{"unevaluatedProperties": false}"#, #"1:2 the key "a", only keys that the schema knows"#),
    ("[1, 2]", #"{"prefixItems": [true], "items": false}"#, "1:5 the item 1, no such item"),
    ("[1, 2]", #"{"prefixItems": [true], "unevaluatedItems": false}"#, "1:5 the item 1, no such item"),
    (
        "{\"a-b\": 1}", #"{"propertyNames": {"pattern": "^[a-z]*$"}}"#,
        #"1:2 the key "a-b", a string that "^[a-z]*$" is found in"#
    ),
    ("1", "false", "1:1 1, no value"),
    (
        "[1, 2]", #"{"contains": {"type": "string"}}"#,
        #"1:1 a list with 0 such items, at least 1 item as "contains" says: a string"#
    ),
    (
        "[1, 2]", #"{"contains": {"type": "number"}, "maxContains": 1}"#,
        #"1:1 a list with 2 such items, from 1 to 1 item as "contains" says: a number"#
    ),
    ("1", #"{"not": {"type": "number"}}"#, #"1:1 1, another value than "not" says: a number"#),
    (
        "1", #"{"anyOf": [{"type": "string"}, {"title": "a port", "type": "boolean"}]}"#,
        #"1:1 1, what one of "anyOf" says: a string or "a port""#
    ),
    (
        "1", #"{"oneOf": [{"type": "number"}, {"minimum": 0, "type": "integer"}]}"#,
        #"1:1 1, which 2 of "oneOf" are for, what exactly one of "oneOf" says: a number or a whole number"#
    ),
    // Of alternatives the only one that such a value can be says what is wrong.
    (
        "{\"a\": 1}", #"{"anyOf": [{"type": "null"}, {"properties": {"a": {"type": "string"}}}]}"#,
        "1:7 1 at a, a string"
    ),
    (
        #"{"kind": "b", "n": "x"}"#,
        #"{"oneOf": [{"properties": {"kind": {"const": "a"}}}, {"properties": {"kind": {"const": "b"}, "n": {"type": "number"}}}]}"#,
        #"1:20 "x" at n, a number"#
    ),
    ("{\"a\": 1}", #"{"if": {"required": ["a"]}, "then": {"required": ["b"]}}"#, #"1:1 a map without the key "b", it"#),
    ("{\"a\": 1}", #"{"dependentSchemas": {"a": {"maxProperties": 0}}}"#, "1:1 a map of 1 key, at most 0 keys"),
])
func `a mistake says where it is, what was found and what was expected`(value: String, schema: String, told: String)
    throws
{
    #expect(try mistakes(value, against: schema) == ["schema.refused-value " + told])
}

@Test func `a mistake says what to do, and where the schema says so`() throws {
    let text =
        "{\n  \"properties\": {\"colour\": {\"enum\": [\"red\", \"blue\"]}, \"n\": {\"maximum\": 5}},\n  \"additionalProperties\": false\n}"
    let told = try schema(text).mistakes(in: json(#"{"color": 1, "colour": "bleu", "n": 6}"#))
    #expect(
        told.map(\.remedy) == [
            #"remove it, or correct its name: did you mean "colour"?"#, #"change it to "blue""#,
            #"change it, or "maximum" in the schema (schema.json:2:72)"#,
        ])
}

@Test func `all mistakes are told, 20 at most, in order`() throws {
    let few = try mistakes(
        #"{"a": 1, "b": "x", "c": 2}"#, against: #"{"additionalProperties": {"type": "string"}, "maxProperties": 2}"#)
    #expect(few.map { $0.split(separator: " ")[1] } == ["1:1", "1:7", "1:25"])
    let list = "[" + (0..<50).map(String.init).joined(separator: ",") + "]"
    #expect(try mistakes(list, against: #"{"items": {"type": "string"}}"#).count == 20)
}

@Test func `what a subschema has refused is not told again as evaluated by nobody`() throws {
    let told = try mistakes(
        #"{"a": 1, "b": 2}"#,
        against: #"{"allOf": [{"properties": {"a": {"type": "string"}, "b": true}}], "unevaluatedProperties": false}"#)
    #expect(told == [#"schema.refused-value 1:7 1 at a, a string"#])
}

@Test func `what two subschemas say alike is told once`() throws {
    #expect(try mistakes("1", against: #"{"allOf": [{"type": "string"}, {"type": "string"}]}"#).count == 2)
    #expect(
        try mistakes(
            "1",
            against: ##"{"$defs": {"a": {"type": "string"}}, "allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/a"}]}"##
        ).count == 1)
}

struct SecretValueTests {
    /// One of each kind of rule.
    static let schemas = [
        #"{"type": "null"}"#, #"{"const": 1}"#, #"{"enum": ["hush"]}"#, #"{"pattern": "^x"}"#, #"{"maxLength": 2}"#,
        #"{"not": {}}"#, #"{"anyOf": [false, {"type": "null"}, {"type": "boolean"}]}"#, #"{"oneOf": [true, true]}"#,
        "false",
    ]

    @Test(arguments: schemas)
    func `of a secret value the type alone is told`(text: String) throws {
        let told = try schema(text).mistakes(in: json(#""hushhush""#, isSecret: true))
        #expect(told.count == 1)
        #expect(
            told.allSatisfy { $0.found.hasPrefix("a string") && !$0.found.contains("hush") && !$0.found.contains("8") })
        #expect(told.allSatisfy { !$0.remedy.contains("hush") })
    }

    @Test func `what is in something secret is secret`() throws {
        let secret = try json("{}", isSecret: true).origin
        let plain = try json(#"{"a": ["tell", "tell"]}"#)
        let value = ConfigValue(plain.content, origin: secret)
        for text in [
            #"{"properties": {"a": {"items": {"type": "null"}}}}"#, #"{"properties": {"a": {"uniqueItems": true}}}"#,
        ] {
            let told = try schema(text).mistakes(in: value)
            #expect(!told.isEmpty && told.allSatisfy { !$0.found.contains("tell") })
        }
    }

    @Test(arguments: [
        (#"{"const": "hush"}"#, #""hish""#), (#"{"enum": ["hush", "hash"]}"#, #""hish""#),
        (#"{"pattern": "hush"}"#, #""hish""#),
        (#"{"minLength": 17}"#, #""hish""#), (#"{"required": ["hush"]}"#, "{}"), (#"{"not": {"title": "hush"}}"#, "1"),
        (#"{"properties": {"hush": true}, "additionalProperties": false}"#, #"{"hish": 1}"#),
        (#"{"contains": {"const": "hush"}}"#, "[]"),
        (#"{"anyOf": [{"enum": ["hush"]}, {"pattern": "hush"}]}"#, #""hish""#),
    ])
    func `what a secret schema demands is not told`(text: String, value: String) throws {
        var problems: [Diagnostic] = []
        let compiled = try JSONSchema(json(text, isSecret: true), problems: &problems)
        let told = try #require(compiled).mistakes(in: json(value)).map { $0.found + $0.expected + $0.remedy }
        #expect(told.count == 1 && told.allSatisfy { !$0.contains("hush") && !$0.contains("17") }, "\(told)")
    }
}
