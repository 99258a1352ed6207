import ConfigValues
import Diagnostics
import RegularExpressions

/// A value that does not fit, where it is, and the rule that says so. Of what is secret no word is told, only its type; nor of what
/// a secret schema demands.
struct SchemaMistake {
    private let rule: SchemaRule
    private let application: SchemaApplication
    private let program: SchemaProgram
    private let path: ConfigPath
    /// Of the key that the value has in its map.
    private let keyPosition: SourcePosition?
    /// Of the rule's subschemas how many hold, or for how many items.
    private let count: Int
    /// The value is part of something secret.
    private let isSecret: Bool
    /// Keys that the subschema below knows.
    private let knownNames: [String]

    /// - Parameters:
    ///   - count: What the rule has counted.
    ///   - frames: Those below the one that the rule is applied in.
    init(
        _ rule: SchemaRule, _ application: SchemaApplication, count: Int = 0, in program: SchemaProgram,
        below frames: ArraySlice<SchemaFrame>
    ) {
        self.count = count
        self.rule = rule
        self.application = application
        self.program = program
        var keys: [String] = []
        var keyPosition: SourcePosition?
        var value = frames.first?.application.value ?? application.value
        for next in frames.map(\.application) + [application] {
            switch (next.way, value.content) {
            case (.member(let index), .map(let map)):
                keys.append(map.entries[index].key)
                keyPosition = map.entries[index].position
            case (.item(let index), _): keys.append(String(index))
            default: break
            }
            value = next.value
        }
        path = ConfigPath(keys)
        self.keyPosition = keyPosition
        isSecret = application.value.origin.isSecret || frames.contains { $0.application.value.origin.isSecret }
        knownNames =
            frames.last.map { program.nodes[$0.application.node].rules }.map { rules in
                rules.flatMap { rule in
                    if case .mapMembers(let members) = rule.test, !rule.isSecret {
                        members.names
                    } else {
                        [] as [String]
                    }
                }
            } ?? []
    }

    var diagnostic: Diagnostic {
        let words = self.words
        return Diagnostic(
            .schemaRefusedValue, at: words.position ?? application.value.origin.position, found: words.found,
            expected: words.expected, remedy: words.remedy ?? "change it, or \(schemaKeyword)")
    }

    private struct Words {
        var found: String
        var expected: String
        var remedy: String?
        var position: SourcePosition?
    }

    /// `"maximum" in the schema (app.schema.json:4:15)`.
    private var schemaKeyword: String {
        let keyword = if case .nothing = rule.test { application.keyword } else { rule.keyword }
        return "\"\(keyword.rawValue)\" in the schema (\(rule.position))"
    }

    private var value: ConfigValue { application.value }

    private func at(_ path: ConfigPath) -> String { path.isRoot ? "" : " at \(Self.shortened(path.dotted))" }

    /// The end says more than the beginning.
    private static func shortened(_ text: String) -> String { text.count > 120 ? "…" + text.suffix(120) : text }

    private var shown: String {
        if case .name(_) = application.way { return "the key \(value.shown)" + at(path) }
        return (isSecret ? value.typeName : value.shown) + at(path)
    }

    /// - Parameter words: What is told unless the value is secret.
    private func found(_ words: String) -> String { (isSecret ? value.typeName : words) + at(path) }

    private func expected(_ words: @autoclosure () -> String) -> String {
        rule.isSecret ? "what \"\(rule.keyword.rawValue)\" says" : words()
    }

    private var words: Words {
        switch rule.test {
        case .nothing: return unwanted
        case .type(let types): return Words(found: shown, expected: expected(types.words.joinedByOr()))
        case .constant(let constant): return Words(found: shown, expected: expected(constant.shown))
        case .oneOf(_, let values):
            return Words(found: shown, expected: expected(values.map(\.shown).joinedByOr()), remedy: nearest(values))
        case .multipleOf(_, let number): return Words(found: shown, expected: expected("a multiple of \(number.text)"))
        case .atLeast(let bound): return Words(found: shown, expected: expected("at least \(bound.text)"))
        case .atMost(let bound): return Words(found: shown, expected: expected("at most \(bound.text)"))
        case .above(let bound): return Words(found: shown, expected: expected("more than \(bound.text)"))
        case .below(let bound): return Words(found: shown, expected: expected("less than \(bound.text)"))
        case .matches(let matcher):
            return Words(
                found: shown, expected: expected("a string that \(Diagnostic.quoted(matcher.text)) is found in"))
        case .characters(let bounds):
            let count = if case .string(let text) = value.content { text.unicodeScalars.count } else { 0 }
            let isName = if case .name(_) = application.way { true } else { false }
            return Words(
                found: isName ? shown : found("a string of \(Self.count(count, "character"))"),
                expected: expected(Self.words(bounds, "character")))
        case .items(let bounds):
            return Words(
                found: found("a list of \(Self.count(value.memberCount, "item"))"),
                expected: expected(Self.words(bounds, "item")))
        case .members(let bounds):
            return Words(
                found: found("a map of \(Self.count(value.memberCount, "key"))"),
                expected: expected(Self.words(bounds, "key")))
        case .distinctItems: return repeated
        case .required(let keys): return missing(keys, beside: nil)
        case .requiredBeside(let rules):
            let map = value.map ?? ConfigMap()
            let broken = rules.first { map.index(of: $0.key) != nil && map.firstMissing(of: $0.companions) != nil }
            return missing(broken?.companions ?? [], beside: broken?.key)
        case .any(let nodes):
            return Words(found: shown, expected: "what one of \"anyOf\" says: \(alternatives(nodes))")
        case .one(let nodes):
            return Words(
                found: shown + (count > 1 ? ", which \(count) of \"oneOf\" are for" : ""),
                expected: "what exactly one of \"oneOf\" says: \(alternatives(nodes))")
        case .not(let node):
            return Words(found: shown, expected: "another value than \"not\" says: \(description(node))")
        case .contains(let node, let bounds):
            return Words(
                found: found("a list with \(Self.count(count, "such item"))"),
                expected: "\(expected(Self.words(bounds, "item"))) as \"contains\" says: \(description(node))")
        default: return Words(found: shown, expected: "what \"\(rule.keyword.rawValue)\" says")
        }
    }

