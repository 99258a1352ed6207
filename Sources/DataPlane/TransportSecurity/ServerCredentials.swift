package import Cryptography

/// The credentials of a server, by the name that the caller asks for (SNI, RFC 6066 § 3).
package struct ServerCredentials: Sendable {
    /// `nil`: the name has none, and takes no other's.
    private var exact: [String: TLSCredentials?] = [:]
    /// By suffix with its leading dot; the longest first.
    private var wildcards: [(suffix: String, credentials: TLSCredentials?)] = []
    private var fallback: TLSCredentials?

    package init() {}

    /// - Parameters:
    ///   - hostname: `orders.shop.mesh`; `*.example.com` for every name of one label or more below it (as Gateway API
    ///     reads it); `nil` for callers that no other entry serves, those without a name included. A second entry for a
    ///     hostname takes the place of the first.
    package mutating func add(_ credentials: TLSCredentials, for hostname: String?) { set(credentials, for: hostname) }

    /// Callers that ask for a name of `hostname`, and of no more special entry, are refused: what is shown for other names
    /// is not shown in its place.
    package mutating func withhold(_ hostname: String?) { set(nil, for: hostname) }

    private mutating func set(_ credentials: TLSCredentials?, for hostname: String?) {
        guard let hostname = hostname?.lowercased() else {
            fallback = credentials
            return
        }
        guard hostname.utf8.starts(with: "*.".utf8) else {
            exact.updateValue(credentials, forKey: hostname)
            return
        }
        let suffix = String(hostname.dropFirst())
        wildcards.removeAll { $0.suffix == suffix }
        let place = wildcards.firstIndex { $0.suffix.utf8.count < suffix.utf8.count } ?? wildcards.endIndex
        wildcards.insert((suffix, credentials), at: place)
    }

    /// Exact names win over wildcards, longer wildcards over shorter ones.
    /// - Parameter serverName: In canonical form; `nil` if the caller sent none.
    package func credentials(for serverName: String?) -> TLSCredentials? {
        guard let name = serverName else { return fallback }
        if let credentials = exact[name] { return credentials }
        let match = wildcards.first { name.utf8.count > $0.suffix.utf8.count && name.hasSuffix($0.suffix) }
        return match.map { $0.credentials } ?? fallback
    }
}
