import ConfigFormats
import ConfigValues
import Diagnostics
import ServiceContracts

/// What all sources say of what they read.
struct SourceLabel: Sendable {
    /// `namespace/name` of the ConfigSource.
    let layer: String
    let isSecret: Bool

    func origin(_ file: String) -> TextOrigin { TextOrigin(layer: layer, file: file, isSecret: isSecret) }

    /// A document: a map, in whatever format; one that says nothing at all is an empty one.
    func document(
        _ bytes: [UInt8], _ format: ConfigFormat, from file: String, version: String? = nil
    ) -> ConfigSourceNews {
        let value: ConfigValue
        do throws(InvalidText) {
            value = try format.read(bytes, of: origin(file))
        } catch {
            return .failure(error.diagnostics)
        }
        switch value.content {
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

    /// - Parameter place: As `SourcePosition.place` takes it.
    func away(_ place: String, _ reason: String, expected: String, remedy: String) -> ConfigSourceNews {
        .failure([
            Diagnostic(.sourceAway, at: .place(place), found: reason, expected: expected, remedy: remedy)
        ])
    }
}
