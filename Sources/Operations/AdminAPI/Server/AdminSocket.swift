import EventLoops
import Glibc
import SystemInterfaces

/// A Unix socket of the admin server, as a file.
struct AdminSocket {
    /// Where the system finds it.
    let place: String
    private let device: dev_t
    private let inode: ino_t

    /// Whom it is for.
    enum Purpose {
        /// Its owner alone may use it, from its first moment.
        case admin
        /// For every user of the host.
        case workload

        fileprivate var permissions: UInt32 { self == .admin ? 0o600 : 0o666 }
        fileprivate var name: String { self == .admin ? "the admin socket" : "the workload socket" }
        /// What to do where its place is not to be had.
        fileprivate var remedy: String {
            "choose another place with "
                + (self == .admin ? "--admin unix:PATH or --state DIR" : "workloadSocket.path of the Mesh")
        }
    }

    /// Binds a socket. One that a dead process left there is
    /// removed; one that is answered, and anything that is no socket, is left alone.
    /// - Parameters:
    ///   - path: As people know it.
    ///   - place: Where the system finds it.
    static func bind(_ purpose: Purpose, at path: String, _ place: String) throws(AdminServerError) -> BoundAdminSocket
    {
        guard path.hasPrefix("/"), path.utf8.count <= 107, !path.utf8.contains(0) else {
            throw AdminServerError(
                "the path of \(purpose.name) must be absolute and of at most 107 bytes, but is \"\(path)\"; \(purpose.remedy)"
            )
        }
        try removeStale(purpose, at: path, place)
        do throws(SystemCallError) {
            let socket = try Socket.bound(to: .unix(path: place), sharesPort: false, permissions: purpose.permissions)
            // What this process keeps from others (umask) is not meant here.
            if purpose != .admin, unsafe chmod(place, purpose.permissions) != 0 { throw SystemCallError(last: "chmod") }
            try socket.listen(backlog: 64)
            var status = stat()
            guard unsafe lstat(place, &status) == 0 else { throw SystemCallError(last: "lstat") }
            return BoundAdminSocket(
                file: AdminSocket(place: place, device: status.st_dev, inode: status.st_ino), socket: socket)
        } catch {
            throw AdminServerError(
                "cannot listen at \(purpose.name) \"\(path)\": \(error.reason)", systemError: error.errno)
        }
    }

    enum Standing: Hashable {
        /// People find the socket by it.
        case inPlace
        /// They find nothing, or another.
        case gone
        /// What they find cannot be seen from here.
        case unseen(errno: CInt)
    }

    var standing: Standing {
        var status = stat()
        if unsafe lstat(place, &status) == 0 {
            return status.st_dev == device && status.st_ino == inode ? .inPlace : .gone
        }
        return errno == ENOENT || errno == ENOTDIR ? .gone : .unseen(errno: errno)
    }

    /// Removes the file, unless another has taken its place.
    func remove() {
        guard standing == .inPlace else { return }
        _ = unsafe unlink(place)
    }

    private static func removeStale(
        _ purpose: Purpose, at path: String, _ place: String
    ) throws(AdminServerError) {
        var status = stat()
        guard unsafe lstat(place, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw AdminServerError(
                "\"\(path)\", the place of \(purpose.name), is there already and is no socket; remove it, or \(purpose.remedy)"
            )
        }
        do throws(SystemCallError) {
            _ = try Socket.connecting(to: .unix(path: place))
        } catch {
            guard error.errno == ECONNREFUSED else {
                throw AdminServerError(
                    "cannot tell whether \"\(path)\" is in use: \(error.reason)", systemError: error.errno)
            }
            guard unsafe unlink(place) == 0 || Glibc.errno == ENOENT else {
                let error = SystemCallError(last: "unlink")
                throw AdminServerError(
                    "cannot remove the socket that a dead process left at \"\(path)\": \(error.reason)",
                    systemError: error.errno)
            }
            return
        }
        throw AdminServerError(
            "another heddle answers at \"\(path)\", the place of \(purpose.name); stop it, or \(purpose.remedy)")
    }
}

/// A socket that listens, and its file.
struct BoundAdminSocket: ~Copyable {
    let file: AdminSocket
    private let socket: Socket

    init(file: AdminSocket, socket: consuming Socket) {
        self.file = file
        self.socket = socket
    }

    consuming func takeSocket() -> Socket { socket }
}
