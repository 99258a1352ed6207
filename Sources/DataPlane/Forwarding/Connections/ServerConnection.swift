import CallPlanning
import EventLoops
import HTTPSemantics

/// A connection that was accepted, whatever it speaks; its worker keeps it in a list.
protocol ServerConnection: StreamConnection {
    var listener: Listener { get }
    /// Its place in the worker's list; -1: none.
    var registryIndex: Int { get set }

    /// What is under way is the last: ends with its answer, at once if there is none.
    func drain()
    /// The policies changed: ends what they no longer allow.
    func judgeAgain()
    /// Since when nothing is under way on it, and nothing waits to be taken: its caller has had its answers, or has not asked
    /// yet. `nil`: something is.
    var quietSince: DeadlineWheel.Time? { get }
    /// Bytes of requests that wait for their workloads.
    var queuedRequestByteCount: Int { get }
}

extension ServerConnection {
    /// Its listener is gone, or asks for another transport than the connection has.
    var isStranded: Bool { listener.isStopped || listener.view.role.isSecure != isSecure }
}
