import ConfigValues
import Diagnostics
import RegularExpressions

/// Makes a program of a schema: each subschema of the index a node of the same number.
struct SchemaCompiler {
    private(set) var index: SchemaIndex
    private(set) var problems: SchemaProblems
    private var nodes: [SchemaNode] = []
    /// Numbers of dynamic anchors, by name.
    private var anchors: [String: Int] = [:]
    /// By text; `nil`: it was told to be none.
    private var expressions: [String: ExpressionMatcher?] = [:]
    private var expressionPositionCount = 0

    init(_ registry: SchemaRegistry, _ limits: SchemaLimits) {
        index = SchemaIndex(registry, limits)
        problems = SchemaProblems(limit: limits.mistakeCount)
    }

    /// - Returns: `nil`: `problems` says why.
    mutating func compile(_ schema: ConfigValue, at uri: SchemaURI) -> SchemaProgram? {
        guard let root = index.add(schema, at: uri, &problems) else { return nil }
        // References add to the places.
        while nodes.count < index.places.count { nodes.append(node(nodes.count)) }
        for loop in SchemaLoops.find(in: nodes) {
            problems.add(
                Diagnostic(
                    .schemaLoop, at: nodes[loop].position,
                    found: "a subschema that is applied to a value by being applied to it",
                    expected: "references that lead into the value before they lead back",
                    remedy: "remove the reference that leads back here"))
        }
        guard problems.isEmpty else { return nil }
        let dynamicAnchors = index.resources.map { resource in
            Dictionary(
                uniqueKeysWithValues: resource.dynamicAnchors.compactMap { name, place in
                    anchors[name].map { ($0, place) }
                })
        }
        return SchemaProgram(nodes: nodes, root: root, dynamicAnchors: dynamicAnchors)
    }

    mutating func report(_ diagnostic: Diagnostic) { problems.add(diagnostic) }

    private mutating func node(_ number: Int) -> SchemaNode {
        let place = index.places[number]
        let position = place.schema.origin.position
        switch place.schema.content {
        case .boolean(false):
            let rule = SchemaRule(keyword: .not, position: position, isSecret: false, test: .nothing)
            return SchemaNode(position: position, resource: place.resource, rules: [rule])
        case .map(let map):
            let dialect = index.resources[place.resource].dialect
            var rules: [SchemaRule] = []
            for entry in map.entries {
                guard let keyword = SchemaKeyword(named: entry.key), dialect.knows(keyword),
                    let test = test(keyword, entry.value, map, place)
                else { continue }
                rules.append(
                    SchemaRule(
                        keyword: keyword, position: entry.value.origin.position,
                        isSecret: entry.value.origin.isSecret, test: test))
            }
            if let rule = memberRule(map, place) { rules.append(rule) }
            var title: String?
            if let value = map["title"], !value.origin.isSecret, case .string(let text) = value.content { title = text }
            return SchemaNode(position: position, resource: place.resource, title: title, rules: rules)
        default: return SchemaNode(position: position, resource: place.resource, rules: [])
        }
    }

