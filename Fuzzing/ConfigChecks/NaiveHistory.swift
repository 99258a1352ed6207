import ConfigMerging
import ConfigValues

/// What layers say of a path once more: each is asked by itself, and then what higher ones take from lower ones is taken.
struct NaiveHistory {
    private(set) var given: [String] = []
    private(set) var overridden: [String] = []

    private struct Saying {
        let text: String
        let value: ConfigValue?
        let isInList: Bool
        let isThere: Bool
        var isKeyed = false
    }

    init(of path: ConfigPath, in recipe: ConfigRecipe, merged: ConfigValue) {
        let sayings = ((recipe.defaults.map { [$0] } ?? []) + recipe.layers).compactMap(\.tree).compactMap {
            Self.saying($0, path, recipe, merged)
        }
        let firstValue = sayings.firstIndex { $0.value != nil } ?? sayings.count
        let all = sayings.enumerated().filter { $0 >= firstValue || $1.isThere }.map(\.element)
        guard let last = all.last, let value = last.value else {
            overridden = all.map(\.text)
            return
        }
        var count = 1
        if !last.isInList, value.map != nil || value.list != nil && last.isKeyed {
            while count < all.count, let lower = all[all.count - count - 1].value,
                (lower.map != nil) == (value.map != nil), (lower.list != nil) == (value.list != nil)
            {
                count += 1
            }
        }
        given = all.suffix(count).map(\.text)
        overridden = all.dropLast(count).map(\.text)
    }

    /// The key by which a list there is merged.
    /// - Parameter path: Without items that were merged; `nil`: in an item of another list.
    private static func rule(_ path: [String]?, _ recipe: ConfigRecipe) -> String? {
        guard let path else { return nil }
        return recipe.mergeKeys.rules.first { $0.path.keys.map(NaiveNode.bytes) == path.map(NaiveNode.bytes) }?.key
    }

    private static func saying(
        _ tree: ConfigValue, _ path: ConfigPath, _ recipe: ConfigRecipe, _ merged: ConfigValue
    ) -> Saying? {
        var value = tree
        var list: String?
        var ruled: [String]? = []
        for (depth, key) in path.keys.enumerated() {
            let here = ConfigPath(Array(path.keys[..<depth]))
            let isLast = depth + 1 == path.keys.count
            func replaced() -> Saying? {
                list.map { Saying(text: $0, value: nil, isInList: true, isThere: false) }
            }
            let next: ConfigValue?
            if let map = value.map {
                next = map[key]
                ruled?.append(key)
                if let next, case .null = next.content {
                    let at = here.appending(key)
                    return Saying(
                        text: "removal \(at.dotted) \(next.origin)", value: nil, isInList: false, isThere: isLast)
                }
                guard next != nil else { return replaced() }
            } else if let items = value.list {
                if let mergeKey = rule(ruled, recipe) {
                    let name = merged[here.appending(key)]?.map?[mergeKey]
                    next = items.first { $0.map?[mergeKey] == name && name != nil }
                    guard next != nil else { return nil }
                } else {
                    ruled = nil
                    list = list ?? "replacement \(here.dotted) \(value.origin)"
                    next = value[ConfigPath([key])]
                    guard next != nil else { return replaced() }
                }
            } else {
                let text = "replacement \(here.dotted) \(value.origin)"
                return replaced() ?? Saying(text: text, value: nil, isInList: false, isThere: false)
            }
            value = next ?? value
        }
        return Saying(
            text: "value \(path.dotted) \(value.origin)", value: value, isInList: list != nil, isThere: true,
            isKeyed: rule(ruled, recipe) != nil)
    }
}

extension LayerStatement {
    var text: String {
        switch kind {
        case .value: "value \(path.dotted) \(origin)"
        case .removal: "removal \(path.dotted) \(origin)"
        case .replacement: "replacement \(path.dotted) \(origin)"
        }
    }
}
