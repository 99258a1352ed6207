package import CommonValues
import Diagnostics
import EventLoops

/// Why a connection to an endpoint did not come up.
package enum ConnectFailure: Hashable, Sendable {
    case system(errno: CInt)
    /// Not in `timeouts.connect`, with all that belongs to it.
    case late
    /// - Parameter reason: As `TLSFailure` has it.
    case handshake(reason: String)
    /// There is no certificate to prove whose call it is.
    case noIdentity

    /// For people.
    package var explanation: String {
        switch self {
        case .system(let errno): FailedCall.reason(errno)
        case .late: "not connected in timeouts.connect"
        case .handshake(let reason): "TLS: \(reason)"
        case .noIdentity: "no certificate to call another node with"
        }
    }

    /// For metrics: `connection-refused`.
    package var label: String {
        switch self {
        case .system: String(explanation.lowercased().map { $0 == " " ? "-" : $0 })
        case .late: "timeout"
        case .handshake: "handshake"
        case .noIdentity: "no-identity"
        }
    }
}

/// Since when an endpoint cannot be connected to.
package struct Outage: Hashable, Sendable {
    package private(set) var since: UnixTime
    /// When it was last tried.
    package private(set) var last: UnixTime
    package private(set) var failure: ConnectFailure

    init(_ failure: ConnectFailure, at now: UnixTime) {
        since = now
        last = now
        self.failure = failure
    }

    mutating func goesOn(_ failure: ConnectFailure, at now: UnixTime) {
        last = now
        self.failure = failure
    }

    /// Two workers' word of the same endpoint.
    func joined(with other: Outage) -> Outage {
        var joined = last >= other.last ? self : other
        joined.since = min(since, other.since)
        return joined
    }
}

/// What workers know of whether endpoints are there.
struct Reachability {
    /// When somebody last had a connection.
    private var reached: [NetworkAddress: UnixTime] = [:]
    private var outages: [NetworkAddress: Outage] = [:]

    mutating func note(_ address: NetworkAddress, reached time: UnixTime?, _ outage: Outage?) {
        if let time { reached[address] = max(reached[address] ?? time, time) }
        guard let outage else { return }
        outages[address] = outages[address]?.joined(with: outage) ?? outage
    }

    mutating func add(_ other: Reachability) {
        for (address, time) in other.reached { note(address, reached: time, nil) }
        for (address, outage) in other.outages { note(address, reached: nil, outage) }
    }

    /// Those that nobody has reached since they were last tried in vain.
    var unreached: [NetworkAddress: Outage] {
        outages.filter { address, outage in reached[address].map { $0 < outage.last } ?? true }
    }
}
