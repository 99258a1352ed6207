import ConfigValues

/// What a JSON Schema says of one place, as far as that holds whatever value is there: what stands there itself, and what `$ref` and `allOf` lead
/// to within the document. References to other documents, and what depends on the value (`anyOf`, `if`), say nothing here.
struct SchemaPlace {
    private let root: ConfigValue
    /// All of them hold.
    private let schemas: [ConfigMap]

    /// Schemas of one place. Default: 64: what lies beyond says nothing.
    private static let limit = 64

    init(_ root: ConfigValue) { self.init(root, [root]) }

    private init(_ root: ConfigValue, _ schemas: [ConfigValue]) {
        self.root = root
        var found: [ConfigMap] = []
        var waiting = schemas[...]
        var seen: Set<ConfigPath> = []
        while let next = waiting.popFirst(), found.count < Self.limit {
            guard let map = next.map else { continue }
            found.append(map)
            waiting += (map["allOf"]?.list ?? []).prefix(Self.limit)
            guard case .string(let text)? = map["$ref"]?.content, text.hasPrefix("#"),
                let path = ConfigPath(pointer: String(text.dropFirst())), seen.insert(path).inserted,
                let target = root[path]
            else { continue }
            waiting.append(target)
        }
        self.schemas = found
    }

    /// What lies below a key of a map; `nil`: nothing is said of it.
    func property(_ key: String) -> SchemaPlace? {
        place(
            schemas.compactMap { schema in
                if let own = schema["properties"]?.map?[key] { return own }
                // Whether one of these is meant, only an expression tells.
                return schema["patternProperties"] == nil ? schema["additionalProperties"] : nil
            })
    }

    /// What an item of a list is to be.
    func item(_ index: Int) -> SchemaPlace? {
        place(
            schemas.compactMap { schema in
                let first = schema["prefixItems"]?.list ?? []
                return index < first.count ? first[index] : schema["items"]
            })
    }

    private func place(_ schemas: [ConfigValue]) -> SchemaPlace? {
        schemas.isEmpty ? nil : SchemaPlace(root, schemas)
    }

    /// Keys that are named, of all schemas.
    var maps: [ConfigMap] { schemas.compactMap { $0["properties"]?.map } }

    /// Types that a value may have; `nil`: nothing is said of them.
    var types: Set<String>? {
        var types: Set<String>?
        for type in schemas.compactMap({ $0["type"] }) {
            let names = (type.list ?? [type]).compactMap { type -> String? in
                if case .string(let name) = type.content { name } else { nil }
            }
            // Each whole number is a number.
            let own = Set(names.contains("number") ? names + ["integer"] : names)
            types = types.map { $0.intersection(own) } ?? own
        }
        return types
    }
}
