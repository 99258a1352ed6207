import Glibc

/// The folder that outlives the process: keys, generations, the admin socket. One process at a time.
struct StateFolder: ~Copyable {
    let path: String
    private let lock: CInt

    struct Unusable: Error, CustomStringConvertible {
        let description: String
    }

    /// Makes the folder if it is not there, and takes it for this process until it ends.
    init(_ path: String) throws(Unusable) {
        self.path = path
        try Self.makeFolders(path)
        let lockPath = path + "/lock"
        let descriptor = unsafe open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
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
    }

    deinit { close(lock) }

    private static func makeFolders(_ path: String) throws(Unusable) {
        var made = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            made += "/\(part)"
            guard unsafe mkdir(made, 0o700) != 0, errno != EEXIST else { continue }
            throw Unusable(description: "state folder \(path): cannot make \(made): \(reason())")
        }
        var status = stat()
        guard unsafe stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw Unusable(description: "state folder \(path): not a folder")
        }
        // Keys lie here: nobody else has business in it.
        guard unsafe status.st_mode & 0o077 == 0 || chmod(path, 0o700) == 0 else {
            throw Unusable(
                description: "state folder \(path): others may enter it, and that cannot be changed: \(reason())")
        }
    }

    private static func reason() -> String { unsafe String(cString: strerror(errno)) }
}
