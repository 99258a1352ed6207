package import ConfigValues

/// What the values of a config are written in. All of them say what JSON can say, and nothing else
/// (`docs/reference/config-values.md`).
package enum ConfigFormat: String, CaseIterable, Sendable {
    case yaml = "YAML"
    case json = "JSON"
    case toml = "TOML"
    case dotenv = "dotenv"

    /// By the end of a file's name: `.yaml`, `.yml`, `.json`, `.toml`, `.env`, whether letters are large or small. `.env.local` and
    /// its like are dotenv, too.
    /// - Returns: `nil`: it says nothing.
    package init?(fileName: String) {
        let name = fileName.split(separator: "/").last?.lowercased() ?? ""
        let endings: [(String, ConfigFormat)] = [
            (".yaml", .yaml), (".yml", .yaml), (".json", .json), (".toml", .toml), (".env", .dotenv),
        ]
        if let known = endings.first(where: { name.hasSuffix($0.0) }) {
            self = known.1
        } else if name.hasPrefix(".env.") {
            self = .dotenv
        } else {
            return nil
        }
    }

    /// What a text says.
    /// - Throws: All mistakes that can be told.
    package func read(
        _ bytes: [UInt8], of origin: TextOrigin, limits: ConfigLimits = ConfigLimits()
    ) throws(InvalidText) -> ConfigValue {
        switch self {
        case .yaml: try YAMLConfig.read(bytes, of: origin, limits)
        case .json: try JSONReader.read(bytes.span, of: origin, limits: limits)
        case .toml: try TOMLConfig.read(bytes, of: origin, limits)
        case .dotenv: try DotenvConfig.read(bytes.span, of: origin, limits)
        }
    }

    /// The text that says the value, ending in a line break. The same value has the same text.
    /// - Throws: It has what the format cannot say.
    package func write(_ value: ConfigValue) throws(UnwritableValue) -> [UInt8] {
        switch self {
        case .yaml: Array(YAMLConfig.text(value).utf8)
        case .json: value.json(.pretty) + [UInt8(ascii: "\n")]
        case .toml: try TOMLText.written(value)
        case .dotenv: try DotenvText.written(value)
        }
    }
}

/// What a format has no way to say.
package struct UnwritableValue: Error, Hashable {
    package let path: ConfigPath
    /// Without the value itself, which may be secret.
    package let found: String
    package let expected: String
    package let remedy: String
}
