extension ConfigValue {
    /// As it may be shown to whoever may not see secrets: keys as they are, `(secret)` for each secret value.
    ///
    /// Lists and maps are as secret as what is in them; an empty one is a value of its own.
    package var redacted: ConfigValue {
        switch content {
        case .list(let items) where !items.isEmpty:
            ConfigValue(.list(items.map(\.redacted)), origin: origin)
        case .map(let map) where !map.isEmpty:
            ConfigValue(
                .map(
                    ConfigMap(
                        inOrder: map.entries.map {
                            ConfigMap.Entry($0.key, $0.value.redacted, keyPosition: $0.keyPosition)
                        })), origin: origin)
        case .null, .boolean, .number, .string, .list, .map:
            origin.isSecret ? ConfigValue(.string("(secret)"), origin: origin) : self
        }
    }

    /// Whether it, or anything in it, is secret.
    package var holdsSecrets: Bool {
        switch content {
        case .list(let items) where !items.isEmpty: items.contains(where: \.holdsSecrets)
        case .map(let map) where !map.isEmpty: map.entries.contains { $0.value.holdsSecrets }
        case .null, .boolean, .number, .string, .list, .map: origin.isSecret
        }
    }

    /// The same, secret with all that is in it.
    package var asSecret: ConfigValue {
        let content: Content =
            switch content {
            case .list(let items): .list(items.map(\.asSecret))
            case .map(let map):
                .map(
                    ConfigMap(
                        inOrder: map.entries.map {
                            ConfigMap.Entry($0.key, $0.value.asSecret, keyPosition: $0.keyPosition)
                        }))
            case .null, .boolean, .number, .string: content
            }
        return ConfigValue(
            content,
            origin: ValueOrigin(
                layer: origin.layer, position: origin.position, isSecret: true, isLiteral: origin.isLiteral))
    }
}
