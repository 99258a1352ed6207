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
        var entries: [Entry] = []
        /// Groups whose process has ended, that are not empty yet.
        var leftovers: [String] = []
        var hasThread = false
        var isStopped = false
    }

    private let state = Mutex(State())
    private let wakeup: Wakeup
    private let groups: ControlGroups
    /// The group in which those of workloads are made, once there is one.
    private let parent: String?

    /// At once.
    private static let limit = 4_096
    /// What is left in a group whose process has ended is killed again after as long, in milliseconds.
    private static let killInterval: CInt = 20

    /// - Parameter instance: What tells this mesh from others on the host, and stays: letters and digits. `nil`: nothing stays.
    init(groups: ControlGroups, instance: String?) throws(SystemCallError) {
        self.groups = groups
        wakeup = try Wakeup()
        parent = Self.parent(in: groups, instance ?? "process-\(getpid())")
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

    /// What a control group was made for.
    func workload(ofGroup path: String) -> ResourceName? {
        state.withLock { state in
            state.entries.first { entry in
                entry.group.map { path == $0 || path.utf8.starts(with: "\($0)/".utf8) } ?? false
            }?.workload
        }
    }

    /// Processes without a group of their own are looked at one by one.
    var hasUngrouped: Bool { state.withLock { $0.entries.contains { $0.group == nil } } }

    func workload(of process: ProcessHandle) -> ResourceName? {
        state.withLock { state in
            // Its number is its own as long as both live.
            state.entries.first { $0.group == nil && $0.process.pid == process.pid && $0.process.isAlive }?.workload
        }
    }

    // MARK: Starting

    /// From now on a process, and what it starts, is a workload.
    /// - Parameter process: Alive, and waiting for this.
    package func start(_ workload: ResourceName, _ process: ProcessHandle) throws(Refusal) {
        let isThere = state.withLock { state in
            if !state.isStopped, !state.hasThread { state.hasThread = startThread() }
            return !state.isStopped && state.hasThread && state.entries.count < Self.limit
        }
        guard isThere else { throw Refusal(description: "no more processes can be started now") }
        var group: String?
        if let parent, hasParent(parent) { group = try makeGroup(in: parent, for: workload, process) }
        state.withLock { $0.entries.append(Entry(workload: workload, process: process, group: group)) }
        wakeup.give()
    }

    private func makeGroup(
        in parent: String, for workload: ResourceName, _ process: ProcessHandle
    ) throws(Refusal) -> String {
        let ticks = process.folder.startTicks ?? 0
        let path = "\(parent)/\(GroupName(workload: workload, pid: process.pid, ticks: ticks))"
        guard let folder = groups.folder(of: path) else {
            throw Refusal(description: "there are no control groups here")
        }
        if unsafe mkdir(folder, 0o755) != 0, errno != EEXIST {
            throw Refusal(description: "cannot make the control group \(path): \(SystemCallError(last: "mkdir"))")
        }
        do throws(SystemCallError) {
            try Self.write("\(process.pid)", to: "\(folder)/cgroup.procs")
        } catch {
            unsafe rmdir(folder)
            throw Refusal(description: "cannot move the process to the control group \(path): \(error)")
        }
        // Its number may have been another's by then: nobody else becomes a workload by that.
        guard process.isAlive else { throw Refusal(description: "the process has ended") }
        return path
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
        while true {
            let (processes, hasLeftovers, isStopped) = state.withLock {
                ($0.entries.map(\.process), !$0.leftovers.isEmpty, $0.isStopped)
            }
            if isStopped { return }
            ProcessHandle.waitForEnd(of: processes, or: wakeup, milliseconds: hasLeftovers ? Self.killInterval : -1)
            wakeup.take()
            endGroups()
        }
    }

    private func endGroups() {
        let leftovers = state.withLock { state in
            let ended = state.entries.filter { !$0.process.isAlive }
            state.entries.removeAll { !$0.process.isAlive }
            state.leftovers += ended.compactMap(\.group)
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
        guard unsafe rmdir(folder) == 0 || errno == ENOENT else { return false }
        // The last one takes the place with it.
        if let parent, let place = groups.folder(of: parent) { unsafe rmdir(place) }
        return true
    }

    // MARK: What was there before

    /// Those whose processes live are workloads still; the others end.
    private func adopt() {
        guard let parent, let folder = groups.folder(of: parent),
            let names = try? FileAccess.names(inFolder: folder).names
        else { return }
        for name in names {
            guard let known = GroupName(name) else { continue }
            let path = "\(parent)/\(name)"
            if let process = try? ProcessHandle(pid: known.pid), process.folder.startTicks == known.ticks,
                process.isAlive
            {
                state.withLock { $0.entries.append(Entry(workload: known.workload, process: process, group: path)) }
            } else {
                state.withLock { $0.leftovers.append(path) }
            }
        }
        state.withLock { state in
            if !state.entries.isEmpty || !state.leftovers.isEmpty { state.hasThread = startThread() }
        }
        wakeup.give()
    }

    /// Below the group that this process is in, so that who gave it that one has given it these, too.
    private static func parent(in groups: ControlGroups, _ instance: String) -> String? {
        guard let own = try? ProcessFolder(getpid()).controlGroup() else { return nil }
        return (own == "/" ? "" : own) + "/heddle-exec-\(instance)"
    }

    /// Makes it, where it is not there yet.
    private func hasParent(_ parent: String) -> Bool {
        guard let folder = groups.folder(of: parent) else { return false }
        return unsafe (mkdir(folder, 0o755) == 0 || errno == EEXIST) && access("\(folder)/cgroup.procs", W_OK) == 0
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
