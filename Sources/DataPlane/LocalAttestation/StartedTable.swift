import Manifests

/// Which processes are whose workloads: each of them once, however often it has asked.
struct StartedTable {
    /// No two processes of a host have both.
    struct Identity: Hashable {
        let pid: Int32
        /// When it began (`ProcessFolder.startTicks`).
        let ticks: UInt64
    }

    struct Entry {
        let workload: ResourceName
        let process: ProcessHandle
        /// Whose share of the places it has.
        let user: UInt32
        /// From the root of the hierarchy; `nil`: it has none.
        let group: String?
        /// Groups of the workloads that it was before, where what it started as those runs still.
        var former: [String] = []

        /// All that ends with it.
        var groups: [String] { former + (group.map { [$0] } ?? []) }
    }

    /// Programs at once.
    let limit: Int
    private(set) var entries: [Identity: Entry] = [:]
    /// Also those that their processes have left.
    private var workloads: [String: ResourceName] = [:]
    private var counts: [UInt32: Int] = [:]
    /// Those without a group.
    private(set) var ungroupedCount = 0

    init(limit: Int) { self.limit = limit }

    /// One user's programs at once: nobody takes all places.
    var limitPerUser: Int { max(1, limit / 4) }

    subscript(process: Identity) -> Entry? { entries[process] }

    /// The one of a number, if it has no group.
    func lone(_ pid: Int32) -> Entry? {
        guard ungroupedCount > 0 else { return nil }
        return entries.first { $0.key.pid == pid && $0.value.group == nil }?.value
    }

    /// What a group of one of them was made for.
    func workload(ofGroup path: String) -> ResourceName? { workloads[path] }

    /// Why there is no place for one more of a user; `nil`: there is.
    func shortage(of user: UInt32) -> String? {
        if entries.count >= limit { return "\(limit) programs run, which is all that can be started here at once" }
        guard counts[user] ?? 0 >= limitPerUser else { return nil }
        return "\(limitPerUser) programs that user \(user) has started run, which is all that one user may have at once"
    }

    /// From now on the process is that, whatever it was before.
    mutating func set(_ process: Identity, to entry: Entry, _ former: [(group: String, workload: ResourceName)]) {
        remove(process)
        var entry = entry
        entry.former = former.map(\.group)
        entries[process] = entry
        counts[entry.user, default: 0] += 1
        if entry.group == nil { ungroupedCount += 1 }
        for (group, workload) in former { workloads[group] = workload }
        if let group = entry.group { workloads[group] = entry.workload }
    }

    @discardableResult
    mutating func remove(_ process: Identity) -> Entry? {
        guard let entry = entries.removeValue(forKey: process) else { return nil }
        for group in entry.groups { workloads[group] = nil }
        if entry.group == nil { ungroupedCount -= 1 }
        let left = counts[entry.user, default: 1] - 1
        counts[entry.user] = left > 0 ? left : nil
        return entry
    }
}
