import ConfigValues
import Diagnostics

/// Makes schemas and values by bytes, each of which decides something: every input is one, and nearly every schema is right.
struct MadeSchema {
    private let input: [UInt8]
    private var index = 0
    private var nodeCount = 0
    /// Anchors and URIs, which may stand once.
    private var names: Set<String> = []

    init(_ input: [UInt8]) { self.input = input }

    private mutating func next(below bound: Int) -> Int {
        guard index < input.count else { return 0 }
        index += 1
        return Int(input[index - 1]) % bound
    }

    private mutating func pick<Item>(_ items: [Item]) -> Item { items[next(below: items.count)] }

    private var isOver: Bool { index >= input.count || nodeCount > 200 }

    private func make(_ content: ConfigValue.Content) -> ConfigValue {
        ConfigValue(content, origin: ValueOrigin(layer: "fuzz", position: .place("made \(index)")))
    }

    private func string(_ text: String) -> ConfigValue { make(.string(text)) }
    private func integer(_ number: Int) -> ConfigValue { make(.number(.integer(Int64(number)))) }

    private func map(_ entries: [(String, ConfigValue)]) -> ConfigValue {
        var map = ConfigMap()
        for (key, value) in entries { map[key] = value }
        return make(.map(map))
    }

    /// Now and then twice, all the same.
    private mutating func once(_ name: String) -> String {
        guard !names.insert(name).inserted, next(below: 32) != 31 else { return name }
        names.insert(name + String(names.count))
        return name + String(names.count - 1)
    }

    private static let keys = ["a", "b", "c", "ab", "", "é", "e\u{301}"]
    private static let patterns = ["^a", "b$", "a|b", "^$", "[^a]", "^.{2}$", "\\p{L}", "(a*)*b", "^(?:a|é)+$"]
    private static let types = ["object", "array", "string", "number", "integer", "boolean", "null"]

    mutating func value(depth: Int = 0) -> ConfigValue {
        nodeCount += 1
        let isLeaf = depth > 4 || isOver
        switch next(below: isLeaf ? 7 : 12) {
        case 0: return make(.null)
        case 1: return make(.boolean(next(below: 2) == 0))
        case 2, 3: return integer(next(below: 5) - 1)
        case 4: return make(.number(ConfigNumber(Double(next(below: 16)) / 4)))
        case 5, 6: return string(pick(Self.keys))
        case 7, 8: return make(.list((0..<next(below: 5)).map { _ in value(depth: depth + 1) }))
        default: return map((0..<next(below: 5)).map { _ in (pick(Self.keys), value(depth: depth + 1)) })
        }
    }

    /// With definitions that its parts refer to.
    mutating func schema() -> ConfigValue {
        let root = subschema(depth: 0)
        guard var map = root.map else { return root }
        map["$defs"] = self.map([("a", subschema(depth: 1)), ("b", subschema(depth: 1)), ("c", subschema(depth: 1))])
        return make(.map(map))
    }

    private mutating func subschema(depth: Int) -> ConfigValue {
        nodeCount += 1
        let isLeaf = depth > 4 || isOver
        if depth > 0, next(below: 8) == 0 { return make(.boolean(next(below: 3) > 0)) }
        var entries: [(String, ConfigValue)] = []
        for _ in 0..<(1 + next(below: 4)) {
            // Now and then something that is no value of the keyword.
            let keyword = pick(isLeaf ? SchemaChecks.leafKeywords : SchemaChecks.keywords)
            entries.append(
                (keyword, next(below: 256) == 255 ? value(depth: 4) : argument(of: keyword, depth: depth + 1)))
        }
        return map(entries)
    }

    private mutating func argument(of keyword: String, depth: Int) -> ConfigValue {
        switch keyword {
        case "$ref": return string(pick(["#", "#/$defs/a", "#/$defs/b", "#/$defs/c", "#x", "#y", "urn:fuzz:inner"]))
        case "$dynamicRef": return string(pick(["#x", "#y", "urn:fuzz:inner#x", "#/$defs/a"]))
        case "$anchor", "$dynamicAnchor": return string(once(pick(["x", "y"])))
        case "$id": return string(once("urn:fuzz:inner"))
        case "type":
            return next(below: 3) > 0
                ? string(pick(Self.types))
                : make(.list(Self.types.filter { _ in next(below: 2) == 0 }.prefix(3).map(string) + [])).nonEmpty
                    ?? string("null")
        case "const", "default": return value(depth: 3)
        case "enum", "examples": return make(.list((0..<next(below: 4)).map { _ in value(depth: 3) }))
        case "multipleOf": return make(.number(pick([.integer(1), .integer(2), .fraction(0.25), .fraction(1.5)])))
        case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum": return integer(next(below: 5) - 1)
        case "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "minContains",
            "maxContains":
            return integer(next(below: 4))
        case "pattern": return string(pick(Self.patterns))
        case "uniqueItems": return make(.boolean(next(below: 4) > 0))
        case "required": return make(.list(Self.keys.filter { _ in next(below: 4) == 1 }.prefix(2).map(string)))
        case "dependentRequired":
            return map([(pick(Self.keys), make(.list([string(pick(Self.keys))])))])
        case "properties", "dependentSchemas", "$defs":
            return map((0..<(1 + next(below: 3))).map { _ in (pick(Self.keys), subschema(depth: depth)) })
        case "patternProperties":
            return map((0..<(1 + next(below: 2))).map { _ in (pick(Self.patterns), subschema(depth: depth)) })
        case "allOf", "anyOf", "oneOf", "prefixItems":
            return make(.list((0..<(1 + next(below: 3))).map { _ in subschema(depth: depth) }))
        case "format", "title": return string(pick(Self.keys))
        default: return subschema(depth: depth)
        }
    }
}

extension ConfigValue {
    fileprivate var nonEmpty: ConfigValue? { list?.isEmpty == true ? nil : self }
}

extension SchemaChecks {
    static let leafKeywords = [
        "type", "const", "enum", "multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
        "minLength",
        "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "pattern", "uniqueItems", "required",
        "dependentRequired", "$ref", "$dynamicRef", "$anchor", "$dynamicAnchor", "format", "title", "default",
        "examples",
        "minContains", "maxContains",
    ]

    package static let keywords =
        leafKeywords + [
            "properties", "patternProperties", "additionalProperties", "propertyNames", "dependentSchemas", "items",
            "prefixItems", "contains", "allOf", "anyOf", "oneOf", "not", "if", "then", "else", "unevaluatedProperties",
            "unevaluatedItems", "$id", "$defs", "contentSchema", "unevaluatedProperties", "properties", "allOf",
            "anyOf",
        ]
}
