/// Where a socket listens or is reached: `host:port`, `[v6]:port` or `unix:/path`.
package enum SocketAddress: Hashable, Sendable, CustomStringConvertible {
    /// `host` is an IP address in its canonical text form, or a DNS name in lower case.
    case tcp(host: String, port: UInt16)
    /// Absolute, at most 107 bytes (`sockaddr_un`).
    case unix(path: String)

    package var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}
