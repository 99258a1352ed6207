import ConfigFormats
import ConfigValues
import Diagnostics
import Manifests
import ServiceContracts

/// What all sources say of what they read.
struct SourceLabel: Sendable {
    /// `namespace/name` of the ConfigSource.
    let layer: String
    let isSecret: Bool
    /// Its texts are what they are: there are no references in them.
    var isLiteral = false

    func origin(_ file: String) -> TextOrigin {
        TextOrigin(layer: layer, file: file, isSecret: isSecret, isLiteral: isLiteral)
    }

    /// A document: a map, in whatever format; one that says nothing at all is an empty one.
    /// - Parameter names: What the names mean of one in dotenv.
    func document(
        _ bytes: [UInt8], _ format: ConfigFormat, _ names: DotenvNames, from file: String, version: String? = nil
    ) -> ConfigSourceNews {
        let value: ConfigValue
        do throws(InvalidText) {
            value = try format.read(bytes, of: origin(file))
        } catch {
            return .failure(error.diagnostics)
        }
        switch value.content {
        case .map(let map) where format == .dotenv && names != DotenvNames():
            return tree(of: map, names, at: value.origin.position, version)
        case .map: return .tree(ConfigSourceTree(value, version: version))
        case .null:
            return .tree(ConfigSourceTree(ConfigValue(.map(ConfigMap()), origin: value.origin), version: version))
        default:
            return .failure([
                Diagnostic(
                    .sourceNoMap, at: value.origin.position, found: value.typeName,
                    expected: "a map: the keys of a config, with their values", remedy: "put it below a key")
            ])
        }
    }

    private func tree(
        of map: ConfigMap, _ names: DotenvNames, at position: SourcePosition, _ version: String?
    ) -> ConfigSourceNews {
        let tree = TextTree(source: self, isInferred: names.types == .infer, noun: "a name", position: position)
        let leaves = map.entries.compactMap { entry -> TextTree.Leaf? in
            guard case .string(let text) = entry.value.content, entry.key.hasPrefix(names.prefix) else { return nil }
            let counting = names.isStripped ? entry.key.dropFirst(names.prefix.count) : entry.key[...]
            let path =
                names.separator.map { VariableName.path(counting, separator: $0) }
                ?? (counting.isEmpty ? [] : [String(counting)])
            return path.isEmpty
                ? nil
                : TextTree.Leaf(path: path, text: Array(text.utf8), position: entry.value.origin.position)
        }
        return tree.news(leaves, version: version)
    }

    /// - Parameter place: As `SourcePosition.place` takes it.
    func away(_ place: String, _ reason: String, expected: String, remedy: String) -> ConfigSourceNews {
        .failure([
            Diagnostic(.sourceAway, at: .place(place), found: reason, expected: expected, remedy: remedy)
        ])
    }
}
