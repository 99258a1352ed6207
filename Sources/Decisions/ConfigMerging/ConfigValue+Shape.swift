import ConfigValues

extension ConfigValue {
    /// What matters to a merge of what a value is.
    enum Shape: Sendable {
        /// Removes what lower layers have.
        case null
        case scalar
        case list
        case map
        /// A text that is one reference: of which type it will be is not known yet.
        case reference
    }

    var shape: Shape {
        switch content {
        case .null: .null
        case .boolean, .number: .scalar
        case .string(let text): !origin.isLiteral && ReferenceTemplate.isWhole(text) ? .reference : .scalar
        case .list: .list
        case .map: .map
        }
    }

    /// What stands below a key of a map, or an index of a list.
    func child(_ key: String) -> ConfigValue? {
        switch content {
        case .null, .boolean, .number, .string: nil
        case .list(let items): ConfigPath.index(key).flatMap { $0 < items.count ? items[$0] : nil }
        case .map(let map): map[key]
        }
    }

    /// Null is no value of a key. As an item of a list it is one: without it the others would have other places.
    var withoutNulls: ConfigValue {
        guard hasNulls else { return self }
        switch content {
        case .null, .boolean, .number, .string: return self
        case .list(let items): return ConfigValue(.list(items.map(\.withoutNulls)), origin: origin)
        case .map(let map):
            let entries = map.entries.compactMap { entry in
                entry.value.shape == .null
                    ? nil : ConfigMap.Entry(entry.key, entry.value.withoutNulls, keyPosition: entry.keyPosition)
            }
            return ConfigValue(.map(ConfigMap(inOrder: entries)), origin: origin)
        }
    }

    private var hasNulls: Bool {
        switch content {
        case .null, .boolean, .number, .string: return false
        case .list(let items): return items.contains(where: \.hasNulls)
        case .map(let map):
            return map.entries.contains { entry in
                if case .null = entry.value.content { true } else { entry.value.hasNulls }
            }
        }
    }
}
