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
    private struct State: ~Copyable {
        /// The folder itself: whoever empties it does not let another process in. `nil`: there is none, or its filesystem locks
        /// no folders.
        var folder: HeldLock?
        /// The file `lock`, which those before this one agree on. `nil`: the folder has none and can get none.
        var file: HeldLock?
        var problem: Diagnostic?
    }

    /// Makes the folder if it is not there, and takes it for this process until it ends. Nothing changes at a folder that is
    /// not ours.
    init(_ path: String, log: Logger) throws(Unusable) {
        self.path = path
        self.log = log
        var taken = State()
        try Self.take(path, &taken)
        state = Mutex(taken)
    }

    // MARK: What the disk does not do

    var heldBack: [Diagnostic] { state.withLock { $0.problem.map { [$0] } ?? [] } }

    func retry() async {
        let isMended = state.withLock { state in
            guard state.problem != nil else { return false }
            do throws(Unusable) { try Self.take(path, &state) } catch { return false }
            return state.problem == nil
        }
        if isMended { log.info("the state folder can be written again") }
    }

    // MARK: What others take away

    /// Whether what keeps other processes away is gone from where they look.
    var isLost: Bool {
        state.withLock { state in
            let hasFolder = state.folder?.stands(at: path) ?? true
            return !hasFolder || !(state.file?.stands(at: Self.lockFile(path)) ?? true)
        }
    }

    /// Makes again what is lost. Not while a change is prepared or committed.
    func restore() {
        guard isLost else { return }
        do throws(Unusable) {
            try state.withLock { state throws(Unusable) in try Self.take(path, &state) }
            log.warning(
                "the state folder was emptied or replaced while it was in use: its lock is made again",
                metadata: ["folder": "\(path)"])
        } catch {
            let problem = Self.lost(path, error)
            let isNew = state.withLock { state in
                defer { state.problem = problem }
                return state.problem != problem
            }
            if isNew { log.tell(problem) }
        }
    }

    private static func lost(_ path: String, _ error: Unusable) -> Diagnostic {
        Diagnostic(
            .stateUnavailable, at: .place(path), found: error.description,
            expected: "the state folder that this process began with, which was emptied, moved or replaced",
            remedy: "put it back, or start the process again once it can have one")
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

    private static func lockFile(_ path: String) -> String { "\(path)/lock" }

    /// - Parameter state: What is held already and still stands where it should is kept; otherwise all of it is, if this throws.
    private static func take(_ path: String, _ state: inout State) throws(Unusable) {
        var problem: Diagnostic?
        var isMarked = false
        switch try make(path) {
        case .made: break
        case .impossible(let error):
            state.problem = Self.problem(path, "make it", error)
            return
        case .wasThere: isMarked = try claim(path, &problem)
        }
        let hasFolder = state.folder?.stands(at: path) ?? false
        // Before a file is made beside another process's.
        let folder = hasFolder ? nil : try lockFolder(path)
        let hasFile = state.file?.stands(at: lockFile(path)) ?? false
        if hasFile {
            if unsafe access(lockFile(path), W_OK) != 0, isOfDisk(errno) {
                problem = Self.problem(path, "write to it", errno)
            }
        } else {
            state.file = try lockFile(in: path, &problem)
        }
        if !hasFolder { state.folder = folder }
        if !isMarked, problem == nil { mark(path) }
        state.problem = problem
    }

    private static func lockFolder(_ path: String) throws(Unusable) -> HeldLock? {
        do throws(HeldLock.Failure) {
            return try HeldLock(path, O_RDONLY | O_DIRECTORY)
        } catch {
            switch error {
            case .taken: throw inUse(path)
            case .unopened, .unlockable: return nil
            }
        }
    }

    private static func lockFile(in path: String, _ problem: inout Diagnostic?) throws(Unusable) -> HeldLock? {
        do throws(HeldLock.Failure) {
            return try HeldLock(lockFile(path), O_RDWR | O_CREAT | O_NOFOLLOW)
        } catch {
            switch error {
            case .taken: throw inUse(path)
            case .unlockable(let error): throw unusable(path, "cannot lock it", error)
            case .unopened(let error):
                guard isOfDisk(error) else { throw unusable(path, "cannot write to it", error) }
                problem = Self.problem(path, "write to it", error)
            }
        }
        do throws(HeldLock.Failure) {
            return try HeldLock(lockFile(path), O_RDONLY | O_NOFOLLOW)
        } catch {
            switch error {
            case .taken: throw inUse(path)
            case .unlockable, .unopened(ENOENT): return nil
            case .unopened(let error): throw unusable(path, "cannot write to it", error)
            }
        }
    }

    private static func inUse(_ path: String) -> Unusable {
        Unusable(
            description: "state folder \(path): another heddle uses it; stop that one, or choose another with --state")
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
