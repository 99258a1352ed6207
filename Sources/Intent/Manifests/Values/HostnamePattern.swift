/// Gateway API's hostname: an exact DNS name, or `*.` before one, which stands for one or more labels.
package enum HostnamePattern: Hashable, Sendable, CustomStringConvertible {
    /// Lower case, no trailing dot.
    case exact(String)
    /// What follows the `*`, with its leading dot: `.example.com`.
    case wildcard(suffix: String)

    package var description: String {
        switch self {
        case .exact(let name): name
        case .wildcard(let suffix): "*\(suffix)"
        }
    }
}
