import ConfigValues
import Diagnostics

/// What of a tree is otherwise than it was: values, or where they come from.
indirect enum TreeChange: Sendable {
    case whole
    /// Both trees are maps here. In the order of the keys; none: only where the map itself comes from is otherwise.
    case keys([(key: String, change: TreeChange)])

    /// - Returns: `nil`: nothing is.
    static func between(_ old: ConfigValue?, _ new: ConfigValue?) -> TreeChange? {
        guard let old, let new else { return old == nil && new == nil ? nil : .whole }
        guard case .map(let oldMap) = old.content, case .map(let newMap) = new.content else {
            return old.isExactly(new) ? nil : .whole
        }
        var keys: [(key: String, change: TreeChange)] = []
        let (oldEntries, newEntries) = (oldMap.entries, newMap.entries)
        var (left, right) = (0, 0)
        while left < oldEntries.count || right < newEntries.count {
            if left < oldEntries.count, right < newEntries.count,
                oldEntries[left].key.hasSameBytes(as: newEntries[right].key)
            {
                // Nearly all are the same scalar.
                if !isExactScalar(oldEntries, left, newEntries, right) {
                    if let change = between(oldEntries[left].value, newEntries[right].value) {
                        keys.append((oldEntries[left].key, change))
                    } else if oldEntries[left].keyPosition != newEntries[right].keyPosition {
                        keys.append((oldEntries[left].key, .whole))
                    }
                }
                left += 1
                right += 1
            } else if right == newEntries.count
                || left < oldEntries.count && ConfigMap.isOrdered(oldEntries[left].key, newEntries[right].key)
            {
                keys.append((oldEntries[left].key, .whole))
                left += 1
            } else {
                keys.append((newEntries[right].key, .whole))
                right += 1
            }
        }
        return keys.isEmpty && old.origin == new.origin ? nil : .keys(keys)
    }

    /// Looks at parts of entries where they are: entries are large, and copying one counts five references.
    /// - Returns: `false` of lists and maps.
    private static func isExactScalar(_ old: [ConfigMap.Entry], _ left: Int, _ new: [ConfigMap.Entry], _ right: Int)
        -> Bool
    {
        guard old[left].value.origin.position.isExactly(new[right].value.origin.position),
            old[left].value.origin.isSecret == new[right].value.origin.isSecret,
            old[left].value.origin.isLiteral == new[right].value.origin.isLiteral,
            old[left].value.origin.layer == new[right].value.origin.layer
        else { return false }
        let isSame =
            switch (old[left].value.content, new[right].value.content) {
            case (.null, .null): true
            case (.boolean(let left), .boolean(let right)): left == right
            case (.number(let left), .number(let right)): left.isExactly(right)
            case (.string(let left), .string(let right)): left.hasSameBytes(as: right)
            default: false
            }
        guard isSame else { return false }
        switch (old[left].keyPosition, new[right].keyPosition) {
        case (nil, nil): return true
        case (let left?, let right?): return left.isExactly(right)
        default: return false
        }
    }

    static func union(_ left: TreeChange?, _ right: TreeChange?) -> TreeChange? {
        guard let one = left, let other = right else { return left ?? right }
        guard case .keys(let leftKeys) = one, case .keys(let rightKeys) = other else { return .whole }
        var keys: [(key: String, change: TreeChange)] = []
        var (rest, others) = (leftKeys[...], rightKeys[...])
        while let first = rest.first, let second = others.first {
            if first.key.hasSameBytes(as: second.key) {
                keys.append((first.key, union(first.change, second.change) ?? .whole))
                rest.removeFirst()
                others.removeFirst()
            } else if ConfigMap.isOrdered(first.key, second.key) {
                keys.append(first)
                rest.removeFirst()
            } else {
                keys.append(second)
                others.removeFirst()
            }
        }
        return .keys(keys + rest + others)
    }

    static func at(_ path: ArraySlice<String>) -> TreeChange {
        guard let key = path.first else { return .whole }
        return .keys([(key, at(path.dropFirst()))])
    }

    /// Whether the value there, or anything below it, is otherwise.
    func touches(_ path: ConfigPath) -> Bool { reaches(path.keys[...], ifAbove: true) }

    /// Whether all there is otherwise.
    func covers(_ path: ConfigPath) -> Bool { reaches(path.keys[...], ifAbove: false) }

    private func reaches(_ path: ArraySlice<String>, ifAbove: Bool) -> Bool {
        guard case .keys(let keys) = self else { return true }
        guard let key = path.first else { return ifAbove }
        var (low, high) = (0, keys.count)
        while low < high {
            let middle = (low + high) / 2
            if ConfigMap.isOrdered(keys[middle].key, key) { low = middle + 1 } else { high = middle }
        }
        guard low < keys.count, keys[low].key.hasSameBytes(as: key) else { return false }
        return keys[low].change.reaches(path.dropFirst(), ifAbove: ifAbove)
    }
}

extension SourcePosition {
    /// Numbers first: they differ where anything does, mostly.
    fileprivate func isExactly(_ other: Self) -> Bool {
        line == other.line && column == other.column && length == other.length && file == other.file
    }
}
