import ConfigValues
import Diagnostics

/// A subschema where it stands, before it is compiled.
struct SchemaPlace {
    let schema: ConfigValue
    /// The one it belongs to, of the index.
    let resource: Int
    /// By keyword: the subschemas below, as they stand there, those of a map by its keys' order.
    var parts: [SchemaKeyword: [Int]] = [:]
}

/// A schema that has a URI of its own, with all below that has none (core, § 4.3.5).
struct SchemaResource {
    let uri: SchemaURI
    /// Of the index's places.
    let root: Int
    let dialect: SchemaDialect
    /// Whether the one around it has the same, so that whoever checks that one by its metaschema has checked this.
    let isPartOfDialect: Bool
    /// Names that references may end in: `$anchor` and `$dynamicAnchor`.
    var anchors: [String: Int] = [:]
    var dynamicAnchors: [String: Int] = [:]
}

/// All subschemas of a schema and of what it refers to: each is found by its URI.
struct SchemaIndex {
    let limits: SchemaLimits
    let registry: SchemaRegistry
    private(set) var places: [SchemaPlace] = []
    private(set) var resources: [SchemaResource] = []
    private var byURI: [String: Int] = [:]
    private var byteCount = 0
    private var dialects: [String: SchemaDialect?] = [:]

    init(_ registry: SchemaRegistry, _ limits: SchemaLimits) {
        self.registry = registry
        self.limits = limits
    }

    /// - Returns: Of `resources`.
    func resource(at uri: SchemaURI) -> Int? { byURI[uri.text] }

    /// Takes in a whole document.
    /// - Parameter uri: Where it was found.
    /// - Returns: Its place; `nil`: it is too large.
    mutating func add(_ schema: ConfigValue, at uri: SchemaURI, _ problems: inout SchemaProblems) -> Int? {
        guard measure(schema, depth: 0, &problems) else { return nil }
        let resourceCount = resources.count
        guard let place = add(schema, in: nil, base: uri, &problems) else { return nil }
        // It is both: what it calls itself, and where it was found.
        if byURI[uri.text] == nil { byURI[uri.text] = resourceCount }
        return place
    }

    /// Whether there is room for it; it calls itself for each level.
    private mutating func measure(_ value: ConfigValue, depth: Int, _ problems: inout SchemaProblems) -> Bool {
        guard depth <= limits.depth else {
            problems.report(
                .schemaTooLarge, value, found: "lists and maps nested deeper than \(limits.depth)",
                expected: "at most \(limits.depth) levels", remedy: "put what is below into \"$defs\", and refer to it")
            return false
        }
        byteCount += 1
        switch value.content {
        case .null, .boolean, .number: break
        case .string(let text): byteCount += text.utf8.count
        case .list(let items):
            for item in items {
                guard measure(item, depth: depth + 1, &problems) else { return false }
            }
        case .map(let map):
            for entry in map.entries {
                byteCount += entry.key.utf8.count
                guard measure(entry.value, depth: depth + 1, &problems) else { return false }
            }
        }
        guard byteCount <= limits.byteCount else {
            problems.report(
                .schemaTooLarge, value, found: "a schema of more than \(limits.byteCount) bytes",
                expected: "at most so many, with all that it refers to", remedy: "make it smaller from here on")
            return false
        }
        return true
    }

    private mutating func add(
        _ schema: ConfigValue, in resource: Int?, base: SchemaURI, _ problems: inout SchemaProblems
    ) -> Int? {
        guard places.count < limits.subschemaCount else {
            problems.report(
                .schemaTooLarge, schema, found: "more than \(limits.subschemaCount) subschemas",
                expected: "at most so many, with all that is referred to",
                remedy: "make the schema smaller from here on")
            return nil
        }
        let place = places.count
        let own = self.resource(of: schema, at: place, in: resource, base: base, &problems)
        places.append(SchemaPlace(schema: schema, resource: own))
        switch schema.content {
        case .boolean: return place
        case .map(let map): return addParts(of: map, at: place, in: own, &problems) ? place : nil
        default:
            problems.report(
                .schemaInvalid, schema, expected: "a schema: a map, true or false", remedy: "write one")
            return place
        }
    }

    /// The resource that a subschema belongs to: one of its own if it says a URI.
    private mutating func resource(
        of schema: ConfigValue, at place: Int, in parent: Int?, base: SchemaURI, _ problems: inout SchemaProblems
    ) -> Int {
        let id = schema.map?[SchemaKeyword.id.rawValue]
        let name: SchemaURI? =
            if case .string(let text)? = id?.content { SchemaURI(text).resolved(against: base).withoutFragment } else {
                nil
            }
        let dialect = dialect(of: schema, in: parent, isResource: name != nil || parent == nil, &problems)
        if let parent, name == nil { return parent }
        let uri = name ?? base
        resources.append(
            SchemaResource(
                uri: uri, root: place, dialect: dialect,
                isPartOfDialect: parent.map { resources[$0].dialect == dialect } ?? false))
        if byURI[uri.text] == nil {
            byURI[uri.text] = resources.count - 1
        } else if let id {
            problems.report(
                .schemaInvalid, id, found: "\(id.shown) a second time", expected: "another URI for each schema",
                remedy: "change this one, or the other")
        }
        return resources.count - 1
    }

