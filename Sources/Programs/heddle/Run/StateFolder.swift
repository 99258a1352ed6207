import Glibc

/// The folder that outlives the process: keys, generations, the admin socket. One process at a time.
struct StateFolder: ~Copyable {
    let path: String
    private let lock: CInt

    struct Unusable: Error, CustomStringConvertible {
        let description: String
    }

    /// Makes the folder if it is not there, and takes it for this process until it ends. Nothing changes at a folder that is
    /// not ours.
    init(_ path: String) throws(Unusable) {
        self.path = path
        let isMarked = try Self.isMade(path) ? false : Self.claim(path)
        let descriptor = unsafe open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw Unusable(description: "state folder \(path): cannot write to it: \(Self.reason())")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw Unusable(
                description:
                    "state folder \(path): another heddle uses it; stop that one, or choose another with --state")
        }
        lock = descriptor
        if !isMarked { Self.mark(path) }
    }

    deinit { close(lock) }

    /// - Returns: Whether the folder was not there, and is now.
    private static func isMade(_ path: String) throws(Unusable) -> Bool {
        var made = path.hasPrefix("/") ? "" : "."
        var isNew = false
        for part in path.split(separator: "/") {
            made += "/\(part)"
            isNew = unsafe mkdir(made, 0o700) == 0
            guard !isNew, errno != EEXIST else { continue }
            throw Unusable(description: "state folder \(path): cannot make \(made): \(reason())")
        }
        return isNew
    }

    /// Judges a folder that is there, and closes it if it is ours.
    /// - Returns: Whether it needs no mark.
    private static func claim(_ path: String) throws(Unusable) -> Bool {
        var status = stat()
        guard unsafe stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw Unusable(description: "state folder \(path): not a folder")
        }
        let claim = StateFolderClaim(
            entries: try entries(path), permissions: status.st_mode & 0o7777, isOwn: status.st_uid == geteuid())
        switch claim.verdict {
        case .refused(let reason): throw Unusable(description: "state folder \(path): \(reason)")
        case .free: return false
        case .used: return true
        case .ours:
            // Keys lie here: nobody else has business in it.
            guard unsafe status.st_mode & 0o077 == 0 || chmod(path, 0o700) == 0 else {
                throw Unusable(
                    description: "state folder \(path): others may enter it, and that cannot be changed: \(reason())")
            }
            return true
        }
    }

    private static func entries(_ path: String) throws(Unusable) -> Set<String> {
        guard let folder = unsafe opendir(path) else {
            throw Unusable(description: "state folder \(path): cannot look into it: \(reason())")
        }
        defer { unsafe closedir(folder) }
        var names: Set<String> = []
        errno = 0
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { names.insert(name) }
            errno = 0
        }
        guard errno == 0 else {
            throw Unusable(description: "state folder \(path): cannot look into it: \(reason())")
        }
        return names
    }

    /// One that cannot be marked is known by what will lie in it.
    private static func mark(_ path: String) {
        let text: StaticString = "Heddle keeps its state in this folder.\n"
        let descriptor = unsafe open(
            "\(path)/\(StateFolderClaim.marker)", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return }
        _ = unsafe write(descriptor, text.utf8Start, text.utf8CodeUnitCount)
        close(descriptor)
    }

    private static func reason() -> String { unsafe String(cString: strerror(errno)) }
}
