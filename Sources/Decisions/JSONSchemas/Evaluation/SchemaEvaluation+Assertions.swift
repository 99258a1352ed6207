import ConfigValues
import RegularExpressions

/// Rules that ask no other subschema.
extension SchemaEvaluation {
    mutating func holds(_ test: SchemaTest, _ value: ConfigValue) throws(SchemaStop) -> Bool {
        switch (test, value.content) {
        case (.nothing, _): return false
        case (.type(let types), _): return !types.isDisjoint(with: SchemaTypes(of: value))
        case (.constant(let constant), _):
            try charge(try weight(value))
            return constant == value
        case (.oneOf(let values, _), _):
            try charge(try weight(value))
            return values.contains(value)
        case (.multipleOf(let divisor, _), .number(let number)): return DecimalNumber(number).isMultiple(of: divisor)
        case (.atLeast(let bound), .number(let number)): return number >= bound
        case (.atMost(let bound), .number(let number)): return number <= bound
        case (.above(let bound), .number(let number)): return number > bound
        case (.below(let bound), .number(let number)): return number < bound
        case (.characters(let bounds), .string(let text)):
            try charge(text.utf8.count / 32)
            return bounds.contain(text.unicodeScalars.count)
        case (.matches(let matcher), .string(let text)): return try matches(matcher, text)
        case (.items(let bounds), .list(let list)): return bounds.contain(list.count)
        case (.distinctItems, .list(let list)):
            try charge(try weight(value))
            return Set(list).count == list.count
        case (.members(let bounds), .map(let map)): return bounds.contain(map.count)
        case (.required(let keys), .map(let map)):
            try charge(keys.count)
            return map.firstMissing(of: keys) == nil
        case (.requiredBeside(let rules), .map(let map)):
            for rule in rules {
                try charge(1 + rule.companions.count)
                if map.index(of: rule.key) != nil, map.firstMissing(of: rule.companions) != nil { return false }
            }
            return true
        default: return true
        }
    }

    mutating func matches(_ matcher: ExpressionMatcher, _ text: String) throws(SchemaStop) -> Bool {
        try charge(1 + text.utf8.count * matcher.costPerByte)
        return matcher.matches(text.utf8Span.span)
    }

    /// What it takes to compare a value with another, or to hash it, which calls itself for each level.
    private func weight(_ value: ConfigValue, depth: Int = 0) throws(SchemaStop) -> Int {
        guard depth <= limits.depth else { throw .tooDeep }
        var weight = 1
        switch value.content {
        case .null, .boolean, .number: break
        case .string(let text): weight += text.utf8.count / 32
        case .list(let items):
            for item in items { weight += try self.weight(item, depth: depth + 1) }
        case .map(let map):
            for entry in map.entries {
                weight += entry.key.utf8.count / 32
                weight += try self.weight(entry.value, depth: depth + 1)
            }
        }
        return weight
    }
}
