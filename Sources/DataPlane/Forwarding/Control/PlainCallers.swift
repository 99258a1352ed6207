package import CommonValues
package import Telemetry

/// Who calls in plain, by service: so one sees who is left to be moved into the mesh. One worker's share, or what several come to.
/// Strangers have as many addresses as they like: of each service those are told apart that have called last.
package struct PlainCallers: Sendable {
    /// Sources of one service that are told apart: 64. Beyond it the one that has not called for longest counts as one of the others.
    static let sourceLimit = 64

    /// An address of IPv4 or of this host, or a network of IPv6 with 64 bits: within that a host has as many addresses as it likes.
    package struct Source: Sendable {
        package let address: IPAddress
        package fileprivate(set) var calls: UInt64
        /// In milliseconds of CLOCK_MONOTONIC.
        package fileprivate(set) var lastAt: UInt64

        package var text: String { address.isOneOfMany ? "\(address)/64" : "\(address)" }
    }

    /// Those of one service.
    package struct Callers: Sendable {
        /// In no order.
        package fileprivate(set) var sources: [Source] = []
        /// Calls from sources that are told apart no more.
        package fileprivate(set) var otherCalls: UInt64 = 0
        private var places: [IPAddress: Int] = [:]

        fileprivate mutating func add(_ source: Source) {
            if let place = places[source.address] {
                sources[place].calls += source.calls
                sources[place].lastAt = max(sources[place].lastAt, source.lastAt)
            } else if sources.count < PlainCallers.sourceLimit {
                places[source.address] = sources.count
                sources.append(source)
            } else {
                replaceOldest(by: source)
            }
        }

        private mutating func replaceOldest(by source: Source) {
            let place = sources.indices.min { sources[$0].lastAt < sources[$1].lastAt }!
            guard sources[place].lastAt <= source.lastAt else {
                otherCalls += source.calls
                return
            }
            otherCalls += sources[place].calls
            places[sources[place].address] = nil
            places[source.address] = place
            sources[place] = source
        }
    }

    /// Of services that have a port for plain calls now.
    package private(set) var byService: [Label: Callers] = [:]
    /// Calls so far, whether it has one still or not.
    package private(set) var totals: [Label: UInt64] = [:]

    /// - Parameter time: In the loop's milliseconds.
    mutating func record(_ peer: IPAddress, callingAt time: UInt64, service: Label) {
        totals[service, default: 0] += 1
        let address = peer.isOneOfMany ? IPAddress(high: peer.high, low: 0) : peer
        byService[service, default: Callers()].add(Source(address: address, calls: 1, lastAt: time))
    }

    /// Another generation serves: of other services nobody is left.
    mutating func forgetAll(except services: @autoclosure () -> Set<Label>) {
        guard !byService.isEmpty else { return }
        let services = services()
        byService = byService.filter { services.contains($0.key) }
    }

    mutating func add(_ other: PlainCallers) {
        totals.merge(other.totals, uniquingKeysWith: +)
        for (service, callers) in other.byService {
            for source in callers.sources { byService[service, default: Callers()].add(source) }
            byService[service, default: Callers()].otherCalls += callers.otherCalls
        }
    }
}

extension IPAddress {
    /// Its host has as many as it likes: all addresses of IPv6 but `::1`.
    fileprivate var isOneOfMany: Bool { v4 == nil && !isLoopback }
}
