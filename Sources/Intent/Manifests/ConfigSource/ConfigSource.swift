package import ConfigFormats
package import ConfigValues

extension ResourceKind {
    package static let configSource = Self("ConfigSource")
}

/// Where values of configs come from. What is made of them says a Config.
package struct ConfigSource: Resource {
    package static let kind = ResourceKind.configSource
    package var metadata: Metadata
    package var backing: Backing
    /// Configs are ready without it. Default: no.
    package var isOptional: Bool
    /// What becomes of its values while it cannot be read. Default: `.keepLast`.
    package var onError: SourceErrorAction
    /// Its values are shown to nobody but who may read them. Default: no.
    package var isSecret: Bool

    /// What it reads, by its type.
    package enum Backing: Hashable, Sendable {
        /// A map. Its layer is the source's name, and it is secret if the source is.
        case inline(ConfigValue)
        case file(FileSource)
        /// A folder's path, absolute or relative to the manifests folder.
        case folder(Located<String>)
        case environment(EnvironmentSource)
        case http(HTTPSource)
        case etcd(EtcdSource)
    }
}

package enum SourceType: String, Hashable, Sendable, CaseIterable {
    case inline = "Inline"
    case file = "File"
    case folder = "Folder"
    case environment = "Environment"
    case http = "HTTP"
    case etcd = "Etcd"
}

package enum SourceErrorAction: String, Hashable, Sendable, CaseIterable {
    case keepLast = "KeepLast"
    case drop = "Drop"
}

extension ConfigSource {
    package var type: SourceType {
        switch backing {
        case .inline: .inline
        case .file: .file
        case .folder: .folder
        case .environment: .environment
        case .http: .http
        case .etcd: .etcd
        }
    }
}

/// One document.
package struct FileSource: Hashable, Sendable {
    /// Absolute, or relative to the manifests folder.
    package var path: Located<String>
    /// Default: by the path's extension.
    package var format: ConfigFormat
}

/// Variables of the environment that Heddle was started with.
package struct EnvironmentSource: Hashable, Sendable {
    /// What the names of those that count begin with.
    package var prefix: String
    /// The prefix is no part of a key. Default: so it is.
    package var isStripped: Bool
    /// What stands between the keys of a path: underscores. Default: one.
    package var separator: String
    /// Default: `.text`.
    package var types: EnvironmentTypes

    package init(prefix: String, isStripped: Bool, separator: String, types: EnvironmentTypes) {
        self.prefix = prefix
        self.isStripped = isStripped
        self.separator = separator
        self.types = types
    }
}

/// What a variable's text is taken for, where no schema says it.
package enum EnvironmentTypes: String, Hashable, Sendable, CaseIterable {
    case text = "Text"
    /// Numbers, truth values and null, as YAML would read them.
    case infer = "Infer"
}

/// One document, asked for again and again.
package struct HTTPSource: Hashable, Sendable {
    package var url: Located<EndpointURL>
    /// 1s to 24h. Default: 30s.
    package var interval: Duration
    /// Default: by the extension of the URL's path.
    package var format: ConfigFormat
    /// Sent with each request.
    package var headers: [HeaderFromFile]
    /// Whose certificates it may have; `nil`: those that the host trusts.
    package var caFile: Located<String>?
}

/// A header whose value is what a file holds, without the line break at its end.
package struct HeaderFromFile: Hashable, Sendable {
    /// In lower case.
    package var name: Located<String>
    package var file: Located<String>
}

/// All keys below a prefix.
package struct EtcdSource: Hashable, Sendable {
    /// All with TLS, or all without. No paths.
    package var endpoints: [Located<EndpointURL>]
    /// Begins with `/`. What follows it in a key, divided at each `/`, is the path of a value.
    package var prefix: String
    package var tls: EtcdTLS
    /// With the file that its password stands in.
    package var user: EtcdUser?
}

/// Files in PEM.
package struct EtcdTLS: Hashable, Sendable {
    /// Whose certificates the endpoints may have; `nil`: those that the host trusts.
    package var caFile: Located<String>?
    /// What Heddle says who it is with; `nil`: nothing.
    package var certificate: ClientCertificate?

    package struct ClientCertificate: Hashable, Sendable {
        package var certFile: Located<String>
        package var keyFile: Located<String>
    }
}

package struct EtcdUser: Hashable, Sendable {
    package var name: Located<String>
    package var passwordFile: Located<String>
}
