import ConfigValues

extension ConfigPath {
    /// Whether the other one is this one or lies below it.
    func leads(to other: ConfigPath) -> Bool {
        keys.count <= other.keys.count && zip(keys, other.keys).allSatisfy { $0.hasSameBytes(as: $1) }
    }

    /// Key by key, so that what lies below one path stands together.
    static func comparison(_ left: ArraySlice<String>, _ right: ArraySlice<String>) -> Int {
        var (place, other) = (left.startIndex, right.startIndex)
        while place < left.endIndex, other < right.endIndex {
            if !left[place].hasSameBytes(as: right[other]) {
                return ConfigMap.isOrdered(left[place], right[other]) ? -1 : 1
            }
            place += 1
            other += 1
        }
        return left.count - right.count
    }
}
