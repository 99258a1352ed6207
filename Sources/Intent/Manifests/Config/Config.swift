package import ConfigValues

extension ResourceKind {
    package static let config = Self("Config")
}

/// What an application reads: values of several sources as one, evaluated on each node that has a reader.
package struct Config: Resource {
    package static let kind = ResourceKind.config
    package var metadata: Metadata
    /// Later ones over earlier ones; each once. `name` means the Config's namespace.
    package var sources: [Located<ResourceName>]
    /// Lists that are merged item by item instead of replaced; each once.
    package var mergeKeys: [MergeKey]
    /// Under everything; a map, of layer `defaults`.
    package var defaults: ConfigValue?
    /// Each path once.
    package var fallbacks: [Fallback]
    /// What a value must be before anybody sees it.
    package var schema: Schema?
    /// Files that are kept as the values are; each path once.
    package var projections: [ConfigProjection]
    /// Of a past value that holds instead: 12 to 64 hexadecimal digits, the beginning of its hash.
    package var pinnedRevision: Located<String>?
}

extension Config {
    /// Items of a list of maps are the same one if they have the same value there.
    package struct MergeKey: Hashable, Sendable {
        package var path: Located<ConfigPath>
        /// Of the maps.
        package var key: String
    }

    /// Where a value is taken from that no source has: the first of these paths that has one.
    package struct Fallback: Hashable, Sendable {
        package var path: Located<ConfigPath>
        /// None is, is above or is below `path`.
        package var from: [Located<ConfigPath>]
    }

    /// JSON Schema 2020-12.
    package enum Schema: Hashable, Sendable {
        /// A map, of layer `schema`. References are relative to the manifests folder.
        case inline(ConfigValue)
        /// Absolute, or relative to the manifests folder. References are relative to the file.
        case file(Located<String>)
    }
}
