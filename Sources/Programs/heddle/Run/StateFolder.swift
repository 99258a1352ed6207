import Diagnostics
import Glibc
import Logging
import Reconciliation
import Synchronization

/// The folder that outlives the process: keys, generations, the admin socket. One process at a time.
///
/// A disk that is full, or mounted for reading only, is no reason to serve nothing: what lies in the folder is read, what
/// cannot be written is told, and the folder is taken as it should be once that can be done.
final class StateFolder: HostDependent {
    let path: String
    private let log: Logger
    private let state: Mutex<State>

    struct Unusable: Error, CustomStringConvertible {
        let description: String
    }

    /// What keeps other processes away.
    private enum Lock {
        /// The file `lock`, which all agree on.
        case file(CInt)
        /// The folder itself, which has no such file and can get none.
        case folder(CInt)
        /// There is no folder, or its filesystem locks nothing for who may only read.
        case none
    }

    private struct State {
        var lock: Lock
        var problem: Diagnostic?
    }

    /// Makes the folder if it is not there, and takes it for this process until it ends. Nothing changes at a folder that is
    /// not ours.
    init(_ path: String, log: Logger) throws(Unusable) {
        self.path = path
        self.log = log
        state = Mutex(try Self.take(path))
    }

    deinit {
        switch state.withLock({ $0.lock }) {
        case .file(let descriptor), .folder(let descriptor): close(descriptor)
        case .none: break
        }
    }

    // MARK: What the disk does not do

    var heldBack: [Diagnostic] { state.withLock { $0.problem.map { [$0] } ?? [] } }

    func retry() async {
        let isMended = state.withLock { state in
            guard state.problem != nil else { return false }
            if case .file = state.lock {
                guard unsafe access("\(path)/\(Self.lockName)", W_OK) == 0 else { return false }
                state.problem = nil
                return true
            }
            guard let next = try? Self.take(path) else { return false }
            switch next.lock {
            case .none: return false
            case .folder(let descriptor):
                close(descriptor)
                return false
            case .file:
                // What took the folder instead goes now that all others can see the file.
                if case .folder(let former) = state.lock { close(former) }
                state = next
                return next.problem == nil
            }
        }
        if isMended { log.info("the state folder can be written again") }
    }

    /// Not the permissions, not what lies there: what nobody can write on such a disk.
    private static func isOfDisk(_ errno: CInt) -> Bool { [EROFS, ENOSPC, EDQUOT].contains(errno) }

    private static func problem(_ path: String, _ what: String, _ errno: CInt) -> Diagnostic {
        Diagnostic(
            .stateUnavailable, at: .place(path),
            found: "cannot \(what): \(FailedCall.reason(errno))",
            expected:
                "a state folder that can be written: until then no generation is kept for a restart, and no root is made",
            remedy: FailedCall.remedy(errno, to: .write, "the state folder"))
    }

    // MARK: Taking it

    private static let lockName = "lock"

    private static func take(_ path: String) throws(Unusable) -> State {
        var problem: Diagnostic?
        var isMarked = false
        switch try make(path) {
        case .made: break
        case .impossible(let error): return State(lock: .none, problem: Self.problem(path, "make it", error))
        case .wasThere: isMarked = try claim(path, &problem)
        }
        var descriptor = unsafe open("\(path)/\(lockName)", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        var isFile = true
        if descriptor < 0, isOfDisk(errno) {
            problem = Self.problem(path, "write to it", errno)
            descriptor = unsafe open("\(path)/\(lockName)", O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
            if descriptor < 0, errno == ENOENT {
                isFile = false
                descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            }
        }
        guard descriptor >= 0 else { throw unusable(path, "cannot write to it", errno) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let error = errno
            close(descriptor)
            guard error != EWOULDBLOCK else {
                throw Unusable(
                    description:
                        "state folder \(path): another heddle uses it; stop that one, or choose another with --state")
            }
            // Some filesystems of others lock nothing that may only be read.
            guard problem != nil else { throw unusable(path, "cannot lock it", error) }
            return State(lock: .none, problem: problem)
        }
        if !isMarked, problem == nil { mark(path) }
        return State(lock: isFile ? .file(descriptor) : .folder(descriptor), problem: problem)
    }

    private enum Making {
        case made, wasThere
        case impossible(errno: CInt)
    }

    private static func make(_ path: String) throws(Unusable) -> Making {
        var made = path.hasPrefix("/") ? "" : "."
        var isNew = false
        for part in path.split(separator: "/") {
            made += "/\(part)"
            isNew = unsafe mkdir(made, 0o700) == 0
            guard !isNew, errno != EEXIST else { continue }
            if isOfDisk(errno) { return .impossible(errno: errno) }
            throw unusable(path, "cannot make \(made)", errno)
        }
        return isNew ? .made : .wasThere
    }

    /// Judges a folder that is there, and closes it if it is ours.
    /// - Returns: Whether it needs no mark.
    private static func claim(_ path: String, _ problem: inout Diagnostic?) throws(Unusable) -> Bool {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { throw unusable(path, "cannot look at it", errno) }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw Unusable(
                description: "state folder \(path): it is no folder: name one that is empty, or none that exists")
        }
        let claim = StateFolderClaim(
            entries: try entries(path), permissions: status.st_mode & 0o7777, isOwn: status.st_uid == geteuid())
        switch claim.verdict {
        case .refused(let reason): throw Unusable(description: "state folder \(path): \(reason)")
        case .free: return false
        case .used: return true
        case .ours:
            // Keys lie here: nobody else has business in it.
            if unsafe status.st_mode & 0o077 == 0 || chmod(path, 0o700) == 0 { return true }
            // The files are closed by themselves, and none will be added.
            guard isOfDisk(errno) else {
                throw unusable(path, "others may enter it, and that cannot be changed", errno)
            }
            problem = Self.problem(path, "close it to others", errno)
            return true
        }
    }

    private static func entries(_ path: String) throws(Unusable) -> Set<String> {
        guard let folder = unsafe opendir(path) else { throw unusable(path, "cannot look into it", errno, to: .read) }
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
        guard errno == 0 else { throw unusable(path, "cannot look into it", errno, to: .read) }
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

    private static func unusable(
        _ path: String, _ what: String, _ errno: CInt, to aim: FailedCall.Aim = .write
    ) -> Unusable {
        Unusable(
            description: "state folder \(path): \(what): \(FailedCall.reason(errno)): "
                + FailedCall.remedy(errno, to: aim, "the state folder"))
    }
}
