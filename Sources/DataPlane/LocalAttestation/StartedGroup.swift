import Glibc
import SystemInterfaces

/// The control group that the mesh made for this very process when it was started as a workload, seen from within.
package struct StartedGroup: Sendable {
    private let groups: ControlGroups
    private let path: String

    /// Levels of groups below it that are looked into.
    private static let depth = 16

    /// - Returns: `nil`: this process is in none of its own.
    package init?() {
        let name = (try? ProcessFolder(getpid()).controlGroup()).flatMap { path in
            path.split(separator: "/").last.map { (path, String($0)) }
        }
        // Where another process's number stands, what is in the group is not all this one's.
        guard let (path, last) = name, let known = GroupName(last), known.pid == getpid() else { return nil }
        self.path = path
        groups = ControlGroups()
    }

    /// Kills all that is in it but this process.
    /// - Returns: How many there were still.
    package func killOthers() -> Int {
        let others = processes(in: path, depth: Self.depth).filter { $0 != getpid() }
        for pid in others { kill(pid, SIGKILL) }
        return others.count
    }

    private func processes(in path: String, depth: Int) -> [Int32] {
        var all = groups.processes(in: path)
        guard depth > 0, let folder = groups.folder(of: path),
            let names = try? FileAccess.names(inFolder: folder).names
        else { return all }
        for name in names where FileAccess.isFolder("\(folder)/\(name)") {
            all += processes(in: "\(path)/\(name)", depth: depth - 1)
        }
        return all
    }
}
