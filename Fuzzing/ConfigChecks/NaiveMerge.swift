import ConfigMerging
import ConfigValues
import Diagnostics

/// A mistake, without its words.
struct NaiveMistake: Hashable {
    let code: String
    let position: SourcePosition

    init(_ code: Diagnostic.Code, _ position: SourcePosition) {
        self.code = code.rawValue
        self.position = position
    }

    init(_ diagnostic: Diagnostic) { self.init(diagnostic.code, diagnostic.position) }
}

/// The merge once more, slowly: one layer after the other is laid over what there is.
final class NaiveNode {
    enum Body {
        case gone
        /// Scalars, references, lists: what is not merged.
        case leaf(ConfigValue)
        case items([NaiveNode], key: String)
        case map([String: NaiveNode], origin: ValueOrigin)
    }

    /// Strings that look alike are one key to a dictionary: these are told apart by their bytes.
    typealias Key = String

    var body: Body = .gone
    /// The highest value since the last null that is no reference.
    var typed: ConfigValue?
    /// Of this node alone.
    var mistakes: [NaiveMistake] = []
    private var itemMistakes: [NaiveMistake] = []
    private var origin: ValueOrigin?

    static func bytes(_ text: String) -> String { text.utf8.map { String($0) }.joined(separator: ",") }

    private static func text(_ bytes: String) -> String {
        String(decoding: bytes.split(separator: ",").compactMap { UInt8($0) }, as: UTF8.self)
    }

    static func isReference(_ value: ConfigValue) -> Bool {
        guard case .string(let text) = value.content, !value.origin.isLiteral else { return false }
        let parts = NaiveTemplate.parts(text) ?? []
        return parts.count == 1 && parts[0].path != nil
    }

    enum Kind { case scalar, list, map }

    static func kind(_ value: ConfigValue) -> Kind { value.map != nil ? .map : value.list != nil ? .list : .scalar }

    func lay(_ upper: ConfigValue, at path: [String], _ rules: [MergeKeys.Rule]) {
        if case .null = upper.content {
            body = .gone
            (typed, mistakes, itemMistakes) = (nil, [], [])
            return
        }
        if Self.isReference(upper) {
            body = .leaf(upper)
            itemMistakes = []
            return
        }
        if let typed, Self.kind(typed) != Self.kind(upper) {
            mistakes.append(NaiveMistake(.configTypeClash, upper.origin.position))
            return
        }
        if let map = upper.map {
            var children: [String: NaiveNode] = [:]
            switch body {
            case .leaf: return mistakes.append(NaiveMistake(.configTypeClash, upper.origin.position))
            case .map(let old, _): children = old
            case .gone, .items: break
            }
            for entry in map.entries {
                let node = children[Self.bytes(entry.key)] ?? NaiveNode()
                node.lay(entry.value, at: path + [entry.key], rules)
                children[Self.bytes(entry.key)] = node
            }
            body = .map(children, origin: upper.origin)
        } else if let list = upper.list,
            let key = rules.first(where: { $0.path.keys.map(Self.bytes) == path.map(Self.bytes) })?.key
        {
            lay(list, key, at: path, rules)
            origin = upper.origin
        } else {
            body = .leaf(Self.cleaned(upper))
        }
        typed = upper
    }

    private func lay(_ list: [ConfigValue], _ key: String, at path: [String], _ rules: [MergeKeys.Rule]) {
        var items: [NaiveNode] = []
        if case .items(let old, _) = body { items = old } else { itemMistakes = [] }
        var names: [ConfigValue] = []
        for item in list {
            guard let name = item.map?[key], Self.kind(name) == .scalar, !Self.isReference(name),
                name.typeName != "null",
                !names.contains(name)
            else {
                itemMistakes.append(NaiveMistake(.configMergeKey, item.origin.position))
                continue
            }
            names.append(name)
            let node = items.first { $0.child(key)?.value == name } ?? NaiveNode()
            if case .gone = node.body { items.append(node) }
            node.lay(item, at: path, rules)
        }
        body = .items(items, key: key)
    }

    private func child(_ key: String) -> NaiveNode? {
        if case .map(let children, _) = body { children[Self.bytes(key)] } else { nil }
    }

    var value: ConfigValue? {
        switch body {
        case .gone: nil
        case .leaf(let value): value
        case .items(let items, _):
            ConfigValue(
                .list(items.compactMap(\.value)), origin: origin ?? ValueOrigin(layer: "", position: .place("nowhere")))
        case .map(let children, let origin):
            ConfigValue(
                .map(
                    children.reduce(into: ConfigMap()) { map, child in
                        if let value = child.value.value { map[Self.text(child.key)] = value }
                    }), origin: origin)
        }
    }

    var allMistakes: [NaiveMistake] {
        switch body {
        case .gone, .leaf: mistakes + itemMistakes
        case .items(let items, _): mistakes + itemMistakes + items.flatMap(\.allMistakes)
        case .map(let children, _): mistakes + children.values.flatMap(\.allMistakes)
        }
    }

    /// References that stand over something, with what must be the type of what they lead to.
    func expectations(at path: [String]) -> [(path: [String], typed: ConfigValue)] {
        switch body {
        case .gone: return []
        case .leaf(let value):
            if let typed, Self.isReference(value) { return [(path, typed)] }
            return []
        case .items(let items, _):
            return items.enumerated().flatMap { $1.expectations(at: path + [String($0)]) }
        case .map(let children, _):
            return children.flatMap { $1.expectations(at: path + [Self.text($0)]) }
        }
    }

    private static func cleaned(_ value: ConfigValue) -> ConfigValue {
        if let list = value.list { return ConfigValue(.list(list.map(cleaned)), origin: value.origin) }
        guard let map = value.map else { return value }
        var left = ConfigMap()
        for entry in map.entries {
            if case .null = entry.value.content { continue }
            left[entry.key] = cleaned(entry.value)
        }
        return ConfigValue(.map(left), origin: value.origin)
    }
}