    /// - Returns: `nil`: it demands nothing, or another keyword says it with its own, or it is not what it should be, which is told.
    private mutating func test(
        _ keyword: SchemaKeyword, _ value: ConfigValue, _ map: ConfigMap, _ place: SchemaPlace
    ) -> SchemaTest? {
        let parts = place.parts[keyword] ?? []
        switch keyword {
        case .ref: return resolve(value, from: place).map { .reference($0.place) }
        case .dynamicRef:
            guard let target = resolve(value, from: place) else { return nil }
            guard let name = target.dynamicAnchor else { return .reference(target.place) }
            anchors[name] = anchors[name] ?? anchors.count
            return .dynamicReference(target.place, anchor: anchors[name] ?? 0)
        case .allOf: return .all(parts)
        case .anyOf: return .any(parts)
        case .oneOf: return .one(parts)
        case .not: return parts.first.map { .not($0) }
        case .if:
            let (then, otherwise) = (place.parts[.then]?.first, place.parts[.else]?.first)
            return parts.first.map { .condition(if: $0, then: then, else: otherwise) }
        case .dependentSchemas:
            return value.map.map { .dependent(zip($0.entries, parts).map { .init(key: $0.key, node: $1) }) }
        case .propertyNames: return parts.first.map { .names($0) }
        case .prefixItems: return .listItems(prefix: parts, rest: place.parts[.items]?.first)
        case .items: return place.parts[.prefixItems] == nil ? .listItems(prefix: [], rest: parts.first) : nil
        case .contains:
            let bounds = SchemaTest.Bounds(
                minimum: count(.minContains, map, place) ?? 1, maximum: count(.maxContains, map, place))
            return parts.first.map { .contains($0, bounds) }
        case .unevaluatedItems: return parts.first.map { .unevaluatedItems($0) }
        case .unevaluatedProperties: return parts.first.map { .unevaluatedMembers($0) }
        case .pattern:
            guard case .string(let text) = value.content else { return nil }
            return matcher(text, at: value).map { .matches($0) }
        default: return SchemaTest(keyword, value)
        }
    }

    private func count(_ keyword: SchemaKeyword, _ map: ConfigMap, _ place: SchemaPlace) -> Int? {
        index.resources[place.resource].dialect.knows(keyword) ? map[keyword.rawValue]?.count : nil
    }

    /// `properties`, `patternProperties` and `additionalProperties`, which mean one thing together.
    private mutating func memberRule(_ map: ConfigMap, _ place: SchemaPlace) -> SchemaRule? {
        let keywords: [SchemaKeyword] = [.properties, .patternProperties, .additionalProperties]
        guard let keyword = keywords.first(where: { place.parts[$0] != nil }), let value = map[keyword.rawValue] else {
            return nil
        }
        var rules = SchemaTest.MemberRules()
        if let nodes = place.parts[.properties], let named = map[SchemaKeyword.properties.rawValue]?.map {
            (rules.names, rules.nodes) = (named.entries.map(\.key), nodes)
        }
        if let nodes = place.parts[.patternProperties], let named = map[SchemaKeyword.patternProperties.rawValue]?.map {
            for (entry, node) in zip(named.entries, nodes) {
                guard let matcher = matcher(entry.key, at: entry.value) else { continue }
                rules.patterns.append(SchemaTest.Pattern(matcher: matcher, node: node))
            }
        }
        rules.others = place.parts[.additionalProperties]?.first
        return SchemaRule(
            keyword: keyword, position: value.origin.position, isSecret: value.origin.isSecret, test: .mapMembers(rules)
        )
    }

    private mutating func matcher(_ text: String, at value: ConfigValue) -> ExpressionMatcher? {
        if let known = expressions[text], known.map({ $0.text.hasSameBytes(as: text) }) ?? true { return known }
        let shown = value.origin.isSecret ? "a regular expression" : "the regular expression \(Diagnostic.quoted(text))"
        var matcher: ExpressionMatcher?
        do throws(RegularExpression.Mistake) {
            let expression = try RegularExpression(text, for: .search)
            expressionPositionCount += expression.positionCount
            if expressionPositionCount > index.limits.expressionPositionCount {
                problems.report(
                    .schemaTooLarge, value,
                    found: "expressions of more than \(index.limits.expressionPositionCount) characters",
                    expected: "at most so many, repetitions written out",
                    remedy: "shorten the expressions, such as those that repeat much")
            } else {
                matcher = ExpressionMatcher(expression)
            }
        } catch {
            problems.report(
                .schemaExpression, value, found: shown, expected: "one that can be matched in one pass",
                remedy: error.remedy)
        }
        expressions[text] = .some(matcher)
        return matcher
    }
}

