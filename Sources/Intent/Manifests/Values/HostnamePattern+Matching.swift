extension HostnamePattern {
    /// A host in canonical form is one this pattern stands for. A wildcard stands for one or more labels, never for none.
    package func matches(_ host: String) -> Bool {
        switch self {
        case .exact(let name): name == host
        case .wildcard(let suffix): host.utf8.count > suffix.utf8.count && host.hasSuffix(suffix)
        }
    }

    /// Some host is matched by both (Gateway API's intersection of a listener's and a route's hostnames); `nil` matches
    /// every host.
    package func intersects(_ other: HostnamePattern?) -> Bool {
        switch (self, other) {
        case (_, nil): true
        case (.exact(let name), .some(let other)): other.matches(name)
        case (.wildcard, .exact(let name)): matches(name)
        case (.wildcard(let left), .wildcard(let right)): left.hasSuffix(right) || right.hasSuffix(left)
        }
    }
}
