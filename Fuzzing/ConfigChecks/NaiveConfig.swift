package import ConfigMerging
package import ConfigValues
import Diagnostics

/// A whole evaluation once more, slowly: each reference asks for what it needs, again and again.
package struct NaiveConfig {
    private(set) var mistakes: [NaiveMistake] = []
    /// `nil`: something is wrong.
    package private(set) var value: ConfigValue?
    /// Before fallbacks and references.
    private(set) var merged: ConfigValue?
    /// More is copied than may be: which reference is told of is not the naive one's to say.
    private(set) var isTooLarge = false

    private let recipe: ConfigRecipe
    private var tree = ConfigValue(
        .map(ConfigMap()), origin: ValueOrigin(layer: "defaults", position: .place("no source")))
    private var copied = 0
    /// Fallbacks that gave something.
    private var gifts: [(path: ConfigPath, from: ConfigPath, position: SourcePosition)] = []
    /// Fallbacks whose paths had nothing, and where they looked.
    package private(set) var trials: [(path: ConfigPath, looked: [ConfigPath], hasFound: Bool)] = []
    private var templates: [(path: [String], text: ConfigValue, parts: [NaiveTemplate.Part])] = []
    private var known: [Int: ConfigValue?] = [:]

    package init(_ recipe: ConfigRecipe) {
        self.recipe = recipe
        merge()
        if mistakes.isEmpty { giveFallbacks() }
        if mistakes.isEmpty { resolve() }
    }

    private mutating func merge() {
        let trees = ((recipe.defaults.map { [$0] } ?? []) + recipe.layers).compactMap(\.tree)
        for tree in trees where tree.map == nil { mistakes.append(NaiveMistake(.configNotAMap, tree.origin.position)) }
        guard mistakes.isEmpty else { return }
        let root = NaiveNode()
        for tree in trees { root.lay(tree, at: [], recipe.mergeKeys.rules) }
        mistakes = root.allMistakes
        tree = root.value ?? tree
        merged = tree
        expectations = root.expectations(at: [])
    }

    private var expectations: [(path: [String], typed: ConfigValue)] = []

    // MARK: Fallbacks

    private static func isSomething(_ value: ConfigValue?) -> Bool {
        guard let value else { return false }
        if case .null = value.content { return false }
        return true
    }

    private mutating func giveFallbacks() {
        for fallback in recipe.fallbacks where tree[fallback.path] == nil {
            var looked: [ConfigPath] = []
            var gift: (from: ConfigPath, value: ConfigValue)?
            for from in fallback.from where gift == nil {
                looked.append(from)
                if let value = tree[from], Self.isSomething(value) { gift = (from, value) }
            }
            trials.append((fallback.path, looked, gift != nil))
            guard let (from, given) = gift else { continue }
            copied += Self.size(given)
            if copied > recipe.limits.expansionByteCount {
                isTooLarge = true
                return mistakes.append(NaiveMistake(.configTooLarge, fallback.position))
            }
            if fallback.path.keys.count + Self.depth(given) > recipe.limits.depth {
                mistakes.append(NaiveMistake(.configTooDeep, fallback.position))
            } else if let changed = Self.put(given, at: fallback.path.keys, in: tree, fallback) {
                tree = changed
                gifts.append((fallback.path, from, fallback.position))
            } else {
                mistakes.append(NaiveMistake(.configTypeClash, fallback.position))
            }
        }
    }

    private static func put(
        _ value: ConfigValue, at path: [String], in tree: ConfigValue?, _ fallback: ConfigFallback
    ) -> ConfigValue? {
        guard let key = path.first else { return value }
        let rest = Array(path.dropFirst())
        let tree = tree ?? ConfigValue(.map(ConfigMap()), origin: fallback.origin)
        if var map = tree.map {
            guard let child = put(value, at: rest, in: map[key], fallback) else { return nil }
            map[key] = child
            return ConfigValue(.map(map), origin: tree.origin)
        }
        guard var list = tree.list, let index = Int(key), String(index) == key, list.indices.contains(index),
            let item = put(value, at: rest, in: list[index], fallback)
        else { return nil }
        list[index] = item
        return ConfigValue(.list(list), origin: tree.origin)
    }

    static func size(_ value: ConfigValue) -> Int {
        switch value.content {
        case .string(let text): 8 + text.utf8.count
        case .list(let items): items.reduce(8) { $0 + size($1) }
        case .map(let map): map.entries.reduce(8) { $0 + $1.key.utf8.count + size($1.value) }
        case .null, .boolean, .number: 8
        }
    }

    static func depth(_ value: ConfigValue) -> Int {
        let below = (value.list ?? value.map?.entries.map(\.value) ?? []).map { depth($0) + 1 }
        return below.max() ?? 0
    }

    // MARK: References

    private mutating func resolve() {
        collect(tree, [])
        templates.sort { Self.isOrdered($0.path, $1.path) }
        var count = 0
        for template in templates {
            count += template.parts.filter { $0.path != nil }.count
            if count > recipe.limits.references {
                mistakes = [NaiveMistake(.configTooManyReferences, template.text.origin.position)]
                return
            }
        }
        findCircles()
        for index in templates.indices { _ = value(of: index) }
        for (path, typed) in expectations {
            guard let index = templates.firstIndex(where: { Self.isSame($0.path, path) }), let found = value(of: index)
            else {
                continue
            }
            if Self.isSomething(found), NaiveNode.kind(found) != NaiveNode.kind(typed) {
                mistakes.append(NaiveMistake(.configTypeClash, templates[index].text.origin.position))
            }
        }
        copied += known.values.reduce(0) { sum, value in sum + (value.map { Self.size($0) } ?? 0) }
        isTooLarge = copied > recipe.limits.expansionByteCount
        if isTooLarge, mistakes.isEmpty { mistakes.append(NaiveMistake(.configTooLarge, .place("anywhere"))) }
        if mistakes.isEmpty { value = replaced(tree, []) }
    }

    private mutating func collect(_ value: ConfigValue, _ path: [String]) {
        switch value.content {
        case .string(let text)
        where !value.origin.isLiteral
            && (text.utf8.elementsEqual(Self.plain(text).utf8) == false || NaiveTemplate.parts(text) == nil):
            guard let parts = NaiveTemplate.parts(text) else {
                return mistakes.append(NaiveMistake(.configBrokenReference, value.origin.position))
            }
            templates.append((path, value, parts))
        case .list(let items): for (index, item) in items.enumerated() { collect(item, path + [String(index)]) }
        case .map(let map): for entry in map.entries { collect(entry.value, path + [entry.key]) }
        default: break
        }
    }

    /// What is left of a text without references and escapes.
    private static func plain(_ text: String) -> String {
        (NaiveTemplate.parts(text) ?? []).filter { $0.path == nil }.map(\.text).joined()
    }

    private static func isOrdered(_ left: [String], _ right: [String]) -> Bool {
        left.map { Array($0.utf8) }.lexicographicallyPrecedes(right.map { Array($0.utf8) }) {
            $0.lexicographicallyPrecedes($1)
        }
    }

    private static func isSame(_ left: some Sequence<String>, _ right: some Sequence<String>) -> Bool {
        left.elementsEqual(right) { Array($0.utf8) == Array($1.utf8) }
    }

    /// What must be known before a target is.
    private func needs(_ target: ConfigPath) -> [Int] {
        if let above = templates.firstIndex(where: {
            $0.path.count <= target.keys.count && Self.isSame($0.path, target.keys.prefix($0.path.count))
        }) {
            return [above]
        }
        return templates.indices.filter { Self.isSame(templates[$0].path.prefix(target.keys.count), target.keys) }
    }

    private mutating func findCircles() {
        let needed = templates.map { template in Set(template.parts.compactMap(\.path).flatMap { needs($0) }) }
        let reached = needed.indices.map { start in
            var reached = needed[start]
            while true {
                let more = reached.reduce(reached) { $0.union(needed[$1]) }
                if more == reached { return reached }
                reached = more
            }
        }
        for index in templates.indices where reached[index].contains(index) {
            known[index] = .some(nil)
            let isFirst = !(0..<index).contains { reached[index].contains($0) && reached[$0].contains(index) }
            if isFirst { mistakes.append(NaiveMistake(.configReferenceCycle, templates[index].text.origin.position)) }
        }
    }

    private mutating func value(of index: Int) -> ConfigValue? {
        if let value = known[index] { return value }
        var value = resolved(index)
        if let found = value, templates[index].path.count + Self.depth(found) > recipe.limits.depth {
            mistakes.append(NaiveMistake(.configTooDeep, templates[index].text.origin.position))
            value = nil
        }
        known[index] = .some(value)
        return value
    }

    private mutating func resolved(_ index: Int) -> ConfigValue? {
        let (_, text, parts) = templates[index]
        let position = text.origin.position
        var pieces = ""
        var isSecret = text.origin.isSecret
        var isKnown = true
        for part in parts {
            guard let path = part.path else {
                pieces += part.text
                continue
            }
            let needed = needs(path)
            guard needed.allSatisfy({ value(of: $0) != nil }) else {
                isKnown = false
                continue
            }
            guard let found = replaced(tree, [])[path] else {
                mistakes.append(NaiveMistake(.configUnknownReference, position))
                isKnown = false
                continue
            }
            if parts.count == 1 { return text.origin.isSecret ? Self.secret(found) : found }
            switch found.content {
            case .string(let piece): pieces += piece
            case .number(let number): pieces += number.text
            case .boolean(let value): pieces += value ? "true" : "false"
            case .null, .list, .map:
                mistakes.append(NaiveMistake(.configReferenceInText, position))
                isKnown = false
            }
            isSecret = isSecret || found.origin.isSecret
        }
        guard isKnown else { return nil }
        return ConfigValue(
            .string(pieces), origin: ValueOrigin(layer: text.origin.layer, position: position, isSecret: isSecret))
    }

    /// With what is known so far.
    private func replaced(_ value: ConfigValue, _ path: [String]) -> ConfigValue {
        if let index = templates.firstIndex(where: { Self.isSame($0.path, path) }) {
            return known[index].flatMap { $0 } ?? value
        }
        switch value.content {
        case .list(let items):
            return ConfigValue(
                .list(items.enumerated().map { replaced($1, path + [String($0)]) }), origin: value.origin)
        case .map(let map):
            return ConfigValue(
                .map(
                    map.entries.reduce(into: ConfigMap()) { $0[$1.key] = replaced($1.value, path + [$1.key]) }),
                origin: value.origin)
        default: return value
        }
    }

    private static func secret(_ value: ConfigValue) -> ConfigValue {
        let origin = ValueOrigin(layer: value.origin.layer, position: value.origin.position, isSecret: true)
        switch value.content {
        case .list(let items): return ConfigValue(.list(items.map(secret)), origin: origin)
        case .map(let map):
            return ConfigValue(
                .map(map.entries.reduce(into: ConfigMap()) { $0[$1.key] = secret($1.value) }), origin: origin)
        default: return ConfigValue(value.content, origin: origin)
        }
    }

    // MARK: What a value is made of

    /// In the words of `ConfigExplanation.Source.kindText`, and the paths that it leads on to.
    func source(of path: ConfigPath) -> (text: String, next: [ConfigPath]) {
        value?[path] == nil ? ("nothing", []) : lead(from: path)
    }

    /// The same of what may not be there.
    private func lead(from path: ConfigPath) -> (text: String, next: [ConfigPath]) {
        let ways = (0...path.keys.count).map { (path.keys.prefix($0), path.keys.dropFirst($0)) }
        // Texts that a fallback copied are where they were copied from.
        for (above, rest) in ways.reversed() {
            guard let gift = gifts.first(where: { Self.isSame($0.path.keys, above) }) else { continue }
            let from = ConfigPath(gift.from.keys + rest)
            return ("fallback \(gift.position) \(from.pointer)", [from])
        }
        for (above, rest) in ways {
            guard let template = templates.first(where: { Self.isSame($0.path, above) }) else { continue }
            let targets = template.parts.compactMap(\.path)
            guard template.parts.count == 1, let target = targets.first else {
                return ("text \(template.text.origin) \(targets.map(\.pointer))", targets)
            }
            let end = ConfigPath(target.keys + rest)
            return ("reference \(template.text.origin) \(ConfigPath(template.path).pointer) \(end.pointer)", [end])
        }
        return ("layers", [])
    }

    /// The path, and all that its value is made of.
    func parts(of path: ConfigPath) -> [ConfigPath] { reached(from: path) { source(of: $0).next } }

    /// The same, and all that fallbacks looked at, without which another value might be there, or none.
    package func paths(behind path: ConfigPath) -> [ConfigPath] {
        var all = reached(from: path) { lead(from: $0).next }
        for part in all {
            let isRoom = value?[part].map { $0.map != nil } ?? true
            for (index, trial) in trials.enumerated() where Self.areInLine(trial.path, part) {
                let rest = part.keys.dropFirst(trial.path.keys.count)
                guard isRoom || part.keys.count >= trial.path.keys.count else { continue }
                all += trial.looked.map { ConfigPath($0.keys + rest) } + earlier(index)
            }
        }
        return all.reduce(into: []) { paths, path in
            if !paths.contains(where: { Self.isSame($0.keys, path.keys) }) { paths.append(path) }
        }
    }

    /// Where others looked before for what a fallback did not find.
    private func earlier(_ index: Int) -> [ConfigPath] {
        let empty = trials[index].hasFound ? trials[index].looked.dropLast() : trials[index].looked[...]
        return (0..<index).filter { other in empty.contains { Self.areInLine($0, trials[other].path) } }
            .flatMap { trials[$0].looked + earlier($0) }
    }

    /// Whether one of them is the other one, or above it.
    private static func areInLine(_ one: ConfigPath, _ other: ConfigPath) -> Bool {
        zip(one.keys, other.keys).allSatisfy { Array($0.utf8) == Array($1.utf8) }
    }

    private func reached(from path: ConfigPath, by next: (ConfigPath) -> [ConfigPath]) -> [ConfigPath] {
        var known: Set<String> = []
        var reached: [ConfigPath] = []
        var waiting = [path]
        while let path = waiting.popLast() {
            guard known.insert(NaiveNode.bytes(path.pointer)).inserted else { continue }
            reached.append(path)
            waiting += next(path)
        }
        return reached
    }
}
