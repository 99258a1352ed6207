import CommonValues
import EventLoops

/// Where a socket listens, as the kernel tells one from another.
package struct ListeningPlace: Hashable, Sendable {
    let address: NetworkAddress
    /// Of `::`: it takes no calls of IPv4.
    let isIPv6Only: Bool

    init(_ address: NetworkAddress, isIPv6Only: Bool = false) {
        self.address = address
        self.isIPv6Only = isIPv6Only
    }

    /// Were the other place not there, all that comes to it would come here.
    func covers(_ other: ListeningPlace) -> Bool {
        guard case .ip(let ip, let port) = address, case .ip(let otherIP, port) = other.address, self != other else {
            return false
        }
        switch ip {
        case .anyIPv4: return otherIP.v4 != nil
        case .unspecified: return !isIPv6Only || otherIP.v4 == nil && (otherIP != .unspecified || other.isIPv6Only)
        default: return false
        }
    }

    func overlaps(_ other: ListeningPlace) -> Bool { self == other || covers(other) || other.covers(self) }
}

/// What becomes of the sockets of one set in the next. A value: nothing is opened here.
///
/// A socket goes on for as long as a listener of the set takes what comes to it, be it the listener of its own address or
/// one on all addresses: so nothing is refused while 127.0.0.1 becomes 0.0.0.0. What no listener covers any more is closed,
/// also where the listener that was to follow is held back.
struct SocketPlan {
    /// To be opened.
    let missing: Set<ListeningPlace>
    /// Those that go on, and the listener that they are sockets of now.
    let kept: [ListeningPlace: ListeningPlace]

    init(wanted: Set<ListeningPlace>, open: Set<ListeningPlace>) {
        missing = wanted.subtracting(open)
        var kept: [ListeningPlace: ListeningPlace] = [:]
        for place in open {
            if wanted.contains(place) {
                kept[place] = place
            } else if let next = Self.covering(place, among: wanted) {
                kept[place] = next
            }
        }
        self.kept = kept
    }

    /// All of IPv4 comes before all of both: so does the kernel have it.
    private static func covering(_ place: ListeningPlace, among wanted: Set<ListeningPlace>) -> ListeningPlace? {
        guard case .ip(_, let port) = place.address else { return nil }
        let candidates = [
            ListeningPlace(.ip(.anyIPv4, port: port)), ListeningPlace(.ip(.unspecified, port: port), isIPv6Only: true),
            ListeningPlace(.ip(.unspecified, port: port)),
        ]
        return candidates.first { wanted.contains($0) && $0.covers(place) }
    }
}
