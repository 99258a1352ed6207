/// What a document of a config is written in.
package enum ConfigFormat: String, Hashable, Sendable, CaseIterable {
    case yaml = "YAML"
    case json = "JSON"
    case toml = "TOML"
    case dotenv

    /// By the end of a file's name. `.env.local` and its like are dotenv, too.
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
}
