import ConfigMerging
import ConfigValues

extension ConfigValue {
    /// The same, and from the same places.
    func isIdentical(to other: ConfigValue) -> Bool {
        guard origin == other.origin else { return false }
        switch (content, other.content) {
        case (.list(let left), .list(let right)):
            return left.count == right.count && zip(left, right).allSatisfy { $0.isIdentical(to: $1) }
        case (.map(let left), .map(let right)):
            return left.count == right.count
                && zip(left.entries, right.entries).allSatisfy {
                    $0.key.hasSameBytes(as: $1.key) && $0.value.isIdentical(to: $1.value)
                }
        default: return self == other
        }
    }
}

extension EvaluatedConfig {
    func hasSameOrigins(as other: EvaluatedConfig) -> Bool { value.isIdentical(to: other.value) }
}
