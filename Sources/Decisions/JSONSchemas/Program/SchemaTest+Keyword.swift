import ConfigValues

extension SchemaTest {
    /// Of a keyword that asks nothing of other subschemas or keywords.
    /// - Returns: `nil`: it demands nothing, or its value is not what it should be, which is told elsewhere.
    init?(_ keyword: SchemaKeyword, _ value: ConfigValue) {
        switch keyword {
        case .type:
            guard let types = Self.types(value) else { return nil }
            self = .type(types)
        case .const: self = .constant(value)
        case .enum:
            guard let list = value.list else { return nil }
            self = .oneOf(Set(list), inOrder: list)
        case .multipleOf:
            guard case .number(let number) = value.content, number > .integer(0) else { return nil }
            self = .multipleOf(DecimalNumber(number), number)
        case .minimum, .maximum, .exclusiveMinimum, .exclusiveMaximum:
            guard case .number(let number) = value.content else { return nil }
            self =
                switch keyword {
                case .minimum: .atLeast(number)
                case .maximum: .atMost(number)
                case .exclusiveMinimum: .above(number)
                default: .below(number)
                }
        case .minLength, .minItems, .minProperties, .maxLength, .maxItems, .maxProperties:
            guard let count = value.count else { return nil }
            self =
                switch keyword {
                case .minLength: .characters(Bounds(minimum: count))
                case .maxLength: .characters(Bounds(maximum: count))
                case .minItems: .items(Bounds(minimum: count))
                case .maxItems: .items(Bounds(maximum: count))
                case .minProperties: .members(Bounds(minimum: count))
                default: .members(Bounds(maximum: count))
                }
        case .uniqueItems:
            guard case .boolean(true) = value.content else { return nil }
            self = .distinctItems
        case .required: self = .required(value.strings)
        case .dependentRequired:
            guard let map = value.map else { return nil }
            self = .requiredBeside(map.entries.map { Companions(key: $0.key, companions: $0.value.strings) })
        default: return nil
        }
    }

    private static func types(_ value: ConfigValue) -> SchemaTypes? {
        var types: SchemaTypes = []
        for item in value.list ?? [value] {
            guard case .string(let name) = item.content, let type = SchemaTypes(named: name) else { return nil }
            types.insert(type)
        }
        return types
    }
}

extension ConfigValue {
    /// As a bound of lengths: those beyond what anything has are the largest.
    var count: Int? {
        guard case .number(let number) = content, number.isWhole, number >= .integer(0) else { return nil }
        return switch number {
        case .integer(let value): Int(value)
        case .fraction(let value): Int(exactly: value) ?? .max
        }
    }

    /// Those of a list, in order of their bytes.
    fileprivate var strings: [String] {
        let texts = (list ?? []).compactMap { item -> String? in
            if case .string(let text) = item.content { text } else { nil }
        }
        return texts.sorted { ConfigMap.isOrdered($0, $1) }
    }
}
