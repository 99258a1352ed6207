/// A name that is called.
package struct Service: Resource {
    package static let kind = ResourceKind.service
    package var metadata: Metadata
    /// Exact names in canonical form, besides `name`, `name.namespace` and `name.namespace.mesh`.
    package var hostnames: [Located<String>]
    /// What happens to `%2F` and `%5C` in a path. Default: `.reject`.
    package var escapedSlashes: EscapedSlashes
    /// Where a service outside the mesh is; empty for one that workloads implement.
    package var endpoints: [Located<SocketAddress>]
}

package enum EscapedSlashes: String, Hashable, Sendable, CaseIterable {
    case reject = "Reject"
    case keep = "Keep"
}
