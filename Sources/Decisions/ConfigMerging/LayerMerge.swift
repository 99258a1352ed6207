import ConfigValues
import Diagnostics

/// What several layers say, put together path by path; and again only where one of them says something else than before.
struct LayerMerge {
    private(set) var problems: [Diagnostic] = []
    private(set) var checks: [ReferenceCheck] = []
    private var path: [String] = []
    /// Of the place that is being merged what the layers have there, from the lowest to the highest; before them, of those above it.
    private var values: [ConfigValue] = []
    private let mergeKeys: MergeKeys

    init(mergeKeys: MergeKeys) { self.mergeKeys = mergeKeys }

    /// - Parameter trees: From the lowest layer to the highest.
    mutating func merge(_ trees: [ConfigValue]) -> ConfigValue? {
        values = trees
        return merged(0..<trees.count, mergeKeys.root)
    }

    /// - Parameters:
    ///   - previous: What was merged, without a problem, of trees from which these differ as `change` says.
    /// - Returns: The same as `merge`, and how it differs from `previous`.
    mutating func merge(
        _ trees: [ConfigValue], after previous: ConfigValue?, _ change: TreeChange
    ) -> (value: ConfigValue?, change: TreeChange?) {
        values = trees
        return merged(0..<trees.count, mergeKeys.root, after: previous, change)
    }

    // MARK: One place

    /// Which of the values of a place count.
    private struct Fold {
        /// The highest one that nothing removes.
        var top: Int?
        /// The first of the maps, or of the lists with a merge key, that `top` is merged with.
        var firstPart = 0
        /// The highest one that is no reference: others must be of its type.
        var shape: Int?
    }

    private mutating func fold(_ range: Range<Int>, isKeyed: Bool) -> Fold {
        var fold = Fold()
        let problemCount = problems.count
        for index in range {
            let shape = values[index].shape
            switch shape {
            case .null:
                // What it removes is at odds with nothing.
                fold = Fold()
                problems.removeSubrange(problemCount...)
                continue
            case .reference: break
            case .scalar, .list, .map:
                if let lower = fold.shape, values[lower].shape != shape {
                    problems.add(MergingMistake.clash(values[index], over: values[lower], at: ConfigPath(path)))
                    continue
                }
                if shape == .map, let top = fold.top, values[top].shape == .reference {
                    problems.add(
                        MergingMistake.clash(values[index], overReference: values[top], at: ConfigPath(path)))
                    continue
                }
            }
            let isMerged = shape == .map || shape == .list && isKeyed
            if !isMerged || fold.top.map({ values[$0].shape != shape }) ?? true { fold.firstPart = index }
            fold.top = index
            if shape != .reference { fold.shape = index }
        }
        return fold
    }

    private mutating func merged(_ range: Range<Int>, _ keys: MergeKeys.Node?) -> ConfigValue? {
        let fold = fold(range, isKeyed: keys?.key != nil)
        guard let top = fold.top else { return nil }
        switch values[top].content {
        case .null, .boolean, .number, .string:
            if let lower = fold.shape, lower != top {
                checks.append(
                    ReferenceCheck(path: ConfigPath(path), shape: values[lower].shape, origin: values[lower].origin))
            }
            return values[top]
        case .list:
            guard let keys, let key = keys.key else { return values[top].withoutNulls }
            return mergedList(fold.firstPart...top, key, keys)
        case .map:
            if fold.firstPart == top, keys == nil { return values[top].withoutNulls }
            return mergedMap(fold.firstPart...top, keys)
        }
    }

    // MARK: Maps

