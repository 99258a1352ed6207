import ConfigValues
import Diagnostics

/// A fallback that gave its path a value.
struct AppliedFallback: Sendable {
    /// Which of the recipe's it is.
    let index: Int
    let rule: ConfigFallback
    let from: ConfigPath
    let value: ConfigValue
}

/// A fallback whose path had no value, and where it looked for one.
package struct FallbackTrial: Sendable, Hashable {
    let path: ConfigPath
    /// Up to where it found one, or everywhere.
    let looked: [ConfigPath]
    /// Where earlier ones looked that might have given a value to those of them that had none.
    let before: [ConfigPath]
}

/// Gives paths without a value another one's.
struct FallbackStage {
    private(set) var value: ConfigValue
    private(set) var applied: [AppliedFallback] = []
    private(set) var trials: [FallbackTrial] = []
    private(set) var problems: [Diagnostic] = []
    /// Of all that was copied.
    private(set) var byteCount = 0

    /// - Parameter merged: As the merge left it, references and all.
    init(_ fallbacks: [ConfigFallback], on merged: ConfigValue, _ limits: MergingLimits) {
        value = merged
        for (index, fallback) in fallbacks.enumerated() where value[fallback.path] == nil {
            // Null, as the item of a list may be, is nothing to give.
            let found = fallback.from.firstIndex { value[$0].map { $0.shape != .null } ?? false }
            note(fallback, found: found)
            guard let found, let given = value[fallback.from[found]] else { continue }
            let size = CopiedSize(of: given, limit: limits.expansionByteCount - byteCount)
            byteCount += size.byteCount
            guard byteCount <= limits.expansionByteCount else {
                problems.add(MergingMistake.tooLarge(limits, at: fallback.position))
                return
            }
            guard fallback.path.keys.count + size.depth <= limits.depth else {
                problems.add(MergingMistake.tooDeep(limits, at: fallback.position, path: fallback.path))
                continue
            }
            if let obstacle = value.put(given, at: fallback.path.keys[...], from: fallback) {
                problems.add(obstacle)
            } else {
                applied.append(
                    AppliedFallback(index: index, rule: fallback, from: fallback.from[found], value: given))
            }
        }
    }

    private mutating func note(_ fallback: ConfigFallback, found: Int?) {
        let empty = fallback.from.prefix(found ?? fallback.from.count)
        let earlier = trials.filter { trial in
            empty.contains { $0.leads(to: trial.path) || trial.path.leads(to: $0) }
        }
        trials.append(
            FallbackTrial(
                path: fallback.path, looked: empty + (found.map { [fallback.from[$0]] } ?? []),
                before: Set(earlier.flatMap { $0.looked + $0.before }).sorted {
                    ConfigPath.comparison($0.keys[...], $1.keys[...]) < 0
                }))
    }
}

extension ConfigValue {
    /// Makes the maps that there are none of on the way.
    /// - Parameter path: The rest of the fallback's path, where nothing is.
    fileprivate mutating func put(
        _ value: ConfigValue, at path: ArraySlice<String>, from fallback: ConfigFallback
    ) -> Diagnostic? {
        guard let key = path.first else {
            self = value
            return nil
        }
        let rest = path.dropFirst()
        switch content {
        case .map(var map):
            content = .null
            defer { content = .map(map) }
            if let index = map.index(of: key) {
                return map.change(at: index) { $0.put(value, at: rest, from: fallback) }
            }
            var new = ConfigValue(.map(ConfigMap()), origin: fallback.origin)
            let problem = new.put(value, at: rest, from: fallback)
            map[key] = new
            return problem
        case .list(var items):
            guard let index = ConfigPath.index(key), index < items.count else { break }
            content = .null
            defer { content = .list(items) }
            return items[index].put(value, at: rest, from: fallback)
        case .null, .boolean, .number, .string: break
        }
        return MergingMistake.clash(fallback, in: self, at: ConfigPath(Array(fallback.path.keys[..<path.startIndex])))
    }
}

extension [AppliedFallback] {
    /// Where what they gave differs from what earlier ones gave.
    func change(from old: [AppliedFallback]) -> TreeChange? {
        var change: TreeChange?
        var (left, right) = (old[...], self[...])
        while let index = [left.first?.index, right.first?.index].compactMap(\.self).min() {
            let before = left.first?.index == index ? left.popFirst() : nil
            let now = right.first?.index == index ? right.popFirst() : nil
            if let before, let now, before.from == now.from, before.value.isExactly(now.value) {
                continue
            }
            guard let rule = (now ?? before)?.rule else { continue }
            change = .union(change, .at(rule.path.keys[...]))
        }
        return change
    }
}
