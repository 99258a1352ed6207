/// What one value of a config has otherwise than another, path by path: for people, and to count. What makes one the other, `JSONPatch` says.
///
/// Maps are compared by key, items of lists by their place. Where one side has a map or a list and the other something else, that is one
/// change.
package struct ConfigDifference: Sendable {
    package struct Item: Sendable {
        package let path: ConfigPath
        /// `nil`: it was added.
        package let old: ConfigValue?
        /// `nil`: it was removed.
        package let new: ConfigValue?
    }

    /// By path, in the order of keys and places.
    package private(set) var items: [Item] = []

    package init(from old: ConfigValue, to new: ConfigValue) { compare(old, new, at: .root) }

    private mutating func compare(_ old: ConfigValue, _ new: ConfigValue, at path: ConfigPath) {
        switch (old.content, new.content) {
        case (.map(let left), .map(let right)):
            for (key, before, after) in Self.pairs(left, right) { add(before, after, at: path.appending(key)) }
        case (.list(let left), .list(let right)):
            for index in 0..<max(left.count, right.count) {
                add(
                    index < left.count ? left[index] : nil, index < right.count ? right[index] : nil,
                    at: path.appending(String(index)))
            }
        default: if old != new { items.append(Item(path: path, old: old, new: new)) }
        }
    }

    private mutating func add(_ old: ConfigValue?, _ new: ConfigValue?, at path: ConfigPath) {
        switch (old, new) {
        case (let old?, let new?): compare(old, new, at: path)
        case (let old?, nil): old.forEachPart(at: path) { items.append(Item(path: $0, old: $1, new: nil)) }
        case (nil, let new?): new.forEachPart(at: path) { items.append(Item(path: $0, old: nil, new: $1)) }
        case (nil, nil): break
        }
    }

    /// All keys of both, in order.
    private static func pairs(
        _ left: ConfigMap, _ right: ConfigMap
    ) -> [(key: String, old: ConfigValue?, new: ConfigValue?)] {
        var pairs: [(key: String, old: ConfigValue?, new: ConfigValue?)] = []
        var (before, after) = (left.entries[...], right.entries[...])
        while true {
            switch (before.first, after.first) {
            case (nil, nil): return pairs
            case (let old?, let new?) where old.key.hasSameBytes(as: new.key):
                pairs.append((old.key, old.value, new.value))
                before.removeFirst()
                after.removeFirst()
            case (let old?, let new) where new.map({ ConfigMap.isOrdered(old.key, $0.key) }) ?? true:
                pairs.append((old.key, old.value, nil))
                before.removeFirst()
            case (_, let new?):
                pairs.append((new.key, nil, new.value))
                after.removeFirst()
            case (_?, nil): return pairs  // told by the case before
            }
        }
    }
}

extension ConfigValue {
    /// What is in it and has nothing in itself: scalars, empty maps and empty lists.
    fileprivate func forEachPart(at path: ConfigPath, _ body: (ConfigPath, ConfigValue) -> Void) {
        switch content {
        case .map(let map) where !map.isEmpty:
            for entry in map.entries { entry.value.forEachPart(at: path.appending(entry.key), body) }
        case .list(let items) where !items.isEmpty:
            for index in items.indices { items[index].forEachPart(at: path.appending(String(index)), body) }
        case .null, .boolean, .number, .string, .list, .map: body(path, self)
        }
    }
}