    private mutating func mergedMap(_ parts: ClosedRange<Int>, _ keys: MergeKeys.Node?) -> ConfigValue {
        let maps = parts.compactMap { values[$0].map?.entries }
        var places = [Int](repeating: 0, count: maps.count)
        var entries: [ConfigMap.Entry] = []
        entries.reserveCapacity(maps.map(\.count).max() ?? 0)
        var next: [Int] = []
        while true {
            next.removeAll(keepingCapacity: true)
            for map in maps.indices where places[map] < maps[map].count {
                guard let first = next.first else {
                    next.append(map)
                    continue
                }
                let (key, least) = (maps[map][places[map]].key, maps[first][places[first]].key)
                if key.hasSameBytes(as: least) {
                    next.append(map)
                } else if ConfigMap.isOrdered(key, least) {
                    next.removeAll(keepingCapacity: true)
                    next.append(map)
                }
            }
            guard let last = next.last else { break }
            let start = values.count
            for map in next { values.append(maps[map][places[map]].value) }
            let entry = maps[last][places[last]]
            path.append(entry.key)
            if let value = merged(start..<values.count, keys?.child(entry.key)) {
                entries.append(ConfigMap.Entry(entry.key, value, keyPosition: entry.keyPosition))
            }
            path.removeLast()
            values.removeLast(next.count)
            for map in next { places[map] += 1 }
        }
        return ConfigValue(.map(ConfigMap(inOrder: entries)), origin: values[parts.upperBound].origin)
    }

    // MARK: Lists with a merge key

    private mutating func mergedList(_ parts: ClosedRange<Int>, _ key: String, _ keys: MergeKeys.Node) -> ConfigValue {
        // Items that are one, in the order in which they were first seen.
        var items: [[ConfigValue]] = []
        var indices: [ConfigValue: Int] = [:]
        for part in parts {
            var seen: [ConfigValue: ConfigValue] = [:]
            for item in values[part].list ?? [] {
                guard let name = item.map?[key], name.shape == .scalar else {
                    problems.add(MergingMistake.withoutMergeKey(item, key, at: ConfigPath(path)))
                    continue
                }
                if let first = seen.updateValue(item, forKey: name) {
                    problems.add(MergingMistake.mergeKeyTwice(item, key, first: first, at: ConfigPath(path)))
                    continue
                }
                if let index = indices[name] {
                    items[index].append(item)
                } else {
                    indices[name] = items.count
                    items.append([item])
                }
            }
        }
        var merged: [ConfigValue] = []
        for (index, item) in items.enumerated() {
            let start = values.count
            values += item
            path.append(String(index))
            if let value = self.merged(start..<values.count, keys) { merged.append(value) }
            path.removeLast()
            values.removeLast(item.count)
        }
        return ConfigValue(.list(merged), origin: values[parts.upperBound].origin)
    }

    // MARK: Again

    private mutating func merged(
        _ range: Range<Int>, _ keys: MergeKeys.Node?, after previous: ConfigValue?, _ change: TreeChange
    ) -> (value: ConfigValue?, change: TreeChange?) {
        guard case .keys(let changed) = change else {
            let value = merged(range, keys)
            return (value, TreeChange.between(previous, value))
        }
        // The layers that changed have a map here, as they had before: which of all values count is the same.
        let fold = fold(range, isKeyed: keys?.key != nil)
        guard let top = fold.top, values[top].shape == .map, let old = previous?.map else { return (previous, nil) }
        var edits: [(key: String, entry: ConfigMap.Entry?)] = []
        var changes: [(key: String, change: TreeChange)] = []
        for (key, change) in changed {
            let start = values.count
            var keyPosition: SourcePosition?
            for part in fold.firstPart...top {
                guard let entry = values[part].map?.entry(key) else { continue }
                values.append(entry.value)
                keyPosition = entry.keyPosition
            }
            path.append(key)
            let before = old.entry(key)
            let (value, difference) = merged(start..<values.count, keys?.child(key), after: before?.value, change)
            path.removeLast()
            values.removeLast(values.count - start)
            let isMoved = value != nil && keyPosition != before?.keyPosition
            guard let difference = difference ?? (isMoved ? .whole : nil) else { continue }
            changes.append((key, difference))
            edits.append((key, value.map { ConfigMap.Entry(key, $0, keyPosition: keyPosition) }))
        }
        let origin = values[top].origin
        if edits.isEmpty, origin == previous?.origin { return (previous, nil) }
        return (ConfigValue(.map(old.edited(edits)), origin: origin), .keys(changes))
    }
}
