import Authorization
import Diagnostics
package import Manifests

/// A service that Heddle answers for itself, on the node that it is called on. Its calls are planned and judged as all are; it has no
/// endpoint, no gateway's route leads to it, and no other node can ask for it.
package enum InnerService: String, CaseIterable, Sendable {
    case config

    /// What `heddle run` answers for.
    package static let served: [InnerService] = [.config]

    package var name: ResourceName { ResourceName(namespace: ReservedNames.namespace, name: rawValue) }

    /// The one that is meant by a host in canonical form, or as `namespace/name`.
    package init?(named text: String, among inner: [InnerService]) {
        guard let found = inner.first(where: { $0.host == text || "\($0.name)" == text }) else { return nil }
        self = found
    }

    /// What it is called by: `config.mesh`.
    package var host: String { "\(rawValue).\(ReservedNames.namespace)" }

    /// As if a manifest had said so.
    var service: Service {
        Service(
            metadata: Metadata(name: name, position: position), protocol: .http, hostnames: [],
            // What is below a resource may have any name.
            escapedSlashes: .keep, endpoints: [])
    }

    /// Its door is open to whoever proves to be of the mesh. What of a resource one may have, the resource's own rules say.
    var policy: AuthorizationPolicy {
        var source = PolicySource()
        source.principals = ValueMatch(values: [Located(.present, at: position)])
        return AuthorizationPolicy(
            metadata: Metadata(name: name, position: position),
            targets: .services([Located(rawValue, at: position)]), action: .allow,
            rules: [PolicyRule(from: [source], position: Located(0, at: position))])
    }

    private var position: SourcePosition { .place("Heddle's own \(host)") }
}
