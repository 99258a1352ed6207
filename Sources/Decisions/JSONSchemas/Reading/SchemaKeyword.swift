/// What a schema may have, as draft 2020-12 has it.
enum SchemaKeyword: String, CaseIterable, Sendable {
    // Core
    case id = "$id"
    case schema = "$schema"
    case ref = "$ref"
    case anchor = "$anchor"
    case dynamicRef = "$dynamicRef"
    case dynamicAnchor = "$dynamicAnchor"
    case vocabulary = "$vocabulary"
    case comment = "$comment"
    case defs = "$defs"
    // Applicators
    case prefixItems, items, contains, additionalProperties, properties, patternProperties, dependentSchemas
    case propertyNames, `if`, then, `else`, allOf, anyOf, oneOf, not
    // Unevaluated
    case unevaluatedItems, unevaluatedProperties
    // Validation
    case type, const, `enum`, multipleOf, maximum, exclusiveMaximum, minimum, exclusiveMinimum, maxLength, minLength
    case pattern, maxItems, minItems, uniqueItems, maxContains, minContains, maxProperties, minProperties, required
    case dependentRequired
    // Meta-data, format, content
    case title, description, `default`, deprecated, readOnly, writeOnly, examples, format, contentEncoding
    case contentMediaType, contentSchema
    // Of drafts before: the metaschema still says how they look.
    case definitions, dependencies
    case recursiveAnchor = "$recursiveAnchor"
    case recursiveRef = "$recursiveRef"

    private static let byName = Dictionary(uniqueKeysWithValues: allCases.map { ($0.rawValue, $0) })

    /// - Returns: `nil`: an annotation of the schema's own.
    init?(named name: String) {
        guard let keyword = Self.byName[name] else { return nil }
        self = keyword
    }

    /// `nil` for those of drafts before.
    var vocabulary: SchemaVocabulary? {
        switch self {
        case .id, .schema, .ref, .anchor, .dynamicRef, .dynamicAnchor, .vocabulary, .comment, .defs: .core
        case .prefixItems, .items, .contains, .additionalProperties, .properties, .patternProperties,
            .dependentSchemas, .propertyNames, .if, .then, .else, .allOf, .anyOf, .oneOf, .not:
            .applicator
        case .unevaluatedItems, .unevaluatedProperties: .unevaluated
        case .type, .const, .enum, .multipleOf, .maximum, .exclusiveMaximum, .minimum, .exclusiveMinimum,
            .maxLength, .minLength, .pattern, .maxItems, .minItems, .uniqueItems, .maxContains, .minContains,
            .maxProperties, .minProperties, .required, .dependentRequired:
            .validation
        case .title, .description, .default, .deprecated, .readOnly, .writeOnly, .examples: .metaData
        case .format: .formatAnnotation
        case .contentEncoding, .contentMediaType, .contentSchema: .content
        case .definitions, .dependencies, .recursiveAnchor, .recursiveRef: nil
        }
    }

    var shape: SchemaShape {
        switch self {
        case .id: .identifier
        case .schema: .uri
        case .ref, .dynamicRef, .recursiveRef: .uriReference
        case .anchor, .dynamicAnchor, .recursiveAnchor: .anchor
        case .vocabulary: .vocabularies
        case .comment, .title, .description, .format, .contentEncoding, .contentMediaType: .string
        case .defs, .properties, .dependentSchemas, .definitions: .subschemasByKey
        case .patternProperties: .subschemasByPattern
        case .prefixItems, .allOf, .anyOf, .oneOf: .subschemas
        case .items, .contains, .additionalProperties, .propertyNames, .if, .then, .else, .not, .unevaluatedItems,
            .unevaluatedProperties, .contentSchema:
            .subschema
        case .type: .types
        case .const, .default: .anything
        case .enum, .examples: .list
        case .multipleOf: .positiveNumber
        case .maximum, .exclusiveMaximum, .minimum, .exclusiveMinimum: .number
        case .maxLength, .minLength, .maxItems, .minItems, .maxContains, .minContains, .maxProperties,
            .minProperties:
            .count
        case .pattern: .expression
        case .uniqueItems, .deprecated, .readOnly, .writeOnly: .boolean
        case .required: .strings
        case .dependentRequired: .stringsByKey
        case .dependencies: .dependencies
        }
    }
}

/// What a keyword's value has to be.
enum SchemaShape: Sendable {
    case anything, boolean, string, list
    case uri, uriReference, identifier, anchor, vocabularies
    case number, positiveNumber, count
    case expression, strings, stringsByKey, types
    case subschema, subschemas, subschemasByKey, subschemasByPattern, dependencies
}

/// Keywords that a metaschema may ask for together (core, § 8.1.2).
enum SchemaVocabulary: String, CaseIterable, Sendable {
    case core, applicator, unevaluated, validation
    case metaData = "meta-data"
    case formatAnnotation = "format-annotation"
    case formatAssertion = "format-assertion"
    case content

    var uri: String { Metaschemas.base + "vocab/" + rawValue }
}
