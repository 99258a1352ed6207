import ConfigValues
import Diagnostics

/// The metaschemas of draft 2020-12, which references may name: made of what is known of keywords anyway.
enum Metaschemas {
    static let base = "https://json-schema.org/draft/2020-12/"
    static let standard = base + "schema"

    /// Made when one is first asked for.
    private static let documents: [String: ConfigValue] = {
        var documents = [standard: value(standardDocument, standard)]
        for vocabulary in SchemaVocabulary.allCases {
            let uri = base + "meta/" + vocabulary.rawValue
            documents[uri] = value(document(of: vocabulary, uri), uri)
        }
        return documents
    }()

    static func document(at uri: String) -> ConfigValue? { uri.hasPrefix(base) ? documents[uri] : nil }

    private static let meta: JSONValue = ["$dynamicRef": "#meta"]

    private static func reference(_ vocabulary: String, _ name: String) -> JSONValue {
        ["$ref": .string(base + "meta/" + vocabulary + "#/$defs/" + name)]
    }

    private static var standardDocument: JSONValue {
        let vocabularies = SchemaVocabulary.allCases.filter { $0 != .formatAssertion }
        return [
            "$schema": .string(standard), "$id": .string(standard),
            "$vocabulary": .object(vocabularies.map { (key: $0.uri, value: true as JSONValue) }),
            "$dynamicAnchor": "meta", "title": "Core and Validation specifications meta-schema",
            "allOf": .array(vocabularies.map { ["$ref": .string("meta/" + $0.rawValue)] }),
            "type": ["object", "boolean"],
            "properties": properties(SchemaKeyword.allCases.filter { $0.vocabulary == nil }),
        ]
    }

    private static func document(of vocabulary: SchemaVocabulary, _ uri: String) -> JSONValue {
        // Those that annotate and those that assert have the same keyword.
        let other = vocabulary == .formatAssertion ? .formatAnnotation : vocabulary
        let keywords = SchemaKeyword.allCases.filter { $0.vocabulary == other }
        return [
            "$schema": .string(standard), "$id": .string(uri),
            "$vocabulary": .object([(key: vocabulary.uri, value: .bool(true))]), "$dynamicAnchor": "meta",
            "title": .string("Vocabulary meta-schema: " + vocabulary.rawValue), "type": ["object", "boolean"],
            "properties": properties(keywords), "$defs": definitions(of: vocabulary),
        ]
    }

    private static func properties(_ keywords: [SchemaKeyword]) -> JSONValue {
        .object(keywords.map { (key: $0.rawValue, value: fragment($0.shape)) })
    }

    private static func fragment(_ shape: SchemaShape) -> JSONValue {
        switch shape {
        case .anything: true
        case .boolean: ["type": "boolean"]
        case .string: ["type": "string"]
        case .list: ["type": "array", "items": true]
        case .uri: ["$ref": "#/$defs/uriString"]
        case .uriReference: reference("core", "uriReferenceString")
        case .identifier: ["$ref": "#/$defs/uriReferenceString", "pattern": "^[^#]*#?$"]
        case .anchor: reference("core", "anchorString")
        case .vocabularies:
            [
                "type": "object", "propertyNames": ["$ref": "#/$defs/uriString"],
                "additionalProperties": ["type": "boolean"],
            ]
        case .number: ["type": "number"]
        case .positiveNumber: ["type": "number", "exclusiveMinimum": 0]
        case .count: ["$ref": "#/$defs/nonNegativeInteger"]
        case .expression: ["type": "string", "format": "regex"]
        case .strings: ["$ref": "#/$defs/stringArray"]
        case .stringsByKey: ["type": "object", "additionalProperties": ["$ref": "#/$defs/stringArray"]]
        case .types:
            [
                "anyOf": [
                    ["$ref": "#/$defs/simpleTypes"],
                    ["type": "array", "items": ["$ref": "#/$defs/simpleTypes"], "minItems": 1, "uniqueItems": true],
                ]
            ]
        case .subschema: meta
        case .subschemas: ["$ref": "#/$defs/schemaArray"]
        case .subschemasByKey: ["type": "object", "additionalProperties": meta]
        case .subschemasByPattern:
            ["type": "object", "additionalProperties": meta, "propertyNames": ["format": "regex"]]
        case .dependencies:
            [
                "type": "object",
                "additionalProperties": ["anyOf": [meta, reference("validation", "stringArray")]],
            ]
        }
    }

    private static func definitions(of vocabulary: SchemaVocabulary) -> JSONValue {
        switch vocabulary {
        case .core:
            [
                "anchorString": ["type": "string", "pattern": "^[A-Za-z_][-A-Za-z0-9._]*$"],
                "uriString": ["type": "string", "format": "uri"],
                "uriReferenceString": ["type": "string", "format": "uri-reference"],
            ]
        case .applicator: ["schemaArray": ["type": "array", "minItems": 1, "items": meta]]
        case .validation:
            [
                "nonNegativeInteger": ["type": "integer", "minimum": 0],
                "nonNegativeIntegerDefault0": ["$ref": "#/$defs/nonNegativeInteger", "default": 0],
                "simpleTypes": ["enum": .array(SchemaTypes.allNames.map(JSONValue.string))],
                "stringArray": ["type": "array", "items": ["type": "string"], "uniqueItems": true],
            ]
        case .unevaluated, .metaData, .formatAnnotation, .formatAssertion, .content: [:]
        }
    }

    private static func value(_ json: JSONValue, _ uri: String) -> ConfigValue {
        let origin = ValueOrigin(layer: "schema", position: .place(uri))
        func value(_ json: JSONValue) -> ConfigValue {
            let content: ConfigValue.Content =
                switch json {
                case .object(let members):
                    .map(ConfigMap(members.map { ConfigMap.Entry($0.key, value($0.value)) }) ?? ConfigMap())
                case .array(let items): .list(items.map(value))
                case .string(let text): .string(text)
                case .integer(let number): .number(.integer(Int64(number)))
                case .double(let number): .number(ConfigNumber(number))
                case .bool(let flag): .boolean(flag)
                case .null: .null
                }
            return ConfigValue(content, origin: origin)
        }
        return value(json)
    }
}