/// Where references lead.
extension SchemaCompiler {
    private struct Target {
        let place: Int
        /// The name of the dynamic anchor that stands there, if the reference ends in it.
        let dynamicAnchor: String?
    }

    private mutating func resolve(_ value: ConfigValue, from place: SchemaPlace) -> Target? {
        guard case .string(let text) = value.content else { return nil }
        let uri = SchemaURI(text).resolved(against: index.resources[place.resource].uri)
        guard let resource = resource(at: uri.withoutFragment, for: value) else { return nil }
        let fragment = uri.fragment ?? ""
        if let tokens = fragment.isEmpty ? [] : uri.pointer {
            guard let target = self.place(at: tokens, below: index.resources[resource].root, for: value) else {
                return nil
            }
            return Target(place: target, dynamicAnchor: nil)
        }
        guard let target = index.resources[resource].anchors[fragment] else {
            let names = index.resources[resource].anchors.keys.sorted()
            reportMissing(value, "the name of an anchor there", among: names, for: fragment)
            return nil
        }
        let isDynamic = index.resources[resource].dynamicAnchors[fragment] == target
        return Target(place: target, dynamicAnchor: isDynamic ? fragment : nil)
    }

    private mutating func resource(at uri: SchemaURI, for value: ConfigValue) -> Int? {
        if let known = index.resource(at: uri) { return known }
        switch index.registry.find(uri) {
        case .nothing:
            problems.report(
                .schemaUnknownReference, value, found: "a reference to \(Diagnostic.quoted(uri.text))",
                expected: "a schema at hand: a file, or what an \"$id\" names",
                remedy: "correct it, or put that schema into a file; nothing is fetched")
            return nil
        case .several(let first, let second):
            problems.report(
                .schemaUnknownReference, value,
                found: "a reference to \(Diagnostic.quoted(uri.text)), which two schemas are called",
                expected: "a reference to one",
                remedy: "change the \"$id\" of one: \(first.schema.origin.position) or \(second.schema.origin.position)"
            )
            return nil
        case .document(let document):
            guard index.add(document.schema, at: SchemaURI(document.uri).withoutFragment, &problems) != nil else {
                return nil
            }
            return index.resource(at: uri)
        }
    }

    /// Follows a JSON Pointer from subschema to subschema.
    private mutating func place(at tokens: [String], below root: Int, for value: ConfigValue) -> Int? {
        var place = root
        var rest = tokens[...]
        while let token = rest.popFirst() {
            let current = index.places[place]
            let keyword = SchemaKeyword(named: token)
            let parts = keyword.flatMap { current.parts[$0] } ?? []
            switch (keyword?.shape, current.schema.map?[token]?.content) {
            case (.subschema?, _) where parts.count == 1: place = parts[0]
            case (.subschemas?, _):
                guard let number = rest.popFirst().flatMap(ConfigPath.index), number < parts.count else {
                    reportMissing(value, "the number of one of \(parts.count) subschemas", among: [], for: token)
                    return nil
                }
                place = parts[number]
            case (.subschemasByKey?, .map(let map)?), (.subschemasByPattern?, .map(let map)?):
                guard let key = rest.popFirst(), let number = map.index(of: key), number < parts.count else {
                    reportMissing(
                        value, "the key of a subschema there", among: map.entries.map(\.key), for: tokens.last ?? "")
                    return nil
                }
                place = parts[number]
            default:
                reportMissing(value, "the place of a subschema", among: [], for: token)
                return nil
            }
        }
        return place
    }

    private mutating func reportMissing(
        _ value: ConfigValue, _ expected: String, among names: [String], for name: String
    ) {
        let nearest = NearestName(to: name, among: names).map { ": \($0.question)" } ?? ""
        problems.report(
            .schemaUnknownReference, value, found: "a reference to \(value.shown), where nothing is",
            expected: expected,
            remedy: "correct it, or put a subschema there" + nearest)
    }
}
