import Manifests

/// Hostnames of several owners, to find one that shares a host with another. Takes time in proportion to the labels,
/// not to the hostnames.
struct HostnameSet<Owner> {
    private var first: Owner?
    /// Without hostnames: has them all.
    private var any: Owner?
    private var exact: [String: Owner] = [:]
    private var wildcards: [String: Owner] = [:]
    /// What ends in a suffix: `.example.com`.
    private var below: [String: Owner] = [:]

    /// - Parameters:
    ///   - hostnames: empty: every one.
    ///   - listener: what does not share a host with it is left out.
    mutating func insert(_ hostnames: [HostnamePattern], within listener: HostnamePattern? = nil, of owner: Owner) {
        if hostnames.isEmpty { any = any ?? owner }
        for hostname in hostnames where hostname.intersects(listener) {
            first = first ?? owner
            switch hostname {
            case .exact(let name): exact[name] = exact[name] ?? owner
            case .wildcard(let suffix): wildcards[suffix] = wildcards[suffix] ?? owner
            }
            for suffix in hostname.suffixes { below[suffix] = below[suffix] ?? owner }
        }
    }

    func first(sharing hostname: HostnamePattern?) -> Owner? {
        if let any { return any }
        guard let hostname else { return first }
        if let above = hostname.suffixes.lazy.compactMap({ wildcards[$0] }).first { return above }
        switch hostname {
        case .exact(let name): return exact[name]
        case .wildcard(let suffix): return below[suffix]
        }
    }

    /// - Parameter hostnames: empty: every one.
    func sharesAny(of hostnames: [Located<HostnamePattern>]) -> Bool {
        hostnames.isEmpty ? first(sharing: nil) != nil : hostnames.contains { first(sharing: $0.value) != nil }
    }
}

extension HostnamePattern {
    /// The wildcards' suffixes that every host of it ends in, its own one among them.
    fileprivate var suffixes: [String] {
        let start: Substring
        switch self {
        case .exact(let name): start = name[...]
        case .wildcard(let suffix): start = suffix[...]
        }
        var suffixes: [String] = []
        if case .wildcard = self { suffixes.append(String(start)) }
        var rest = start.dropFirst()
        while let dot = rest.firstIndex(of: ".") {
            suffixes.append(String(rest[dot...]))
            rest = rest[dot...].dropFirst()
        }
        return suffixes
    }
}
