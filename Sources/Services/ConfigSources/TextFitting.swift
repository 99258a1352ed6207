import ConfigFormats
package import ConfigValues
import Diagnostics
import YAMLSyntax

/// Fits what is text by nature (variables, small files, keys of etcd) to what a config says of itself: keys to the ones that other layers
/// have, texts to the types that its schema demands.
package struct TextFitting {
    /// Keys are compared without case, `-` and `_`: variables cannot have other ones.
    package var fitsKeys: Bool
    /// A JSON Schema.
    package var schema: ConfigValue?
    /// The other layers' trees.
    package var others: [ConfigValue]

    package init(fitsKeys: Bool, schema: ConfigValue?, others: [ConfigValue]) {
        self.fitsKeys = fitsKeys
        self.schema = schema
        self.others = others
    }

    package func fit(_ tree: ConfigValue) -> ConfigValue { fit(tree, schema.map { SchemaPlace($0) }, others) }

    private func fit(_ value: ConfigValue, _ schema: SchemaPlace?, _ others: [ConfigValue]) -> ConfigValue {
        switch value.content {
        case .map(let map):
            var fitted = ConfigMap()
            for entry in map.entries {
                let key = fitsKeys ? known(entry.key, schema, others) ?? entry.key : entry.key
                let next = fit(entry.value, schema?.property(key), others.compactMap { $0.map?[key] })
                // Two variables for one key: the one that is written as the key is counts.
                if fitted[key] == nil || key.hasSameBytes(as: entry.key) { fitted[key] = next }
            }
            return ConfigValue(.map(fitted), origin: value.origin)
        case .list(let items):
            let fitted = items.enumerated().map { index, item in
                fit(
                    item, schema?.item(index),
                    others.compactMap { $0.list.flatMap { index < $0.count ? $0[index] : nil } })
            }
            return ConfigValue(.list(fitted), origin: value.origin)
        case .string(let text): return typed(text, schema?.types, value.origin) ?? value
        default: return value
        }
    }

    /// The key that is meant, of those that there are.
    private func known(_ key: String, _ schema: SchemaPlace?, _ others: [ConfigValue]) -> String? {
        let plain = Self.plain(key)
        for map in others.compactMap(\.map) + (schema?.maps ?? []) {
            if let entry = map.entries.first(where: { Self.plain($0.key) == plain }) { return entry.key }
        }
        return nil
    }

    private static func plain(_ key: String) -> String { key.lowercased().filter { $0 != "-" && $0 != "_" } }

    /// As YAML's core schema reads it, if the schema's type is one that text is not.
    private func typed(_ text: String, _ types: Set<String>?, _ origin: ValueOrigin) -> ConfigValue? {
        guard let types, !types.isEmpty, !types.contains("string") else { return nil }
        let wanted =
            switch YAMLScalar(text: text, isPlain: true).kind {
            case .number: types.contains("integer") || types.contains("number")
            case .boolean: types.contains("boolean")
            case .null: types.contains("null")
            case .string: false
            }
        guard wanted else { return nil }
        let source = TextOrigin(layer: origin.layer, file: origin.position.file, isSecret: origin.isSecret)
        guard let value = try? ConfigFormat.yaml.read(Array(text.utf8), of: source) else { return nil }
        return ConfigValue(value.content, origin: origin)
    }
}
