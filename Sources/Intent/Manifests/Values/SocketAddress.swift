package import CommonValues

/// Where a socket listens or is reached: `host:port`, `[v6]:port` or `unix:/path`.
package enum SocketAddress: Hashable, Sendable, CustomStringConvertible {
    case tcp(host: Host, port: UInt16)
    /// Absolute, at most 107 bytes (`sockaddr_un`).
    case unix(path: String)

    /// What stands before a port.
    package enum Host: Hashable, Sendable, CustomStringConvertible {
        case ip(IPAddress)
        /// A DNS name in lower case.
        case name(String)

        package var ip: IPAddress? { if case .ip(let address) = self { address } else { nil } }
        package var isIPv6: Bool { ip.map { $0.v4 == nil } ?? false }

        /// In its canonical form; IPv6 in brackets.
        package var description: String {
            switch self {
            case .ip(let address): isIPv6 ? "[\(address)]" : "\(address)"
            case .name(let name): name
            }
        }
    }

    package var description: String {
        switch self {
        case .tcp(let host, let port): "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}
