import ConfigValues
import Diagnostics
import Testing

@testable import JSONSchemas

@Test(arguments: [
    ("1", "1:1 1, a schema: a map, true or false"),
    (#"{"type": "strng"}"#, #"1:10 "strng", the name of a type"#),
    (#"{"type": []}"#, #"1:10 an empty list, the name of a type"#),
    (#"{"type": ["null", "null"]}"#, #"1:19 "null" a second time, each once"#),
    (#"{"type": 1}"#, #"1:10 1, the name of a type, or a list of them as "type""#),
    (#"{"minLength": -1}"#, #"1:15 -1, a whole number from 0 on as "minLength""#),
    (#"{"maxItems": 1.5}"#, #"1:14 1.5, a whole number from 0 on as "maxItems""#),
    (#"{"multipleOf": 0}"#, #"1:16 0, a number above 0 as "multipleOf""#),
    (#"{"maximum": "1"}"#, #"1:13 "1", a number as "maximum""#),
    (#"{"uniqueItems": 1}"#, #"1:17 1, true or false as "uniqueItems""#),
    (#"{"required": true}"#, #"1:14 true, a list of strings, none twice as "required""#),
    (#"{"required": ["a", 1, "a"]}"#, #"1:20 1, a string in "required""#),
    (#"{"dependentRequired": {"a": "b"}}"#, #"1:29 "b", a list of strings, none twice in "dependentRequired""#),
    (#"{"enum": "a"}"#, #"1:10 "a", a list as "enum""#),
    (#"{"properties": []}"#, #"1:16 an empty list, a map of schemas as "properties""#),
    (#"{"properties": {"a": 1}}"#, #"1:22 1, a schema: a map, true or false"#),
    (#"{"items": [{}]}"#, #"1:11 a list, a schema: a map, true or false as "items""#),
    (#"{"allOf": []}"#, #"1:11 an empty list, a list of schemas, one at least as "allOf""#),
    (#"{"$id": "a#b"}"#, #"1:9 "a#b", a URI without a fragment as "$id""#),
    (
        #"{"$anchor": "1"}"#,
        #"1:13 "1", a name of letters, digits, "-", "_" and "." that begins with a letter or "_" as "$anchor""#
    ),
    (#"{"$ref": 1}"#, #"1:10 1, a URI as "$ref""#),
    (#"{"title": 1}"#, #"1:11 1, a string as "title""#),
    (#"{"$vocabulary": {"a": 1}}"#, #"1:23 1, true or false as "$vocabulary""#),
    (#"{"$defs": {"a": {"$id": "x"}, "b": {"$id": "x"}}}"#, #"1:44 "x" a second time, another URI for each schema"#),
    (
        #"{"$defs": {"a": {"$anchor": "x"}, "b": {"$dynamicAnchor": "x"}}}"#,
        #"1:59 the anchor "x" a second time, each once in a schema"#
    ),
    (
        #"{"$defs": {"a": {"$schema": "http://json-schema.org/draft-07/schema#"}}}"#,
        #"1:29 "$schema" in a part of a schema, it at the top, or beside an "$id""#
    ),
])
func `what is no schema is told with its place`(text: String, told: String) throws {
    let told = told == #"1:20 1, a string in "required""# ? [told, #"1:23 "a" a second time, each once"#] : [told]
    #expect(try problems(text) == told.map { "schema.invalid " + $0 })
}

@Test(arguments: [
    ("(", "close the"), ("a{2,1}", "with numbers up to 255"), ("(?=a)", "assertions"), (#"\\1"#, "use only"),
    (#"\\p{Greek}"#, "general category"),
    ("a{300}", "up to 255"), ("[]", "put a character between"), (#"\\bword"#, "use only"), ("(?i)a", "flags"),
])
func `an expression that cannot be matched in one pass is refused`(expression: String, remedy: String) throws {
    for text in [#"{"pattern": "E"}"#, #"{"patternProperties": {"E": true}}"#] {
        var told: [Diagnostic] = []
        let whole = text.split(separator: "E", omittingEmptySubsequences: false).joined(separator: expression)
        let compiled = try JSONSchema(json(whole), problems: &told)
        #expect(compiled == nil)
        #expect(told.map(\.code) == [.schemaExpression])
        #expect(told.allSatisfy { $0.remedy.contains(remedy) && $0.position.line == 1 && $0.position.column > 10 })
    }
}

@Test func `a keyword that looks like another is told, and one of its own is not`() throws {
    let told = try problems(
        ##"{"requried": ["a"], "x-type": 1, "remark": 2, "$defs": {"a": {"additionalItems": false, "dependencies": {"a": ["b"]}}}}"##
    )
    #expect(
        told == [
            #"schema.unknown-keyword 1:2 the keyword "requried", which means nothing, a keyword of draft 2020-12"#,
            #"schema.unknown-keyword 1:63 the keyword "additionalItems", which means nothing, a keyword of draft 2020-12"#,
            #"schema.unknown-keyword 1:89 the keyword "dependencies", which means nothing, a keyword of draft 2020-12"#,
        ])
}

@Test func `of very many mistakes 20 are told`() throws {
    let text = "{\"allOf\": [" + (0..<50).map { _ in "{\"type\": 1}" }.joined(separator: ",") + "]}"
    #expect(try problems(text).count == 20)
}

struct MetaschemaTests {
    @Test func `a metaschema of one's own is asked, too`() throws {
        let own =
            #"{"$id": "https://own/meta", "$schema": "https://json-schema.org/draft/2020-12/schema", "$dynamicAnchor": "meta", "$ref": "https://json-schema.org/draft/2020-12/schema", "required": ["title"]}"#
        let documents = ["own.json": own]
        let text =
            #"{"$schema": "https://own/meta", "title": "T", "properties": {"a": {"TITLE": "t", "type": "string"}}}"#
        let told = try problems(text.split(separator: "TITLE").joined(separator: "x"), documents)
        #expect(told == [#"schema.invalid 1:67 a map without the key "title" at properties.a, it"#])
        #expect(try problems(text.split(separator: "TITLE").joined(separator: "title"), documents) == [])
    }

    @Test func `keywords of a vocabulary that the metaschema leaves out mean nothing`() throws {
        let own =
            #"{"$id": "https://own/meta", "$vocabulary": {"https://json-schema.org/draft/2020-12/vocab/core": true, "https://json-schema.org/draft/2020-12/vocab/applicator": true, "https://own/vocabulary": false}}"#
        let text = #"{"$schema": "https://own/meta", "properties": {"a": false, "b": {"type": 17}}}"#
        let compiled = try schema(text, ["own.json": own])
        #expect(try compiled.mistakes(in: json(#"{"b": 1}"#)) == [])
        #expect(try compiled.mistakes(in: json(#"{"a": 1}"#)).count == 1)
    }

    @Test(arguments: [
        (
            #"{"https://own/vocabulary": true}"#,
            #"schema.unknown-dialect 1:71 the vocabulary "https://own/vocabulary", which is required, vocabularies of draft 2020-12"#
        ),
        (
            #"{"https://json-schema.org/draft/2020-12/vocab/format-assertion": true}"#,
            #"schema.unknown-dialect 1:109 the vocabulary "https://json-schema.org/draft/2020-12/vocab/format-assertion", which is required, vocabularies of draft 2020-12"#
        ),
    ])
    func `a vocabulary that is not known and required is an error`(vocabulary: String, told: String) throws {
        let own = #"{"$id": "https://own/meta", "$vocabulary": "# + vocabulary + "}"
        #expect(try problems(#"{"$schema": "https://own/meta"}"#, ["own.json": own]) == [told])
    }

    @Test(arguments: [
        "http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2019-09/schema", "https://own/meta",
    ])
    func `an unknown dialect is an error`(uri: String) throws {
        let told = try problems(#"{"$schema": "\#(uri)"}"#)
        #expect(told.count == 1 && told[0].hasPrefix("schema.unknown-dialect 1:13 "))
    }

    @Test func `metaschemas that are each other's have an end`() throws {
        let documents = [
            "a.json": #"{"$id": "https://own/a", "$schema": "https://own/b"}"#,
            "b.json": #"{"$id": "https://own/b", "$schema": "https://own/a"}"#,
        ]
        #expect(try problems(#"{"$schema": "https://own/a"}"#, documents) == [])
        var chain: [String: String] = [:]
        for number in 0..<12 {
            chain["\(number).json"] = #"{"$id": "https://own/\#(number)", "$schema": "https://own/\#(number + 1)"}"#
        }
        chain["12.json"] = #"{"$id": "https://own/12"}"#
        let told = try problems(#"{"$schema": "https://own/0"}"#, chain)
        #expect(told.count == 1 && told[0].contains("a metaschema of a metaschema, more than 8 times"))
    }

    @Test func `every published metaschema is there, and is a schema`() throws {
        for vocabulary in ["schema"] + SchemaVocabulary.allCases.map({ "meta/" + $0.rawValue }) {
            let compiled = try schema(#"{"$ref": "https://json-schema.org/draft/2020-12/\#(vocabulary)"}"#)
            #expect(try compiled.mistakes(in: json("{}")) == [])
            #expect(try compiled.mistakes(in: json("17")).count > 0)
            let document = try #require(Metaschemas.document(at: Metaschemas.base + vocabulary))
            #expect(
                try schema(#"{"$ref": "https://json-schema.org/draft/2020-12/schema"}"#).mistakes(in: document) == [])
        }
        #expect(
            try schema(
                #"{"$ref": "https://json-schema.org/draft/2020-12/meta/validation#/$defs/nonNegativeIntegerDefault0"}"#
            ).mistakes(in: json("-1")).count == 1)
    }
}
