package import Diagnostics
import SPIFFE

extension Mesh {
    package var references: [Reference] { [] }

    package var files: [String] {
        switch identity.authority {
        case .builtIn: []
        case .files(let certificate, let key): [certificate.value, key.value]
        }
    }

    static let descriptor = KindDescriptor(
        Mesh.self, plural: "meshes", standard: standard, decode: Mesh.init,
        columns: [
            Column("TRUST DOMAIN") { $0.trustDomain.name },
            Column("DEFAULT ACTION") { $0.defaultAction.rawValue },
            Column("AUTHORITY") { $0.identity.authority == .builtIn ? "BuiltIn" : "Files" },
            Column("SVID TTL") { $0.identity.svidTTL.manifestText },
            Column("TELEMETRY") { mesh in mesh.telemetryListen.map { "\($0.value)" } ?? "" },
        ],
        sections: { _, set in
            let others = set.kinds.filter { $0 != .mesh }
            return [
                DescriptionSection(
                    key: "resources", name: "Resources", lines: others.map { "\($0.rawValue): \(set.count($0))" })
            ]
        },
        mistakes: { set in set[Mesh.self].first.flatMap { $0.authorityMistake(in: set) }.map { [$0] } ?? [] })

    /// The one of a mesh that writes down none.
    package static let standard = Mesh(
        metadata: Metadata(
            name: ResourceName(namespace: "default", name: "mesh"), position: .place("the default Mesh")))

    /// Who a service account is to others.
    static func identitySection(
        of account: String, in namespace: String, _ set: ResourceSet
    ) -> DescriptionSection {
        let mesh = set[Mesh.self].first ?? standard
        let id = SPIFFEID(trustDomain: mesh.trustDomain, namespace: namespace, serviceAccount: account)
        return DescriptionSection(key: "spiffeID", name: "SPIFFE ID", lines: ["\(id)"])
    }

    private func authorityMistake(in set: ResourceSet) -> Diagnostic? {
        guard set.count(.node) > 1, identity.authority == .builtIn else { return nil }
        let second = set.all(.node).map(\.metadata.position).sorted()[1]
        return Diagnostic(
            .authorityNotShared, at: metadata.position.isInText ? metadata.position : second,
            found: "the built-in authority with \(set.count(.node)) nodes",
            expected: "an authority that all nodes have: each node's built-in one is known to that node alone",
            remedy: "set spec.identity.authority of the Mesh to {type: Files, certificateFile: …, keyFile: …}")
    }
}

extension Diagnostic.Code {
    /// A built-in authority, which is one host's own, in a mesh of several nodes.
    package static let authorityNotShared = Self("manifest.authority-not-shared")
}
