import Glibc
import SystemInterfaces

/// Finds the processes that have a socket open, by looking at what each process has open: for a socket the kernel names its maker's
/// user and group, and no process.
struct SocketHolders {
    let groups: ControlGroups
    /// Processes that had sockets of a user before: the next one is often the same's. The last one first.
    private var known: [UInt32: [Int32]] = [:]

    private static let knownPerUser = 8
    private static let knownUsers = 256

    init(groups: ControlGroups) { self.groups = groups }

    /// - Parameters:
    ///   - group: Where its maker was, if that is known.
    /// - Returns: All that were found in the first place where any was.
    /// - Throws: Why none was.
    mutating func find(
        _ inode: UInt32, uid: UInt32, group: String?
    ) throws(ProcessFolder.Unknown) -> [ProcessHandle] {
        var obstacle: ProcessFolder.Unknown?
        let members = group.map(groups.processes) ?? []
        // The root's members are most of what there is.
        if group != "/", let found = Self.holders(of: inode, among: members, &obstacle) { return found }
        if let found = Self.holders(of: inode, among: known[uid] ?? [], &obstacle) { return remember(found, uid) }
        let (own, others) = Self.all(of: uid)
        if let found = Self.holders(of: inode, among: own, &obstacle) { return remember(found, uid) }
        // What stands in the way of looking at another user's says nothing of this one's.
        var unrelated: ProcessFolder.Unknown?
        if let found = Self.holders(of: inode, among: others, &unrelated) { return remember(found, uid) }
        throw obstacle
            ?? ProcessFolder.Unknown("no process was found that has the socket: it has ended, or /proc hides it")
    }

    private mutating func remember(_ found: [ProcessHandle], _ uid: UInt32) -> [ProcessHandle] {
        if known.count >= Self.knownUsers { known = [:] }
        let pids = found.map(\.pid)
        known[uid] = Array((pids + (known[uid] ?? []).filter { !pids.contains($0) }).prefix(Self.knownPerUser))
        return found
    }

    private static func holders(
        of inode: UInt32, among pids: [Int32], _ obstacle: inout ProcessFolder.Unknown?
    ) -> [ProcessHandle]? {
        var found: [ProcessHandle] = []
        for pid in pids {
            // Before it is looked at: what is found is this one's, if it lives on after the look.
            guard let handle = try? ProcessHandle(pid: pid) else { continue }
            do throws(ProcessFolder.Unknown) {
                if try handle.folder.holdsSocket(inode), handle.isAlive { found.append(handle) }
            } catch {
                if handle.isAlive { obstacle = obstacle ?? error }
            }
        }
        return found.isEmpty ? nil : found
    }

    /// All processes, the user's apart.
    private static func all(of uid: UInt32) -> (own: [Int32], others: [Int32]) {
        guard let names = try? FileAccess.names(inFolder: "/proc").names else { return ([], []) }
        var (own, others): ([Int32], [Int32]) = ([], [])
        for name in names {
            guard let pid = Int32(name) else { continue }
            let owner = try? FileAccess.facts("/proc/\(name)", followingLinks: false).ownership.owner
            if owner == uid { own.append(pid) } else { others.append(pid) }
        }
        return (own, others)
    }
}
