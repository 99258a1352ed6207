package import Authorization
package import Telemetry
import WireProtocols

/// What one worker has counted besides requests. Labels that are known beforehand are there from the start, with 0: a rate
/// over a series sees nothing of the event that the series begins with.
package struct WorkerCounters: Sendable {
    package var accepted: UInt64 = 0
    package var open = 0
    package var upstream = 0
    /// Bytes of calls and their answers that wait to be taken.
    package var queuedBytes = 0
    package var upstreamConnects: UInt64 = 0
    /// Connections to endpoints that did not come up.
    package var upstreamConnectFailures: [ConnectFailure: UInt64] = [:]
    /// Times accepting stopped because there was no room for another connection.
    package var pauses: UInt64 = 0
    /// Connections closed so that others could be had, by whom they led to: `caller` or `endpoint`.
    package var madeRoom: [String: UInt64] = ["caller": 0, "endpoint": 0]
    /// When there was last no room for a connection, in milliseconds of CLOCK_MONOTONIC; 0: never.
    package var lastShortage: UInt64 = 0
    /// Requests refused before they were one, by status.
    package var refused: [UInt16: UInt64] = [:]
    /// Callers' handshakes, by reason; the empty one: done.
    package var handshakes: [String: UInt64] = [:]
    /// Handshakes with other nodes that failed, by reason.
    package var upstreamHandshakeFailures: [String: UInt64] = [:]
    /// Connections in use that other nodes ended with an alert, by reason.
    package var upstreamAlerts: [String: UInt64] = [:]
    /// Connections of processes that are no workload where they called.
    package var notAttested: UInt64 = 0
    /// Calls whose client a trusted proxy named in no form that is an address.
    package var unreadableClientAddresses: UInt64 = 0
    /// HTTP/2 connections ended because a limit was exceeded, by limit.
    package var http2Limits = Dictionary(uniqueKeysWithValues: HTTP2Limit.allCases.map { ($0.name, UInt64(0)) })
    /// Connections closed because what came over TLS was no data.
    package var tlsFloods: UInt64 = 0
    /// Connections between nodes cut because their peer's certificate was over and it showed no other.
    package var expiredConnections: UInt64 = 0

    mutating func add(_ other: WorkerCounters) {
        tlsFloods += other.tlsFloods
        expiredConnections += other.expiredConnections
        accepted += other.accepted
        open += other.open
        upstream += other.upstream
        queuedBytes += other.queuedBytes
        upstreamConnects += other.upstreamConnects
        upstreamConnectFailures.merge(other.upstreamConnectFailures, uniquingKeysWith: +)
        pauses += other.pauses
        madeRoom.merge(other.madeRoom, uniquingKeysWith: +)
        lastShortage = max(lastShortage, other.lastShortage)
        refused.merge(other.refused, uniquingKeysWith: +)
        handshakes.merge(other.handshakes, uniquingKeysWith: +)
        upstreamHandshakeFailures.merge(other.upstreamHandshakeFailures, uniquingKeysWith: +)
        upstreamAlerts.merge(other.upstreamAlerts, uniquingKeysWith: +)
        notAttested += other.notAttested
        unreadableClientAddresses += other.unreadableClientAddresses
        http2Limits.merge(other.http2Limits, uniquingKeysWith: +)
    }
}

/// One worker's share of what a scrape adds up.
package struct WorkerReport: Sendable {
    package var metrics: RequestMetrics
    /// Each worker's: they are added up by whoever writes them down, not on a worker's time.
    package var grpc: [GRPCMetrics]
    package var counters: WorkerCounters
    package var plainCallers: PlainCallers
    /// By policy label: allowed at `2 * id`, denied at the next.
    package var decisions: [UInt64]
    /// Calls that policies match which decide nothing, as `ObservedVerdict.index` has them.
    var observations: [UInt64]

    package mutating func add(_ other: WorkerReport) {
        metrics.add(other.metrics)
        grpc += other.grpc
        counters.add(other.counters)
        plainCallers.add(other.plainCallers)
        decisions.add(other.decisions)
        observations.add(other.observations)
    }

    /// Those of `observations` that are not 0.
    package var observed: [(policy: Label, verdict: ObservedVerdict, count: UInt64)] {
        observations.indices.filter { observations[$0] > 0 }.map { index in
            let (policy, verdict) = ObservedVerdict.place(at: index)
            return (policy, verdict, observations[index])
        }
    }
}

extension [UInt64] {
    /// Place by place.
    fileprivate mutating func add(_ other: [UInt64]) {
        if count < other.count { append(contentsOf: repeatElement(0, count: other.count - count)) }
        for index in other.indices { self[index] += other[index] }
    }
}
