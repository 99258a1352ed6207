extension ResourceKind {
    package static let service = Self("Service")
}

/// A name that is called.
package struct Service: Resource {
    package static let kind = ResourceKind.service
    package var metadata: Metadata
    /// What its workloads speak. Default: `.http`.
    package var `protocol`: ServiceProtocol
    /// Exact names in canonical form, besides `name`, `name.namespace` and `name.namespace.mesh`. None with `.tcp`.
    package var hostnames: [Located<String>]
    /// What happens to `%2F` and `%5C` in a path. Default: `.reject`.
    package var escapedSlashes: EscapedSlashes
    /// Where a service outside the mesh is; empty for one that workloads implement.
    package var endpoints: [Located<SocketAddress>]

    package init(
        metadata: Metadata, protocol: ServiceProtocol, hostnames: [Located<String>], escapedSlashes: EscapedSlashes,
        endpoints: [Located<SocketAddress>]
    ) {
        self.metadata = metadata
        self.protocol = `protocol`
        self.hostnames = hostnames
        self.escapedSlashes = escapedSlashes
        self.endpoints = endpoints
    }
}

/// What a service's workloads speak on their plain addresses. It is declared, never guessed.
package enum ServiceProtocol: String, Hashable, Sendable, CaseIterable {
    /// HTTP/1.1.
    case http = "HTTP"
    /// HTTP/2 in plain, with prior knowledge (RFC 9113 § 3.3).
    case http2 = "HTTP2"
    /// gRPC, which is HTTP/2 in plain with prior knowledge.
    case grpc = "GRPC"
    /// Bytes.
    case tcp = "TCP"
}

package enum EscapedSlashes: String, Hashable, Sendable, CaseIterable {
    case reject = "Reject"
    case keep = "Keep"
}