    private static func count(_ number: Int, _ what: String) -> String { "\(number) \(what)\(number == 1 ? "" : "s")" }

    private static func words(_ bounds: SchemaTest.Bounds, _ what: String) -> String {
        switch (bounds.minimum, bounds.maximum) {
        case (let minimum, nil): "at least \(count(minimum, what))"
        case (0, let maximum?): "at most \(count(maximum, what))"
        case (let minimum, let maximum?): "from \(minimum) to \(count(maximum, what))"
        }
    }
}

extension SchemaMistake {
    /// Where the schema is `false`.
    private var unwanted: Words {
        var above = path
        let key = above.keys.popLast() ?? ""
        let known = "only keys that the schema knows"
        switch (application.way, application.keyword) {
        case (.member, .additionalProperties), (.member, .unevaluatedProperties):
            let nearest = NearestName(to: key, among: knownNames).map { ": \($0.question)" } ?? ""
            return Words(
                found: "the key \(Diagnostic.quoted(key))" + at(above), expected: known,
                remedy: "remove it, or correct its name\(nearest)", position: keyPosition)
        case (.member, _):
            return Words(
                found: "the key \(Diagnostic.quoted(key))" + at(above), expected: "no such key", position: keyPosition)
        case (.item, _):
            return Words(found: "the item \(key)" + at(above), expected: "no such item")
        case (.name, _): return Words(found: shown, expected: "no key")
        case (.same, _): return Words(found: shown, expected: "no value")
        }
    }

    private func missing(_ keys: [String], beside key: String?) -> Words {
        guard !rule.isSecret else { return Words(found: shown, expected: expected("")) }
        let name = Diagnostic.quoted((value.map ?? ConfigMap()).firstMissing(of: keys) ?? "")
        return Words(
            found: key.map { "a map with the key \(Diagnostic.quoted($0)) and without \(name)" + at(path) }
                ?? "a map without the key \(name)" + at(path),
            expected: key == nil ? "it" : "both, or neither",
            remedy: "add \(name), or change \(schemaKeyword)")
    }

    private var repeated: Words {
        var seen: [ConfigValue: Int] = [:]
        for (index, item) in (value.list ?? []).enumerated() {
            guard let first = seen.updateValue(index, forKey: item) else { continue }
            return Words(
                found: (isSecret || item.origin.isSecret ? item.typeName : item.shown)
                    + " a second time\(at(path.appending(String(index))))",
                expected: "items that differ", remedy: "remove it, or the one at \(first)",
                position: item.origin.position)
        }
        return Words(found: shown, expected: "items that differ")
    }

    private func nearest(_ values: [ConfigValue]) -> String? {
        guard !isSecret, !rule.isSecret, case .string(let text) = value.content else { return nil }
        let names = values.compactMap { value -> String? in
            if case .string(let name) = value.content, !value.origin.isSecret { name } else { nil }
        }
        return NearestName(to: text, among: names)?.remedy
    }

    private func alternatives(_ nodes: [Int]) -> String {
        var known: [String] = []
        for description in nodes.prefix(100).map({ description($0) }) where !known.contains(description) {
            known.append(description)
        }
        return known.joinedByOr()
    }

    /// A subschema in a few words: its title, or what it says first.
    private func description(_ node: Int, hops: Int = 0) -> String {
        let node = program.nodes[node]
        if let title = node.title { return Diagnostic.quoted(title) }
        for rule in node.rules where !rule.isSecret {
            switch rule.test {
            case .type(let types): return types.words.joinedByOr()
            case .constant(let constant): return constant.shown
            case .oneOf(_, let values): return values.map(\.shown).joinedByOr()
            case .reference(let other) where hops < 8: return description(other, hops: hops + 1)
            case .required(let keys) where !keys.isEmpty: return "a map with \(Diagnostic.quoted(keys[0]))"
            default: break
            }
        }
        return "the schema at \(node.position)"
    }
}
