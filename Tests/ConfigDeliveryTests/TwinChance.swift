import ConfigChecks
import ConfigMerging
import ConfigValues
import Diagnostics
import FuzzKit
import ServiceContracts
import TestSupport

@testable import ConfigDelivery

/// By chance: what sources say, rules, and twins of what they say that differ only where the rules let a reader read nothing.
struct TwinChance {
    typealias Layers = [String: ConfigValue]

    var random: SplitMix64
    /// From the lowest to the highest.
    static let sources = ["base", "over"]
    /// What every reader may read who may read anything, mostly: it is another one in each state.
    static let count = "z"
    /// So long that a change of something else is told as a patch. It may be read like the count.
    private static let long = "y"
    private static let fixed = ["s", count, long]

    private static let keys = ["a", "b", "m", "n", "l", "0", "a/b", "\u{e9}"]
    private var lastMark = 0
    private var paths: [ConfigPath] = []
    private(set) var fallbacks: [ConfigFallback] = []

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    mutating func happens(_ one: Int = 2) -> Bool { random.next(below: one) == 0 }
    mutating func random(_ bound: Int) -> Int { random.next(below: bound) }
    mutating func pick<Item>(_ items: [Item]) -> Item { items[random.next(below: items.count)] }

    // MARK: What sources say

    private static func value(_ content: ConfigValue.Content, of source: String) -> ConfigValue {
        ConfigValue(content, origin: ValueOrigin(layer: "shop/\(source)", position: .place("shop/\(source)")))
    }

    mutating func layers() -> Layers {
        paths = []
        var base = map(of: "base", at: .root, depth: 3)
        put(keyedList(of: "base"), at: "s", in: &base)
        put(number("base"), at: Self.count, in: &base)
        put(Self.value(.string(String(repeating: "long ", count: 60)), of: "base"), at: Self.long, in: &base)
        var over = layer(over: base, at: .root)
        put(keyedList(of: "over"), at: "s", in: &over)
        return ["base": base, "over": over]
    }

    private func put(_ value: ConfigValue?, at key: String, in tree: inout ConfigValue) {
        guard var map = tree.map else { return }
        map[key] = value
        tree.content = .map(map)
    }

    mutating func number(_ source: String) -> ConfigValue {
        lastMark += 1
        return Self.value(.number(.integer(Int64(lastMark))), of: source)
    }

    private mutating func scalar(_ source: String, at path: ConfigPath) -> ConfigValue {
        lastMark += 1
        let texts = ["<\(lastMark)>", "", "<\(lastMark)>\n", "same"]
        switch random.next(below: 10) {
        case 0: return Self.value(.boolean(happens()), of: source)
        case 1: return Self.value(.number(.integer(Int64(random.next(below: 3)))), of: source)
        case 2...3 where !paths.isEmpty: return Self.value(.string("${\(pick(paths).dotted)}"), of: source)
        case 4 where !paths.isEmpty: return Self.value(.string("<\(lastMark)>${\(pick(paths).dotted)}"), of: source)
        default: return Self.value(.string(pick(texts)), of: source)
        }
    }

    private mutating func map(of source: String, at path: ConfigPath, depth: Int) -> ConfigValue {
        var map = ConfigMap()
        for key in Self.keys where random.next(below: depth > 2 ? 3 : 4) < 2 {
            map[key] = anything(of: source, at: path.appending(key), depth: depth - 1)
        }
        return Self.value(.map(map), of: source)
    }

    private mutating func anything(of source: String, at path: ConfigPath, depth: Int) -> ConfigValue {
        defer { paths.append(path) }
        switch random.next(below: depth > 0 ? 6 : 3) {
        case 0...2: return scalar(source, at: path)
        case 3, 4: return map(of: source, at: path, depth: depth)
        default:
            let items = (0..<random.next(below: 3)).map {
                anything(of: source, at: path.appending(String($0)), depth: depth - 1)
            }
            return Self.value(.list(items), of: source)
        }
    }

    /// Items that several sources have a part in.
    private mutating func keyedList(of source: String) -> ConfigValue {
        let names = ["x", "y", "w"].filter { _ in happens() }
        let items = names.map { name in
            var item = ConfigMap()
            item["n"] = Self.value(.string(name), of: source)
            for key in ["a", "b"] where happens() {
                item[key] = scalar(source, at: ConfigPath(["s"]))
            }
            return Self.value(.map(item), of: source)
        }
        return Self.value(.list(items), of: source)
    }

