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
    /// `${path}` in its texts stands for the value of that path. Default: in documents, and in nothing that is text by nature.
    package var hasReferences: Bool

    /// What it reads, by its type.
    package enum Backing: Hashable, Sendable {
        /// A map. Its layer is the source's name, and it is secret if the source is.
        case inline(ConfigValue)
        case file(FileSource)
        case folder(FolderSource)
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
    /// Its values are texts by nature.
    package var isText: Bool { backing.isText }

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

extension ConfigSource.Backing {
    package var isText: Bool {
        switch self {
        case .environment, .folder, .etcd: true
        case .file(let file): file.format == .dotenv
        case .http(let http): http.format == .dotenv
        case .inline: false
        }
    }
}

/// One document.
package struct FileSource: Hashable, Sendable {
    /// Absolute, or relative to the manifests folder.
    package var path: Located<String>
    /// Default: by the path's extension.
    package var format: ConfigFormat
    /// Of one in dotenv.
    package var names = DotenvNames()
}

/// Small files, each of which is the text of a value.
package struct FolderSource: Hashable, Sendable {
    /// Absolute, or relative to the manifests folder.
    package var path: Located<String>
    package var types: TextTypes
}

/// What the names in a dotenv document mean, which are a variable's.
package struct DotenvNames: Hashable, Sendable {
    /// What the names of those that count begin with. Default: all count.
    package var prefix = ""
    /// The prefix is no part of a key. Default: so it is.
    package var isStripped = true
    /// What stands between the keys of a path; `nil`: nothing does, and a name is a key as it is written. Default: that.
    package var separator: String?
    package var types = TextTypes.text

    package init() {}
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
    package var types: TextTypes

    package init(prefix: String, isStripped: Bool, separator: String, types: TextTypes) {
        self.prefix = prefix
        self.isStripped = isStripped
        self.separator = separator
        self.types = types
    }
}

/// What is text by nature is taken for so, where no schema says it.
package enum TextTypes: String, Hashable, Sendable, CaseIterable {
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
    /// Of one in dotenv.
    package var names = DotenvNames()
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
    package var types: TextTypes
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
