import CommonValues

/// A URL of HTTP that a manifest names: whom to connect to, and what to ask for there.
package struct EndpointURL: Hashable, Sendable {
    package let isTLS: Bool
    package let host: SocketAddress.Host
    /// Default: 80, with TLS 443.
    package let port: UInt16
    /// Path and query as they are sent: `/` if there are none.
    package let target: String

    /// Nobody between the two can read along: TLS, or a call that stays on this host.
    package var isPrivate: Bool { isTLS || host == .name("localhost") || host.ip?.isLoopback == true }

    /// The path alone.
    package var path: Substring { target.prefix { $0 != "?" } }
}

extension EndpointURL: CustomStringConvertible {
    package var description: String {
        let isUsual = port == (isTLS ? 443 : 80)
        return "\(isTLS ? "https" : "http")://\(host)\(isUsual ? "" : ":\(port)")\(target == "/" ? "" : target)"
    }
}
