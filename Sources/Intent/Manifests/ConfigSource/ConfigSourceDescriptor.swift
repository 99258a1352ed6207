package import Diagnostics

extension ConfigSource {
    package var references: [Reference] { [] }

    /// What it is read with. What is read is watched by who reads it: a change there is none of the mesh.
    package var files: [String] {
        switch backing {
        case .inline, .file, .folder, .environment: []
        case .http(let http): http.headers.map(\.file.value) + [http.caFile?.value].compactMap { $0 }
        case .etcd(let etcd):
            [
                etcd.tls.caFile, etcd.tls.certificate?.certFile, etcd.tls.certificate?.keyFile, etcd.user?.passwordFile,
            ].compactMap { $0?.value }
        }
    }

    static let descriptor = KindDescriptor(
        ConfigSource.self, short: ["cs"], decode: ConfigSource.init,
        columns: [
            Column("TYPE") { $0.type.rawValue },
            Column("FROM") { $0.place },
            Column("SECRET") { $0.isSecret ? "yes" : "" },
            Column("CONFIGS") { source, set in String(source.configs(in: set).count) },
        ],
        sections: { source, set in
            [
                DescriptionSection(
                    key: "configs", name: "Read by",
                    lines: source.configs(in: set).map { "Config \($0.metadata.name) (\($0.metadata.position))" })
            ]
        },
        mistakes: { set in set[ConfigSource.self].flatMap(\.readableSecrets) })

    private func configs(in set: ResourceSet) -> [Config] {
        set.referrers(Config.self, of: self, by: Config.sourcesField)
    }

    /// Where its values are, in short.
    private var place: String {
        switch backing {
        case .inline: "\(metadata.position.file)"
        case .file(let file): file.path.value
        case .folder(let folder): folder.path.value
        case .environment(let environment): "\(environment.prefix)*"
        case .http(let http): "\(http.url.value)"
        case .etcd(let etcd): etcd.endpoints.map { "\($0.value)" }.joined(separator: ",") + etcd.prefix
        }
    }

    /// What it says who Heddle is with, and sends so that others can read along.
    private var readableSecrets: [Diagnostic] {
        let secret: Located<String>
        let url: EndpointURL
        switch backing {
        case .http(let http):
            guard let header = http.headers.first else { return [] }
            (secret, url) = (header.file, http.url.value)
        case .etcd(let etcd):
            guard let user = etcd.user, let endpoint = etcd.endpoints.first(where: { !$0.value.isPrivate }) else {
                return []
            }
            (secret, url) = (user.passwordFile, endpoint.value)
        case .inline, .file, .folder, .environment: return []
        }
        guard !url.isPrivate else { return [] }
        return [
            Diagnostic(
                .readableSecret, .warning, at: secret.position,
                found: "what this file holds, sent to \(Diagnostic.quoted("\(url)")) without TLS",
                expected: "a URL of https, or one of this host: whoever is between the two reads along",
                remedy: "change the URL to https")
        ]
    }
}

extension Diagnostic.Code {
    /// A Config names a ConfigSource that is not there.
    package static let unknownConfigSource = Self("manifest.unknown-config-source")
    /// A password or a token that is sent to another host without TLS.
    package static let readableSecret = Self("manifest.readable-secret")
}
