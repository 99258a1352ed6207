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
    private struct State {
        var table: StartedTable
        /// Groups whose process has ended, that are not empty yet.
        var leftovers: [String] = []
        var hasThread = false
        var isStopped = false
    }

    /// Asked on loops: held for a look at a table, and never while the kernel is asked.
    private let state: Mutex<State>
    /// Held from the look at what a process is to what it becomes.
    private let turn = Mutex(())
    private let wakeup: Wakeup
    private let groups: ControlGroups
    /// Groups in which those of workloads may be made, the one that outlives this process's own first.
    private let parents: [String]

    /// Workloads that a process was before and has left something running of.
    private static let formerLimit = 16
    /// What is left in a group whose process has ended is killed again after as long, in milliseconds.
    private static let killInterval: CInt = 20
    /// The longest that this becomes.
    private static let longestInterval: CInt = 10_000

    /// - Parameters:
    ///   - instance: What tells this mesh from others on the host, and stays: letters and digits. `nil`: nothing stays.
    ///   - limit: Programs at once. Each is a descriptor.
    init(groups: ControlGroups, instance: String?, limit: Int) throws(SystemCallError) {
        self.groups = groups
        state = Mutex(State(table: StartedTable(limit: limit)))
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

        fileprivate init(description: String) { self.description = description }

        /// Something is short that says nothing of the process.
        fileprivate init(_ error: SystemCallError) {
            self.init(description: "the mesh cannot look at the process now: \(error.reason)")
        }
    }

    // MARK: Who is there

    /// What a control group, or one that it is in, was made for.
    func workload(ofGroup path: String) -> ResourceName? {
        guard let parent = parents.first(where: { path.utf8.starts(with: "\($0)/".utf8) }) else { return nil }
        let end = path.utf8.dropFirst(parent.utf8.count + 1).firstIndex(of: UInt8(ascii: "/")) ?? path.endIndex
        return state.withLock { $0.table.workload(ofGroup: String(path[..<end])) }
    }

    /// Processes without a group of their own are looked at one by one.
    var hasUngrouped: Bool { state.withLock { $0.table.ungroupedCount > 0 } }

    /// What a process without a group of its own was started as.
    func workload(of process: SocketHolder.Identity) -> ResourceName? {
        let identity = StartedTable.Identity(pid: process.folder.pid, ticks: process.ticks)
        return lone(state.withLock { $0.table[identity] })
    }

    private func lone(_ entry: StartedTable.Entry?) -> ResourceName? {
        guard let entry, entry.group == nil, entry.process.isAlive else { return nil }
        return entry.workload
    }

    /// The nearest one without a group that a process comes from. For operators: nothing is allowed for it, as whoever comes between
    /// may have ended, and his number be another's.
    func origin(of process: ProcessFolder) -> LoneProgram? {
        guard hasUngrouped else { return nil }
        var process = process
        for _ in 0..<Self.originSteps {
            guard let parent = process.parent, parent > 1 else { return nil }
            if let workload = lone(state.withLock { $0.table.lone(parent) }) {
                return LoneProgram(workload: workload, pid: parent)
            }
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
            state.table.entries.map { identity, entry in
                Running(
                    workload: entry.workload, pid: identity.pid, extent: entry.group == nil ? .process : .group)
            }
        }
    }

    // MARK: Starting

    /// From now on a process is a workload, and no other that it was before, and so is what it starts, as far as is said.
    /// - Parameters:
    ///   - process: Alive, and waiting for this.
    ///   - user: Who asks for it.
    @discardableResult
    package func start(
        _ workload: ResourceName, _ process: ProcessHandle, of user: UInt32
    ) throws(Refusal) -> Extent {
        let identity: StartedTable.Identity
        // What is read under its number is its own if it lives afterwards.
        do throws(SystemCallError) {
            identity = StartedTable.Identity(pid: process.pid, ticks: try process.folder.startTicks())
        } catch {
            throw error.saysGone ? Self.ended : Refusal(error)
        }
        guard process.isAlive else { throw Self.ended }
        let (isNew, extent) = try turn.withLock { _ throws(Refusal) in try start(workload, process, identity, user) }
        if isNew { wakeup.give() }
        return extent
    }

    /// - Returns: Whether there is another process to be waited for.
    private func start(
        _ workload: ResourceName, _ process: ProcessHandle, _ identity: StartedTable.Identity, _ user: UInt32
    ) throws(Refusal) -> (isNew: Bool, extent: Extent) {
        let (before, shortage) = state.withLock { state -> (StartedTable.Entry?, String?) in
            if !state.isStopped, !state.hasThread { state.hasThread = startThread() }
            let before = state.table[identity]
            guard !state.isStopped, state.hasThread else { return (before, "no program can be started now") }
            return (before, before == nil ? state.table.shortage(of: user) : nil)
        }
        if let shortage { throw Refusal(description: shortage) }
        let name = GroupName(workload: workload, pid: identity.pid, ticks: identity.ticks).description
        if let group = before?.group, before?.workload == workload {
            // It is where it belongs, unless somebody has moved it.
            guard let place = try? process.folder.controlGroup(), place == group || place.hasPrefix("\(group)/") else {
                throw Refusal(description: "the process is not in the control group any more that was made for it")
            }
            return (false, .group)
        }
        if let before, before.former.contains(where: { $0.hasSuffix("/\(name)") }) {
            throw Refusal(
                description: "the process was \(workload) before, and what it has left running is that still")
        }
        guard before?.former.count ?? 0 < Self.formerLimit else {
            throw Refusal(description: "the process has left programs running as \(Self.formerLimit) other workloads")
        }
        var group: String?
        for parent in parents where group == nil { group = try makeGroup(name, in: parent, process) }
        if group == nil, let before, before.group != nil {
            throw Refusal(description: "the process cannot be moved out of the control group of \(before.workload)")
        }
        let left = Set((before?.groups ?? []).filter { $0 != group && !isGone($0) })
        return state.withLock { state in
            // As it is now: the process may have ended meanwhile.
            let isNew = state.table[identity] == nil
            let former = (state.table[identity]?.groups ?? []).filter(left.contains).compactMap { path in
                state.table.workload(ofGroup: path).map { (group: path, workload: $0) }
            }
            // Its handle is as good as the one that is waited for.
            let handle = state.table[identity]?.process ?? process
            state.table.set(
                identity,
                to: StartedTable.Entry(
                    workload: workload, process: handle, user: before?.user ?? user, group: group), former)
            return (isNew, group == nil ? .process : .group)
        }
    }

    /// Takes a group away that its process has left, if nothing is in it.
    private func isGone(_ group: String) -> Bool {
        guard let folder = groups.folder(of: group) else { return true }
        return unsafe rmdir(folder) == 0 || errno == ENOENT
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
            // That is no reason to do without a group.
            if error.isOutOfDescriptors { throw Refusal(error) }
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
                ($0.table.entries.mapValues(\.process), !$0.leftovers.isEmpty, $0.isStopped)
            }
            if isStopped { return }
            ProcessHandle.waitForEnd(
                of: Array(processes.values), or: wakeup, milliseconds: hasLeftovers ? patience : -1)
            wakeup.take()
            endGroups(of: processes.filter { !$0.value.isAlive }.map(\.key))
            // What cannot be ended now perhaps never can.
            patience = hasLeftovers ? min(patience * 2, Self.longestInterval) : Self.killInterval
        }
    }

    /// - Parameter ended: Each was asked once: one that ends between two questions would be forgotten with all that it has left.
    private func endGroups(of ended: [StartedTable.Identity]) {
        let leftovers = state.withLock { state in
            for process in ended { state.leftovers += state.table.remove(process)?.groups ?? [] }
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
                if !adopt(known, "\(parent)/\(name)") {
                    state.withLock { $0.leftovers.append("\(parent)/\(name)") }
                }
            }
        }
        state.withLock { state in
            if !state.table.entries.isEmpty || !state.leftovers.isEmpty { state.hasThread = startThread() }
        }
        wakeup.give()
    }

    /// - Returns: `false`: its process has ended. One of which nobody knows is no workload, and is left alone.
    private func adopt(_ known: GroupName, _ path: String) -> Bool {
        let process: ProcessHandle
        do throws(SystemCallError) {
            process = try ProcessHandle(pid: known.pid)
            guard try process.folder.startTicks() == known.ticks else { return false }
        } catch {
            return !error.saysGone
        }
        // Its real one: a program may have another to act as.
        let user = try? process.folder.users().real
        let place = try? process.folder.controlGroup()
        guard process.isAlive else { return false }
        state.withLock { state in
            let identity = StartedTable.Identity(pid: known.pid, ticks: known.ticks)
            let before = state.table[identity]
            var former = (before?.former ?? []).compactMap { path in
                state.table.workload(ofGroup: path).map { (group: path, workload: $0) }
            }
            // It may have been another workload before: it is what it is now.
            let isLeft = before != nil && place != path && place?.hasPrefix(path + "/") != true
            if isLeft {
                former.append((group: path, workload: known.workload))
            } else if let before, let group = before.group {
                former.append((group: group, workload: before.workload))
            }
            state.table.set(
                identity,
                to: StartedTable.Entry(
                    workload: isLeft ? before!.workload : known.workload, process: before?.process ?? process,
                    user: user ?? 0, group: isLeft ? before!.group : path), former)
        }
        return true
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
struct GroupName: CustomStringConvertible {
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
