import CLinux
import Glibc
import SystemInterfaces

/// The control groups of this host (cgroups(7), version 2), by the numbers that the kernel has for them.
struct ControlGroups: Sendable {
    /// Where the hierarchy is mounted, and what of it; `nil`: nowhere.
    private let mount: (point: String, root: String)?

    init() { self.init(mount: Self.findMount()) }

    init(mount: (point: String, root: String)?) { self.mount = mount }

    /// What is to be said of a number.
    enum Answer: Equatable {
        /// From the root of the hierarchy. A group keeps its path and its number for life, and neither is given to another while it
        /// lasts.
        case path(String)
        /// There is none, and never will be.
        case none
        /// None was found, which says nothing of whether there is one.
        case notFound
    }

    /// Asks the kernel for a group.
    /// - Returns: `nil`: this process may not ask it so, and has to look (`GroupSearch`).
    func find(_ number: UInt64) -> Answer? {
        guard let mount else { return .notFound }
        let hierarchy = unsafe open(mount.point, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard hierarchy >= 0 else { return .notFound }
        defer { close(hierarchy) }
        let folder = CLinux_open_group(hierarchy, number)
        guard folder >= 0 else { return errno == ESTALE ? Answer.none : nil }
        defer { close(folder) }
        // One that goes at this moment has another path, at which it is not.
        guard let place = try? FileAccess.target(ofLink: "/proc/self/fd/\(folder)"),
            (try? FileAccess.facts(place, followingLinks: false))?.signature.inode == UInt(number)
        else { return .notFound }
        return path(at: place).map(Answer.path) ?? .notFound
    }

    /// Where the search for a group begins; `nil`: nowhere.
    var root: String? { mount?.point }

    /// The path of the group whose folder is there, from the root of the hierarchy; `nil`: none's is.
    func path(at place: String) -> String? {
        guard let mount, place == mount.point || place.hasPrefix(mount.point + "/") else { return nil }
        let path = (mount.root == "/" ? "" : mount.root) + place.dropFirst(mount.point.count)
        return path.isEmpty ? "/" : path
    }

    /// Where a group's folder is; `nil`: it cannot be reached here.
    func folder(of path: String) -> String? {
        guard let mount, path.hasPrefix(mount.root) else { return nil }
        return mount.point + (mount.root == "/" ? path : String(path.dropFirst(mount.root.count)))
    }

    /// The processes in a group, and in none below it.
    func processes(in path: String) -> [Int32] {
        guard let folder = folder(of: path), let file = try? OpenFile("\(folder)/cgroup.procs"),
            let bytes = try? file.bytes(limit: 1 << 20)
        else { return [] }
        // One of another namespace has no number here: it reads 0, which stands for this process's own group (kill(2)).
        return bytes.split(separator: UInt8(ascii: "\n")).compactMap { Int32(String(decoding: $0, as: UTF8.self)) }
            .filter { $0 > 0 }
    }

    /// `36 35 0:27 /ROOT /POINT rw,nosuid - cgroup2 cgroup2 rw` (proc_pid_mountinfo(5)).
    private static func findMount() -> (point: String, root: String)? {
        guard let file = try? OpenFile("/proc/self/mountinfo"), let bytes = try? file.bytes(limit: 1 << 20) else {
            return nil
        }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard let dash = fields.firstIndex(of: "-"), dash + 1 < fields.count, fields[dash + 1] == "cgroup2",
                fields.count > 4
            else { continue }
            return (String(fields[4]), String(fields[3]))
        }
        return nil
    }
}
