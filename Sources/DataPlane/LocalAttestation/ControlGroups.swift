import Glibc
import SystemInterfaces

/// The control groups of this host (cgroups(7), version 2), by the numbers that the kernel has for them.
struct ControlGroups: Sendable {
    /// Where the hierarchy is mounted, and what of it; `nil`: nowhere.
    private let mount: (point: String, root: String)?

    /// Folders looked into for one number.
    private static let folderLimit = 20_000
    private static let depthLimit = 64

    init() { mount = Self.findMount() }

    /// The path of a group from the root of the hierarchy. A group keeps its path and its number for life, and neither is given to
    /// another while it lasts.
    func path(of number: UInt64) -> String? {
        guard let mount, let found = search(mount.point, number) else { return nil }
        let path = (mount.root == "/" ? "" : mount.root) + found.dropFirst(mount.point.count)
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
            let bytes = try? file.bytes(limit: 65_536)
        else { return [] }
        // One of another namespace has no number here: it reads 0, which stands for this process's own group (kill(2)).
        return bytes.split(separator: UInt8(ascii: "\n")).compactMap { Int32(String(decoding: $0, as: UTF8.self)) }
            .filter { $0 > 0 }
    }

    private func search(_ root: String, _ number: UInt64) -> String? {
        if (try? FileAccess.facts(root, followingLinks: false))?.signature.inode == UInt(number) { return root }
        var folders = [(path: root, depth: 0)]
        var index = 0
        while index < folders.count {
            let (folder, depth) = folders[index]
            index += 1
            guard let stream = unsafe opendir(folder) else { continue }
            defer { unsafe closedir(stream) }
            while let entry = unsafe readdir(stream) {
                guard unsafe entry.pointee.d_type == UInt8(DT_DIR) else { continue }
                let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) {
                        unsafe String(validatingCString: $0)
                    }
                }
                // A name that is not UTF-8 is none that a selector could have.
                guard let name, name != ".", name != ".." else { continue }
                let path = FileAccess.path(name, in: folder)
                if unsafe entry.pointee.d_ino == UInt(number) { return path }
                if depth < Self.depthLimit, folders.count < Self.folderLimit { folders.append((path, depth + 1)) }
            }
        }
        return nil
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
