package import ConfigMerging
import ConfigValues
import Diagnostics

/// Layers, merge keys, fallbacks and references by chance: mostly such that they fit, so that what they mean is tried, too.
package struct ConfigStack {
    package private(set) var recipe: ConfigRecipe
    private var choices: Choices
    /// Where the next value stands; no two are at one place.
    private var line = 0
    /// Where values were put, so that references lead to something, mostly.
    private var known: [ConfigPath] = []
    private var scalars: [ConfigPath] = []
    private var trail: [String] = []

    /// What secret texts and numbers begin with, and nothing else has.
    static let secretText = "SECRET"
    static let secretNumber: Int64 = 777_000
    /// Of four layers the highest, whose texts are what they are, as variables are.
    private static let literalLayer = "shop/3"

    private static let scalarKeys = ["a", "b", "\u{e9}", "e\u{301}"]
    private static let mapKeys = ["m", "o"]
    private static let listKeys = ["k", "l"]
    private static let keyedKeys = ["s", "t"]

    package init(_ bytes: [UInt8]) {
        choices = Choices(bytes)
        recipe = ConfigRecipe(layers: [])
        recipe.mergeKeys = MergeKeys([
            .init(path: ConfigPath(["s"]), key: "n"), .init(path: ConfigPath(["s", "t"]), key: "n"),
            .init(path: ConfigPath(["m", "t"]), key: "n"),
        ])
        // Small, so that they are met.
        recipe.limits.references = 20
        recipe.limits.expansionByteCount = 2_000
        recipe.limits.depth = 6
        for index in 0...choices.next(below: 4) { recipe.layers.append(layer("shop/\(index)")) }
        if choices.happens(in: 2) { recipe.defaults = layer("defaults") }
        for _ in 0..<choices.next(below: 4) {
            recipe.fallbacks.append(
                ConfigFallback(
                    path: path(), from: (0...choices.next(below: 2)).map { _ in path() },
                    position: position("config.yaml")))
        }
        // One below another.
        if recipe.fallbacks.count == 3 {
            let (first, last) = (recipe.fallbacks[0], recipe.fallbacks[2])
            recipe.fallbacks[2] = ConfigFallback(
                path: first.path.appending(Self.scalarKeys[line % 4]), from: last.from, position: last.position)
        }
    }

    package var isAtEnd: Bool { choices.isAtEnd }

    /// Mostly, after a change that was refused: else the next ones would be as well.
    mutating func mayGoBack(to recipe: ConfigRecipe) {
        if !choices.happens(in: 4) { self.recipe = recipe }
    }

    /// Changes one layer: mostly one value of it.
    package mutating func edit() {
        let index = choices.next(below: recipe.layers.count + (recipe.defaults == nil ? 0 : 1))
        let isDefaults = index == recipe.layers.count
        guard let old = isDefaults ? recipe.defaults : recipe.layers[index] else { return }
        var new: ConfigLayer
        if choices.happens(in: 8) {
            new = layer(old.name)
        } else {
            let isSecret = old.tree?.origin.isSecret ?? false
            var tree = old.tree ?? ConfigValue(.map(ConfigMap()), origin: origin(old.name, isSecret))
            for _ in 0...choices.next(below: 3) { change(&tree, old.name, isSecret, 0) }
            new = ConfigLayer(name: old.name, tree: tree)
        }
        // The same once more: another object that says nothing new.
        if choices.happens(in: 8) {
            new = ConfigLayer(name: old.name, tree: line % 2 == 0 ? old.tree : relabeled(old.tree))
        }
        if isDefaults { recipe.defaults = new } else { recipe.layers[index] = new }
    }

    /// The same at the same places, as when what a source says stays and what is said of the source does not: secret now, or of
    /// texts that are references now, or are none any more.
    private func relabeled(_ tree: ConfigValue?) -> ConfigValue? {
        tree.map { tree in
            tree.relabeled(
                isSecret: tree.origin.isSecret || line % 4 == 1,
                isLiteral: line % 4 == 3 ? !tree.origin.isLiteral : tree.origin.isLiteral)
        }
    }

    private mutating func change(_ value: inout ConfigValue, _ layer: String, _ isSecret: Bool, _ depth: Int) {
        switch value.content {
        case .map(var map) where map.isEmpty || depth == 0 || !choices.happens(in: 4):
            let key = map.isEmpty || choices.happens(in: 3) ? self.key() : choices.pick(map.entries).key
            if choices.happens(in: 4) {
                map[key] = nil
            } else if var child = map[key] {
                change(&child, layer, isSecret, depth + 1)
                map[key] = child
            } else {
                map[key] = self.value(key, layer, isSecret, depth + 1)
            }
            value = ConfigValue(.map(map), origin: choices.happens(in: 8) ? origin(layer, isSecret) : value.origin)
        case .list(var items) where !items.isEmpty:
            let index = choices.next(below: items.count)
            change(&items[index], layer, isSecret, depth + 1)
            value = ConfigValue(.list(items), origin: value.origin)
        default: value = self.value(key(), layer, isSecret, depth)
        }
    }

    // MARK: By chance

    private mutating func layer(_ name: String) -> ConfigLayer {
        if choices.happens(in: 12) { return ConfigLayer(name: name, tree: nil) }
        let isSecret = choices.happens(in: 3)
        if choices.happens(in: 40) { return ConfigLayer(name: name, tree: scalar(name, isSecret)) }
        return ConfigLayer(name: name, tree: map(name, isSecret, 0))
    }

    private mutating func position(_ file: String) -> SourcePosition {
        line += 1
        return SourcePosition(file: file, line: line, column: 1)
    }

    private mutating func origin(_ layer: String, _ isSecret: Bool) -> ValueOrigin {
        ValueOrigin(
            layer: layer, position: position(layer + ".yaml"), isSecret: isSecret,
            isLiteral: layer == Self.literalLayer)
    }

    private mutating func key() -> String {
        choices.pick(choices.pick([Self.scalarKeys, Self.scalarKeys, Self.mapKeys, Self.listKeys, Self.keyedKeys]))
    }

    private mutating func scalarPath() -> ConfigPath {
        scalars.isEmpty || choices.happens(in: 16) ? path() : choices.pick(scalars)
    }

    private mutating func path() -> ConfigPath {
        if !known.isEmpty, !choices.happens(in: 8) { return choices.pick(known) }
        var keys: [String] = []
        for _ in 0...choices.next(below: 3) {
            let key = self.key()
            keys.append(key)
            if Self.listKeys.contains(key) || Self.keyedKeys.contains(key), choices.happens(in: 2) {
                keys.append(String(choices.next(below: 3)))
            }
            if Self.scalarKeys.contains(key) { break }
        }
        return ConfigPath(keys)
    }

    /// Mostly what suits the key, so that layers agree.
    private mutating func value(_ key: String, _ layer: String, _ isSecret: Bool, _ depth: Int) -> ConfigValue {
        if known.count < 200 { known.append(ConfigPath(trail)) }
        if choices.happens(in: 12) { return ConfigValue(.null, origin: origin(layer, isSecret)) }
        if choices.happens(in: 20) {
            return ConfigValue(.string("${\(path().dotted)}"), origin: origin(layer, isSecret))
        }
        let kind = choices.happens(in: 60) ? self.key() : key
        if depth < 4 {
            if Self.mapKeys.contains(kind) { return map(layer, isSecret, depth) }
            if Self.listKeys.contains(kind) { return list(layer, isSecret, depth) }
            if Self.keyedKeys.contains(kind) { return keyedList(layer, isSecret, depth) }
        }
        return scalar(layer, isSecret)
    }

    private mutating func map(_ layer: String, _ isSecret: Bool, _ depth: Int) -> ConfigValue {
        let origin = origin(layer, isSecret)
        var map = ConfigMap()
        for _ in 0..<choices.next(below: 5) {
            let key = self.key()
            trail.append(key)
            map.put(
                ConfigMap.Entry(
                    key, value(key, layer, isSecret, depth + 1),
                    keyPosition: choices.happens(in: 2) ? origin.position : nil))
            trail.removeLast()
        }
        return ConfigValue(.map(map), origin: origin)
    }

    private mutating func list(_ layer: String, _ isSecret: Bool, _ depth: Int) -> ConfigValue {
        let origin = origin(layer, isSecret)
        var items: [ConfigValue] = []
        for index in 0..<choices.next(below: 4) {
            trail.append(String(index))
            items.append(value(key(), layer, isSecret, depth + 1))
            trail.removeLast()
        }
        return ConfigValue(.list(items), origin: origin)
    }

    private mutating func keyedList(_ layer: String, _ isSecret: Bool, _ depth: Int) -> ConfigValue {
        let origin = origin(layer, isSecret)
        var items: [ConfigValue] = []
        let first = choices.next(below: 3)
        for index in 0..<choices.next(below: 3) {
            trail.append(String(index))
            var item = map(layer, isSecret, depth + 1)
            trail.removeLast()
            guard var map = item.map, !choices.happens(in: 40) else { continue }
            let name = choices.happens(in: 40) ? "0" : String((first + index) % 3)
            map["n"] = ConfigValue(.string(name), origin: self.origin(layer, isSecret))
            item.content = .map(map)
            items.append(item)
        }
        return ConfigValue(.list(items), origin: origin)
    }

    private mutating func scalar(_ layer: String, _ isSecret: Bool) -> ConfigValue {
        let origin = origin(layer, isSecret)
        let number = Int64(choices.next(below: 5))
        if scalars.count < 200 { scalars.append(ConfigPath(trail)) }
        switch choices.next(below: 8) {
        case 0: return ConfigValue(.boolean(true), origin: origin)
        case 1: return ConfigValue(.number(.integer(isSecret ? Self.secretNumber + number : number)), origin: origin)
        case 2 where !isSecret: return ConfigValue(.number(.fraction(0.5)), origin: origin)
        case 3:
            return ConfigValue(.string(text(isSecret) + "${\(scalarPath().dotted)}" + text(isSecret)), origin: origin)
        case 4: return ConfigValue(.string("${\(scalarPath().dotted)}${\(scalarPath().dotted)}"), origin: origin)
        case 5 where choices.happens(in: 12):
            let broken = ["${", "${}", "${a..b}", "x${\"a}", "${a }", "${\"\(isSecret ? Self.secretText : "q")}\"}"]
            return ConfigValue(.string(text(isSecret) + choices.pick(broken)), origin: origin)
        case 6: return ConfigValue(.string(text(isSecret) + "$${a}$" + text(isSecret)), origin: origin)
        default: return ConfigValue(.string(text(isSecret)), origin: origin)
        }
    }

    private mutating func text(_ isSecret: Bool) -> String {
        let text = choices.pick(["x", "", "y$", "{z}", "\u{e9}", String(repeating: "long", count: 20)])
        return isSecret ? Self.secretText + text : text
    }
}

extension ConfigValue {
    fileprivate func relabeled(isSecret: Bool, isLiteral: Bool) -> ConfigValue {
        let origin = ValueOrigin(
            layer: origin.layer, position: origin.position, isSecret: isSecret, isLiteral: isLiteral)
        func inner(_ value: ConfigValue) -> ConfigValue { value.relabeled(isSecret: isSecret, isLiteral: isLiteral) }
        switch content {
        case .null, .boolean, .number, .string: return ConfigValue(content, origin: origin)
        case .list(let items): return ConfigValue(.list(items.map(inner)), origin: origin)
        case .map(let map):
            let entries = map.entries.map { ConfigMap.Entry($0.key, inner($0.value), keyPosition: $0.keyPosition) }
            return ConfigValue(.map(ConfigMap(inOrder: entries)), origin: origin)
        }
    }
}
