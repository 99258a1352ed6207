package import CommonValues

extension ResourceKind {
    package static let gateway = Self("Gateway")
}

/// Listeners for calls and connections from outside the mesh.
package struct Gateway: Resource {
    package static let kind = ResourceKind.gateway
    package var metadata: Metadata
    package var listeners: [GatewayListener]
    /// The node it runs on; absent: every node.
    package var node: Located<String>?
    /// The identity that calls through it carry. Default: the gateway's name.
    package var serviceAccount: Located<String>
    /// Peers whose `x-forwarded-for` is believed. Default: none.
    package var trustedProxies: [AddressBlock]
}

package struct GatewayListener: Hashable, Sendable {
    package var name: Located<String>
    /// Default: `0.0.0.0`, at the position of the whole listener.
    package var address: Located<IPAddress>
    /// For `::`, and only there: no calls of IPv4. Default: those, too.
    package var isIPv6Only: Bool
    package var port: Located<UInt16>
    package var `protocol`: ListenerProtocol
    /// `nil`: every hostname. For `.tls` the names of TLS's SNI; none for `.tcp`.
    package var hostname: Located<HostnamePattern>?
    /// For `.https`, and only there.
    package var tls: ListenerTLS?

    /// Where it listens.
    package var place: SocketAddress { .tcp(host: .ip(address.value), port: port.value) }
}

package enum ListenerProtocol: String, Hashable, Sendable, CaseIterable {
    case http = "HTTP"
    case https = "HTTPS"
    /// Passed through as it comes: SNI names where it goes (TLSRoute), and the backend ends it.
    case tls = "TLS"
    /// Bytes, for one TCPRoute.
    case tcp = "TCP"
}

/// Absolute paths, or relative to the manifests folder.
package struct ListenerTLS: Hashable, Sendable {
    package var certificateFile: Located<String>
    package var keyFile: Located<String>

    package init(certificateFile: Located<String>, keyFile: Located<String>) {
        self.certificateFile = certificateFile
        self.keyFile = keyFile
    }
}
