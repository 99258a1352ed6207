import ConfigValues
import Diagnostics
import Testing

@testable import JSONSchemas

/// Beyond what the published cases ask.
@Test(arguments: [
    (#"{"a": 1, "b": 2}"#, #"{"properties": {"a": true}, "unevaluatedProperties": {"type": "string"}}"#, ["2 at b"]),
    (
        #"{"a": 1}"#, #"{"not": {"properties": {"a": {"type": "string"}}}, "unevaluatedProperties": false}"#,
        [#"the key "a""#]
    ),
    (
        #"{"a": 1}"#, #"{"anyOf": [{"properties": {"a": {"type": "string"}}}, true], "unevaluatedProperties": false}"#,
        [#"the key "a""#]
    ),
    (#"{"a": 1}"#, #"{"anyOf": [true, {"properties": {"a": true}}], "unevaluatedProperties": false}"#, []),
    (
        #"{"a": 1}"#,
        #"{"if": {"properties": {"a": {"const": 1}}, "required": ["a"]}, "else": false, "unevaluatedProperties": false}"#,
        []
    ),
    (
        #"{"a": 1, "b": 1}"#,
        #"{"dependentSchemas": {"a": {"properties": {"b": true}}}, "properties": {"a": true}, "unevaluatedProperties": false}"#,
        []
    ),
    (
        #"{"a": {"x": 1}}"#,
        #"{"properties": {"a": {"unevaluatedProperties": false}}, "unevaluatedProperties": false}"#,
        [#"the key "x" at a"#]
    ),
    (#"{"a": 1}"#, #"{"allOf": [{"unevaluatedProperties": true}], "unevaluatedProperties": false}"#, []),
    (
        "[1, 2, 3]", #"{"prefixItems": [true], "contains": {"const": 3}, "unevaluatedItems": {"type": "string"}}"#,
        ["2 at 1"]
    ),
    ("[1, 2]", #"{"allOf": [{"items": {"type": "number"}}], "unevaluatedItems": false}"#, []),
    (
        "[1, 2]",
        #"{"oneOf": [{"prefixItems": [true]}, {"prefixItems": [{"type": "string"}, true]}], "unevaluatedItems": false}"#,
        ["the item 1"]
    ),
])
func `what nothing else has looked at is unevaluated`(value: String, text: String, found: [String]) throws {
    #expect(try schema(text).mistakes(in: json(value)).map(\.found) == found)
}

@Test func `more members than a word has bits are marked one by one`() throws {
    let value = "{" + (0..<200).map { "\"k\($0)\": \($0)" }.joined(separator: ",") + "}"
    let compiled = try schema(
        #"{"allOf": [{"patternProperties": {"[0-8]$": true}}], "unevaluatedProperties": {"minimum": 100}}"#)
    // The first ten of those that end in 9.
    #expect(try compiled.mistakes(in: json(value)).count == 10)
}
