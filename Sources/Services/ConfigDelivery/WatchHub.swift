import Glibc
package import Manifests
import ServiceContracts
import Synchronization
package import SystemInterfaces

/// Who waits for a config to change. Each is one entry here and a call somewhere; what it is told it looks up itself, so that many
/// changes are one to who is slow.
package final class WatchHub: Sendable {
    protocol Watcher: AnyObject, Sendable {
        var watchedCall: LocalCall { get }
        /// When it is to be woken though nothing changes; `nil`: never.
        var deadline: ContinuousClock.Instant? { get }
    }

    private struct Entry {
        let watcher: any Watcher
        let config: ResourceName
        let caller: String
    }

    private struct State {
        var entries: [ObjectIdentifier: Entry] = [:]
        var byConfig: [ResourceName: Set<ObjectIdentifier>] = [:]
        /// Of one caller, by its SPIFFE ID.
        var counts: [String: Int] = [:]
        var isStopped = false
    }

    /// Watches of one caller. Default: 1,000.
    static let limitForCaller = 1_000

    private let state = Mutex(State())
    private let someone = Signal()

    /// - Throws: The host gives no thread.
    package init() throws(SystemCallError) {
        try SystemThread.start(name: "config-watches") { [self] in
            while true {
                if state.withLock({ $0.entries.isEmpty && !$0.isStopped }) { someone.wait() }
                guard state.withLock({ !$0.isStopped }) else { return }
                wakeThoseThatAreDue()
                sleep(1)
            }
        }
    }

    package func stop() {
        state.withLock { $0.isStopped = true }
        someone.give()
    }

    package var count: Int { state.withLock { $0.entries.count } }
    /// By config.
    package var watcherCounts: [ResourceName: Int] { state.withLock { $0.byConfig.mapValues(\.count) } }

    /// A config is another one now.
    package func changed(_ config: ResourceName) {
        let calls = state.withLock { state in
            (state.byConfig[config] ?? []).compactMap { state.entries[$0]?.watcher.watchedCall }
        }
        for call in calls { call.wake() }
    }

    /// - Returns: `false`: its caller has too many.
    func add(_ watcher: any Watcher, of config: ResourceName, for caller: String) -> Bool {
        let isTaken = state.withLock { state in
            guard state.counts[caller, default: 0] < Self.limitForCaller else { return false }
            let id = ObjectIdentifier(watcher)
            state.counts[caller, default: 0] += 1
            state.entries[id] = Entry(watcher: watcher, config: config, caller: caller)
            state.byConfig[config, default: []].insert(id)
            return true
        }
        if isTaken { someone.give() }
        return isTaken
    }

    /// One that is not there is no mistake.
    func remove(_ watcher: any Watcher) {
        state.withLock { state in
            let id = ObjectIdentifier(watcher)
            guard let entry = state.entries.removeValue(forKey: id) else { return }
            state.byConfig[entry.config]?.remove(id)
            if state.byConfig[entry.config]?.isEmpty == true { state.byConfig[entry.config] = nil }
            state.counts[entry.caller, default: 1] -= 1
            if state.counts[entry.caller] == 0 { state.counts[entry.caller] = nil }
        }
    }

    private func wakeThoseThatAreDue() {
        let now = ContinuousClock.now
        let watchers = state.withLock { $0.entries.values.map(\.watcher) }
        for watcher in watchers where watcher.deadline.map({ $0 <= now }) ?? false { watcher.watchedCall.wake() }
    }
}