    /// What stands over some of it.
    private mutating func layer(over lower: ConfigValue, at path: ConfigPath) -> ConfigValue {
        var map = ConfigMap()
        for entry in lower.map?.entries ?? [] where !(path.isRoot && Self.fixed.contains(entry.key)) {
            let place = path.appending(entry.key)
            guard happens(3) else { continue }
            if happens(6) {
                map[entry.key] = Self.value(.null, of: "over")
            } else if entry.value.map != nil {
                map[entry.key] = layer(over: entry.value, at: place)
            } else {
                map[entry.key] = entry.value.list == nil ? scalar("over", at: place) : nil
            }
        }
        if happens(4) {
            map["n"] = map["n"] ?? lower.map?["n"].map { _ in nil } ?? scalar("over", at: path.appending("n"))
        }
        return Self.value(.map(map), of: "over")
    }

    /// Small changes anywhere in one source, as people make them.
    mutating func edited(_ layers: Layers, _ source: String) -> Layers {
        var layers = layers
        guard var tree = layers[source] else { return layers }
        for _ in 0...random.next(below: 2) { tree = edited(tree, of: source, at: .root) }
        if source == "base" { put(number("base"), at: Self.count, in: &tree) }
        layers[source] = tree
        return layers
    }

    private mutating func edited(_ value: ConfigValue, of source: String, at path: ConfigPath) -> ConfigValue {
        guard var map = value.map, !map.isEmpty else { return scalar(source, at: path) }
        let key = happens(3) ? pick(Self.keys) : pick(map.entries).key
        guard !(path.isRoot && Self.fixed.contains(key)) else { return value }
        if let old = map[key], !happens(5) {
            map[key] = edited(old, of: source, at: path.appending(key))
        } else {
            map[key] = map[key] == nil ? anything(of: source, at: path.appending(key), depth: 1) : nil
        }
        return ConfigValue(.map(map), origin: value.origin)
    }

    // MARK: Twins

    /// The same but for what `isHidden` says of: other values, more of them, or fewer.
    mutating func twin(of tree: ConfigValue?, _ source: String, _ isHidden: (ConfigPath) -> Bool) -> ConfigValue? {
        tree.map { varied($0, of: source, at: .root, isHidden) }
    }

    private mutating func varied(
        _ value: ConfigValue, of source: String, at path: ConfigPath, _ isHidden: (ConfigPath) -> Bool
    ) -> ConfigValue {
        if var map = value.map {
            for entry in map.entries {
                let place = path.appending(entry.key)
                // Which item of several sources' lists it becomes part of is a matter of all of them.
                if place == ConfigPath(["s"]) {
                    map[entry.key] = variedItems(entry.value, of: source, isHidden)
                } else if isHiddenWhole(entry.value, at: place, isHidden), happens() {
                    map[entry.key] = hidden(entry.value, of: source, at: place, isHidden)
                } else {
                    map[entry.key] = varied(entry.value, of: source, at: place, isHidden)
                }
            }
            let key = pick(Self.keys)
            if map[key] == nil, happens() {
                let new = anything(of: source, at: path.appending(key), depth: 1)
                if isHiddenWhole(new, at: path.appending(key), isHidden) { map[key] = new }
            }
            return ConfigValue(.map(map), origin: value.origin)
        }
        guard let items = value.list else { return value }
        // How many there are is told by those of them that may be read.
        return ConfigValue(
            .list(
                items.enumerated().map { index, item in
                    let place = path.appending(String(index))
                    let isScalar = item.map == nil && item.list == nil
                    return isScalar && isHidden(place) && happens()
                        ? scalar(source, at: place) : varied(item, of: source, at: place, isHidden)
                }), origin: value.origin)
    }

    private mutating func variedItems(
        _ list: ConfigValue, of source: String, _ isHidden: (ConfigPath) -> Bool
    ) -> ConfigValue {
        let items = (list.list ?? []).map { item in
            guard var map = item.map else { return item }
            for key in ["a", "b"] where (0..<4).allSatisfy({ isHidden(ConfigPath(["s", String($0), key])) }) {
                if map[key] != nil, happens() { map[key] = scalar(source, at: ConfigPath(["s"])) }
            }
            return ConfigValue(.map(map), origin: item.origin)
        }
        return ConfigValue(.list(items), origin: list.origin)
    }

