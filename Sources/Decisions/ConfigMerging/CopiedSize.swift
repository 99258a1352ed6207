import ConfigValues

/// What a copied value costs whoever reads it: counted, though copies share memory, because they do not once they are written out.
struct CopiedSize {
    static let valueByteCount = 8

    private(set) var byteCount = 0
    private(set) var depth = 0

    /// - Parameter limit: Beyond it nothing is counted: a value may be much larger than all that may be copied.
    init(of value: ConfigValue, limit: Int) { count(value, 0, limit) }

    private mutating func count(_ value: ConfigValue, _ depth: Int, _ limit: Int) {
        guard byteCount <= limit else { return }
        byteCount += Self.valueByteCount
        self.depth = max(self.depth, depth)
        switch value.content {
        case .null, .boolean, .number: break
        case .string(let text): byteCount += text.utf8.count
        case .list(let items):
            for item in items { count(item, depth + 1, limit) }
        case .map(let map):
            for entry in map.entries {
                byteCount += entry.key.utf8.count
                count(entry.value, depth + 1, limit)
            }
        }
    }
}
