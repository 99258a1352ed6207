extension ConfigNumber {
    /// Held in the same way, too.
    package func isExactly(_ other: Self) -> Bool {
        switch (self, other) {
        case (.integer(let left), .integer(let right)): left == right
        case (.fraction(let left), .fraction(let right)): left.bitPattern == right.bitPattern
        default: false
        }
    }
}

extension ConfigValue {
    /// The same value, from the same places.
    package func isExactly(_ other: ConfigValue) -> Bool {
        guard origin == other.origin else { return false }
        switch (content, other.content) {
        case (.null, .null): return true
        case (.boolean(let left), .boolean(let right)): return left == right
        case (.number(let left), .number(let right)): return left.isExactly(right)
        case (.string(let left), .string(let right)): return left.hasSameBytes(as: right)
        case (.list(let left), .list(let right)): return left.elementsEqual(right) { $0.isExactly($1) }
        case (.map(let left), .map(let right)):
            return left.entries.elementsEqual(right.entries) {
                $0.key.hasSameBytes(as: $1.key) && $0.keyPosition == $1.keyPosition && $0.value.isExactly($1.value)
            }
        default: return false
        }
    }
}
