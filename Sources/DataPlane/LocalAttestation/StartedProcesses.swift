import Attestation
import Glibc
package import Manifests
import Synchronization
import SystemInterfaces

/// The processes that `heddle exec` has started as workloads.
///
/// Each is in a control group of its own, where all that it starts is, too, and which no other user can move a process into; it ends with
/// the process. Where there are no control groups, or none can be made, the process itself is known, and not what it starts.
package final class StartedProcesses: Sendable {
    private struct Entry {
        let workload: ResourceName
        let process: ProcessHandle
        /// From the root of the hierarchy; `nil`: it has none.
        let group: String?
    }

    private struct State {
        /// By the names of their groups.
        var grouped: [String: Entry] = [:]
        var ungrouped: [Entry] = []
        /// Groups whose process has ended, that are not empty yet.
        var leftovers: [String] = []
        var hasThread = false
        var isStopped = false

        var count: Int { grouped.count + ungrouped.count }
        var processes: [ProcessHandle] { grouped.values.map(\.process) + ungrouped.map(\.process) }
    }

    private let state = Mutex(State())
    private let wakeup: Wakeup
    private let groups: ControlGroups
    /// Groups in which those of workloads may be made, the one that outlives this process's own first.
    private let parents: [String]

    /// At once.
    private static let limit = 4_096
    /// What is left in a group whose process has ended is killed again after as long, in milliseconds.
    private static let killInterval: CInt = 20
    /// The longest that this becomes.
    private static let longestInterval: CInt = 10_000

    /// - Parameter instance: What tells this mesh from others on the host, and stays: letters and digits. `nil`: nothing stays.
    init(groups: ControlGroups, instance: String?) throws(SystemCallError) {
        self.groups = groups
        wakeup = try Wakeup()
        parents = Self.parents(instance ?? "process-\(getpid())")
        if instance != nil { adopt() }
    }

    /// What was started as workloads goes on, and is known again to who asks next.
    func stop() {
        state.withLock { $0.isStopped = true }
        wakeup.give()
    }

    /// Why a process was not taken for a workload's.
    package struct Refusal: Error, Hashable, CustomStringConvertible {
        package let description: String
    }

    // MARK: Who is there

    /// What a control group, or one that it is in, was made for.
    func workload(ofGroup path: String) -> ResourceName? {
        guard let parent = parents.first(where: { path.utf8.starts(with: "\($0)/".utf8) }) else { return nil }
        let name = String(path.dropFirst(parent.count + 1).prefix { $0 != "/" })
        return state.withLock { state in
            state.grouped[name].flatMap { $0.group == "\(parent)/\(name)" ? $0.workload : nil }
        }
    }

    /// Processes without a group of their own are looked at one by one.
    var hasUngrouped: Bool { state.withLock { !$0.ungrouped.isEmpty } }

    func workload(of process: ProcessHandle) -> ResourceName? {
        // Its number is its own as long as both live.
        lone(process.pid)
    }

    private func lone(_ pid: Int32) -> ResourceName? {
        state.withLock { $0.ungrouped.first { $0.process.pid == pid && $0.process.isAlive }?.workload }
    }

    /// The nearest one without a group that a process comes from. For operators: nothing is allowed for it, as whoever comes between
    /// may have ended, and his number be another's.
    func origin(of process: ProcessFolder) -> LoneProgram? {
        guard hasUngrouped else { return nil }
        var process = process
        for _ in 0..<Self.originSteps {
            guard let parent = process.parent, parent > 1 else { return nil }
            if let workload = lone(parent) { return LoneProgram(workload: workload, pid: parent) }
            process = ProcessFolder(parent)
        }
        return nil
    }

    /// How far is looked for it.
    static let originSteps = 16

    /// One that runs.
    package struct Running {
        package let workload: ResourceName
        package let pid: Int32
        package let extent: Extent
    }

    /// Who is the workload.
    package enum Extent: Hashable, Sendable {
        /// The process, and all that it starts.
        case group
        /// The process alone: there are no control groups, or it cannot be moved into one.
        case process
    }

    /// Those that run, in no order.
    package var running: [Running] {
        state.withLock { state in
            (state.grouped.values + state.ungrouped).map {
                Running(
                    workload: $0.workload, pid: $0.process.pid, extent: $0.group == nil ? .process : .group)
            }
        }
    }

    // MARK: Starting

    /// From now on a process is a workload, and what it starts, as far as is said.
    /// - Parameter process: Alive, and waiting for this.
    package func start(_ workload: ResourceName, _ process: ProcessHandle) throws(Refusal) -> Extent {
        let isThere = state.withLock { state in
            if !state.isStopped, !state.hasThread { state.hasThread = startThread() }
            return !state.isStopped && state.hasThread && state.count < Self.limit
        }
        guard isThere else { throw Refusal(description: "no more programs can be started now") }
        // What is read under its number is its own if it lives afterwards.
        guard let ticks = process.folder.startTicks, process.isAlive else { throw Self.ended }
        let name = GroupName(workload: workload, pid: process.pid, ticks: ticks).description
        var group: String?
        for parent in parents where group == nil { group = try makeGroup(name, in: parent, process) }
        let entry = Entry(workload: workload, process: process, group: group)
        state.withLock { state in
            if group == nil { state.ungrouped.append(entry) } else { state.grouped[name] = entry }
        }
        wakeup.give()
        return group == nil ? .process : .group
    }

    private static let ended = Refusal(description: "the process has ended")

    /// - Returns: `nil` where none can be made, or the process cannot be moved there.
    private func makeGroup(_ name: String, in parent: String, _ process: ProcessHandle) throws(Refusal) -> String? {
        guard let place = groups.folder(of: parent), let folder = Self.makeFolder(name, in: place) else { return nil }
        do throws(SystemCallError) {
            guard process.isAlive else { throw SystemCallError("write", errno: ESRCH) }
            try Self.write("\(process.pid)", to: "\(folder)/cgroup.procs")
        } catch {
            unsafe rmdir(folder)
            unsafe rmdir(place)
            if error.errno == ESRCH { throw Self.ended }
            return nil
        }
        guard process.isAlive else {
            giveBack("\(parent)/\(name)")
            throw Self.ended
        }
        return "\(parent)/\(name)"
    }

    /// Undoes what was done to whoever had the number of a process that ended at that moment: he becomes no workload, goes back to where
    /// he was, which is where whoever has just forked him is, and is not there when the group is ended.
    func giveBack(_ group: String) {
        guard let folder = groups.folder(of: group), let root = groups.folder(of: "/") else { return }
        // What he starts meanwhile begins in the group.
        for _ in 0..<100 {
            for pid in groups.processes(in: group) {
                let former = former(of: pid, in: group).flatMap(groups.folder) ?? root
                if (try? Self.write("\(pid)", to: "\(former)/cgroup.procs")) == nil {
                    try? Self.write("\(pid)", to: "\(root)/cgroup.procs")
                }
            }
            if unsafe rmdir(folder) == 0 || errno == ENOENT { return }
        }
    }

    /// The group of the nearest of those a process comes from who is not in this one.
    private func former(of pid: Int32, in group: String) -> String? {
        var process = ProcessFolder(pid)
        for _ in 0..<64 {
            guard let parent = process.parent, parent > 0 else { return nil }
            process = ProcessFolder(parent)
            if let path = try? process.controlGroup(), path != group { return path }
        }
        return nil
    }

    /// The end of the last one may take the place away meanwhile.
    private static func makeFolder(_ name: String, in place: String) -> String? {
        let folder = "\(place)/\(name)"
        for _ in 0..<8 {
            guard unsafe mkdir(place, 0o755) == 0 || errno == EEXIST else { return nil }
            if unsafe mkdir(folder, 0o755) == 0 || errno == EEXIST { return folder }
            guard errno == ENOENT else { return nil }
        }
        return nil
    }

    // MARK: The end

    private func startThread() -> Bool {
        do throws(SystemCallError) {
            try SystemThread.start(name: "started") { self.watch() }
            return true
        } catch {
            return false
        }
    }

    private func watch() {
        var patience = Self.killInterval
        while true {
            let (processes, hasLeftovers, isStopped) = state.withLock {
                ($0.processes, !$0.leftovers.isEmpty, $0.isStopped)
            }
            if isStopped { return }
            ProcessHandle.waitForEnd(of: processes, or: wakeup, milliseconds: hasLeftovers ? patience : -1)
            wakeup.take()
            endGroups()
            // What cannot be ended now perhaps never can.
            patience = hasLeftovers ? min(patience * 2, Self.longestInterval) : Self.killInterval
        }
    }

    private func endGroups() {
        let leftovers = state.withLock { state in
            // Each is asked once: one that ends between two questions would be forgotten with all that it has left.
            let ended = state.grouped.filter { !$0.value.process.isAlive }
            for name in ended.keys { state.grouped[name] = nil }
            state.ungrouped.removeAll { !$0.process.isAlive }
            state.leftovers += ended.values.compactMap(\.group)
            return state.leftovers
        }
        let left = leftovers.filter { !end($0) }
        state.withLock { state in state.leftovers.removeAll { leftovers.contains($0) && !left.contains($0) } }
    }

    /// - Returns: Whether it is gone.
    private func end(_ group: String) -> Bool {
        guard let folder = groups.folder(of: group) else { return true }
        // From kernel 5.14; before, one by one.
        if (try? Self.write("1", to: "\(folder)/cgroup.kill")) == nil {
            for pid in groups.processes(in: group) { kill(pid, SIGKILL) }
        }
        guard Self.remove(folder, depth: 0) else { return false }
        // The last one takes the place with it.
        unsafe rmdir(String(folder[..<(folder.lastIndex(of: "/") ?? folder.startIndex)]))
        return true
    }

    /// With what the program has made in it.
    private static func remove(_ folder: String, depth: Int) -> Bool {
        if unsafe rmdir(folder) == 0 || errno == ENOENT { return true }
        guard depth < 16, let names = try? FileAccess.names(inFolder: folder).names else { return false }
        for name in names.prefix(1_000) where FileAccess.isFolder("\(folder)/\(name)") {
            _ = remove("\(folder)/\(name)", depth: depth + 1)
        }
        return unsafe rmdir(folder) == 0 || errno == ENOENT
    }

    // MARK: What was there before

    /// Those whose processes live are workloads still; the others end.
    private func adopt() {
        for parent in parents {
            guard let folder = groups.folder(of: parent), let names = try? FileAccess.names(inFolder: folder).names
            else {
                continue
            }
            for name in names {
                guard let known = GroupName(name) else { continue }
                let path = "\(parent)/\(name)"
                if let process = try? ProcessHandle(pid: known.pid), process.folder.startTicks == known.ticks,
                    process.isAlive
                {
                    let entry = Entry(workload: known.workload, process: process, group: path)
                    state.withLock { $0.grouped[name] = entry }
                } else {
                    state.withLock { $0.leftovers.append(path) }
                }
            }
        }
        state.withLock { state in
            if state.count > 0 || !state.leftovers.isEmpty { state.hasThread = startThread() }
        }
        wakeup.give()
    }

    /// At the root, where a service manager that ends this process's own group leaves them alone; else below that group.
    private static func parents(_ instance: String) -> [String] {
        let name = "/heddle-exec-\(instance)"
        guard let own = try? ProcessFolder(getpid()).controlGroup() else { return [] }
        return own == "/" ? [name] : [name, own + name]
    }

    private static func write(_ text: String, to path: String) throws(SystemCallError) {
        let descriptor = unsafe open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemCallError(last: "open") }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard unsafe Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            throw SystemCallError(last: "write")
        }
    }
}

/// `shop.web-1.812.18234223`: names of resources have no dot.
private struct GroupName: CustomStringConvertible {
    let workload: ResourceName
    let pid: Int32
    /// When the process began, so that no other of its number is taken for it.
    let ticks: UInt64

    init(workload: ResourceName, pid: Int32, ticks: UInt64) {
        self.workload = workload
        self.pid = pid
        self.ticks = ticks
    }

    init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 4, let pid = Int32(parts[2]), pid > 0, let ticks = UInt64(parts[3]) else { return nil }
        self.init(workload: ResourceName(namespace: parts[0], name: parts[1]), pid: pid, ticks: ticks)
    }

    var description: String { "\(workload.namespace).\(workload.name).\(pid).\(ticks)" }
}