    private mutating func hidden(
        _ value: ConfigValue, of source: String, at path: ConfigPath, _ isHidden: (ConfigPath) -> Bool
    ) -> ConfigValue? {
        switch random.next(below: 4) {
        case 0: return nil
        case 1:
            let new = anything(of: source, at: path, depth: 1)
            return isHiddenWhole(new, at: path, isHidden) ? new : nil
        default: return scalar(source, at: path)
        }
    }

    private func isHiddenWhole(_ value: ConfigValue, at path: ConfigPath, _ isHidden: (ConfigPath) -> Bool) -> Bool {
        if let map = value.map, !map.isEmpty {
            return isHidden(path)
                && map.entries.allSatisfy { isHiddenWhole($0.value, at: path.appending($0.key), isHidden) }
        }
        return isHidden(path)
            && (value.list ?? []).enumerated().allSatisfy {
                isHiddenWhole($1, at: path.appending(String($0)), isHidden)
            }
    }

    // MARK: Rules

    mutating func makeFallbacks() {
        let targets = [["f"], ["g"], ["f", "a"], ["m", "a"], ["n"]].filter { _ in happens() }.map { ConfigPath($0) }
        fallbacks = targets.shuffled(using: &random).compactMap { target in
            // None from what it is part of, or what is part of it.
            // The first one is there in one of the twins alone, if chance will have it, and another may be read.
            let others = paths + [ConfigPath(["f"])]
            let from = [
                ConfigPath([pick(Self.keys)]), happens() ? ConfigPath([Self.count]) : pick(others), pick(others),
            ]
            .filter { from in !zip(from.keys, target.keys).allSatisfy { $0 == $1 } }
            return from.isEmpty ? nil : ConfigFallback(path: target, from: from, position: .place("app"))
        }
    }

    /// What a reader may and may not: by paths, patterns, methods, who it is, and what it sends along.
    mutating func policies() -> [String] {
        var allowed = (0...random.next(below: 6)).map { _ in pattern() }
        if happens(3) { allowed.append("\"/values/{**}\"") }
        if happens() { allowed += ["\"/values/f/{**}\"", "/values/f", "/values/g"] }
        if happens(4) { allowed.append("/values") }
        var policies = [policy("reads", "ALLOW", "[\(rule(allowed)), \(rule([pattern()]))]")]
        if !happens(4) {
            policies.append(ConfigWorld.allow("/values/\(Self.count), /values/\(Self.long), /watch", named: "counts"))
        }
        if happens() {
            policies.append(policy("never", "DENY", "[\(rule((0...random.next(below: 3)).map { _ in pattern() }))]"))
        }
        policies.append(ConfigWorld.allow("/values, \"/values/{**}\", /watch", to: "shop/admin", named: "all"))
        return policies
    }

    private func policy(_ name: String, _ action: String, _ rules: String) -> String {
        manifest(
            "AuthorizationPolicy", name,
            "{targetRefs: [{kind: Config, name: app}], action: \(action), rules: \(rules)}")
    }

    private mutating func rule(_ paths: [String]) -> String {
        let methods = pick(["", "methods: [GET], ", "methods: [GET, HEAD], ", "notMethods: [POST], "])
        let from = pick([
            "serviceAccounts: [shop/web]", "namespaces: [shop], notServiceAccounts: [shop/admin]",
            "serviceAccounts: [shop/web, shop/other]",
        ])
        let when = pick([
            "", "", "", ", when: [{key: \"request.headers[x-team]\", values: [ops]}]",
            ", when: [{key: \"request.headers[x-team]\", notValues: [ops]}]",
            ", when: [{key: source.namespace, values: [shop]}]",
        ])
        return
            "{from: [{source: {\(from)}}], to: [{operation: {\(methods)paths: [\(paths.joined(separator: ", "))]}}]\(when)}"
    }

    private mutating func pattern() -> String {
        var path = pick(paths + fallbacks.map(\.path))
        switch random.next(below: 7) {
        case 0...1: return "\"\(ReaderView.resourcePath(path).text)/{**}\""
        case 2:
            let index = random.next(below: path.keys.count)
            let parts = ReaderView.resourcePath(path).text.split(separator: "/")
            return "\"/\(parts.enumerated().map { $0 == index + 1 ? "{*}" : String($1) }.joined(separator: "/"))\""
        case 3:
            path.keys.removeLast()
            return "\"\(ReaderView.resourcePath(path).text)/*\""
        default: return "\"\(ReaderView.resourcePath(path).text)\""
        }
    }
}
