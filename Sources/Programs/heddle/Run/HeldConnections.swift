import AdminAPI
import EventLoops
import Forwarding

/// Connections that are held, and for how many there is room.
struct HeldConnections {
    let counters: WorkerCounters
    let budget: DescriptorBudget

    /// How long it is told that there was no room, in milliseconds: a minute.
    private static let shortMilliseconds: UInt64 = 60_000

    /// There was no room for one of late.
    var isShort: Bool {
        counters.lastShortage > 0
            && counters.lastShortage + Self.shortMilliseconds > EventLoop.microseconds() / 1_000
    }

    var report: ConnectionsReport {
        ConnectionsReport(open: counters.open, limit: budget.connections, upstream: counters.upstream)
    }
}
