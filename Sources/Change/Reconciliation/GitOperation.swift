import CLinux
import Glibc
import SystemInterfaces

/// A command of git that changes the working tree around a folder. While it does, it holds `index.lock`: what lies in the
/// folder is neither the old commit nor the new one.
///
/// To wait for it is a courtesy: what cannot be looked at is no command.
enum GitOperation {
    /// - Parameters:
    ///   - folder: Absolute, without links.
    ///   - age: Of a lock that is believed; an older one was left by a command that was killed.
    ///   - now: Nanoseconds since 1970.
    static func isRunning(around folder: String, lockNoOlderThan age: Duration, at now: Int = Self.now) -> Bool {
        guard let lock = lockPath(around: folder), let facts = facts(lock), facts.kind == .file else { return false }
        let (seconds, attoseconds) = age.components
        let limit = Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000)
        // A lock from the future is as good as one from the past: a clock was set.
        return abs(now - facts.signature.modified) < limit
    }

    static var now: Int {
        var time = timespec()
        guard unsafe clock_gettime(CLOCK_REALTIME, &time) == 0 else { return 0 }
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }

    /// Of the repository that the folder lies in.
    private static func lockPath(around folder: String) -> String? {
        var folder = folder
        while true {
            let git = FileAccess.path(".git", in: folder)
            switch facts(git)?.kind {
            case .folder: return git + "/index.lock"
            case .file: return linkedFolder(git, in: folder).map { $0 + "/index.lock" }
            case .link, .other, nil: break
            }
            guard let slash = folder.lastIndex(of: "/"), folder != "/" else { return nil }
            folder = slash == folder.startIndex ? "/" : String(folder[..<slash])
        }
    }

    /// Worktrees and submodules have their git folder elsewhere; a file says where: `gitdir: PATH`.
    private static func linkedFolder(_ file: String, in folder: String) -> String? {
        let mark = "gitdir: "
        do throws(SystemCallError) {
            guard case .bytes(let bytes, _) = try FileAccess.read(file, limit: 8192) else { return nil }
            let line = String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
            guard line.hasPrefix(mark) else { return nil }
            let path = String(line.dropFirst(mark.count))
            return path.hasPrefix("/") ? path : folder + "/" + path
        } catch {
            return nil
        }
    }

    private static func facts(_ path: String) -> FileFacts? {
        do throws(SystemCallError) { return try FileAccess.facts(path, followingLinks: true) } catch { return nil }
    }
}