    private mutating func dialect(
        of schema: ConfigValue, in parent: Int?, isResource: Bool, _ problems: inout SchemaProblems
    ) -> SchemaDialect {
        let inherited = parent.map { resources[$0].dialect } ?? .standard
        guard let name = schema.map?[SchemaKeyword.schema.rawValue], case .string(let text) = name.content else {
            return inherited
        }
        guard isResource || SchemaURI(text).withoutFragment.text == inherited.uri else {
            problems.report(
                .schemaInvalid, name, found: "\"$schema\" in a part of a schema",
                expected: "it at the top, or beside an \"$id\"", remedy: "remove it here")
            return inherited
        }
        if let known = dialects[text] { return known ?? inherited }
        let dialect = SchemaDialect(name, in: registry, &problems)
        dialects[text] = .some(dialect)
        return dialect ?? inherited
    }

    private mutating func addParts(
        of map: ConfigMap, at place: Int, in resource: Int, _ problems: inout SchemaProblems
    ) -> Bool {
        let dialect = resources[resource].dialect
        for entry in map.entries {
            guard let keyword = SchemaKeyword(named: entry.key) else {
                warn(of: entry, &problems)
                continue
            }
            guard dialect.knows(keyword) else { continue }
            if keyword.vocabulary == nil, keyword != .definitions { warn(of: entry, &problems) }
            keyword.shape.check(entry.value, of: keyword, &problems)
            guard addSubschemas(entry.value, of: keyword, at: place, in: resource, &problems) else { return false }
            addAnchor(entry.value, of: keyword, at: place, in: resource, &problems)
        }
        return true
    }

    private mutating func addSubschemas(
        _ value: ConfigValue, of keyword: SchemaKeyword, at place: Int, in resource: Int,
        _ problems: inout SchemaProblems
    ) -> Bool {
        let schemas: [ConfigValue] =
            switch (keyword.shape, value.content) {
            case (.subschema, .map), (.subschema, .boolean): [value]
            case (.subschemas, .list(let items)): items
            case (.subschemasByKey, .map(let map)), (.subschemasByPattern, .map(let map)): map.entries.map(\.value)
            case (.dependencies, .map(let map)): map.entries.map(\.value).filter { $0.list == nil }
            default: []
            }
        var parts: [Int] = []
        for schema in schemas {
            guard let part = add(schema, in: resource, base: resources[resource].uri, &problems) else { return false }
            parts.append(part)
        }
        if !parts.isEmpty { places[place].parts[keyword] = parts }
        return true
    }

    private mutating func addAnchor(
        _ value: ConfigValue, of keyword: SchemaKeyword, at place: Int, in resource: Int,
        _ problems: inout SchemaProblems
    ) {
        guard keyword == .anchor || keyword == .dynamicAnchor, case .string(let name) = value.content else { return }
        if let other = resources[resource].anchors[name], other != place {
            problems.report(
                .schemaInvalid, value, found: "the anchor \(value.shown) a second time",
                expected: "each once in a schema", remedy: "change this one, or the other")
        }
        resources[resource].anchors[name] = place
        if keyword == .dynamicAnchor { resources[resource].dynamicAnchors[name] = place }
    }

    /// A keyword that nobody knows is an annotation; one that only looks as if it meant something is told.
    private func warn(of entry: ConfigMap.Entry, _ problems: inout SchemaProblems) {
        let former = [
            "dependencies": "dependentSchemas\" or \"dependentRequired", "additionalItems": "items",
            "$recursiveRef": "$dynamicRef", "$recursiveAnchor": "$dynamicAnchor",
        ]
        let remedy: String
        if let name = former[entry.key] {
            remedy = "write \"\(name)\", which draft 2020-12 has instead"
        } else if !entry.key.hasPrefix("x-"),
            let nearest = NearestName(to: entry.key, among: SchemaKeyword.allCases.map(\.rawValue))
        {
            remedy = nearest.remedy
        } else {
            return
        }
        problems.add(
            Diagnostic(
                .schemaUnknownKeyword, .warning, at: entry.position,
                found: "the keyword \(Diagnostic.quoted(entry.key)), which means nothing",
                expected: "a keyword of draft 2020-12", remedy: remedy))
    }
}
