import Diagnostics
import Glibc
import Logging
import Reconciliation
import StateKeeping
import Synchronization

/// The folder that outlives the process: keys, generations, the admin socket. One process at a time.
///
/// A disk that is full, or mounted for reading only, is no reason to serve nothing: what lies in the folder is read, what
/// cannot be written is told, and the folder is taken as it should be once that can be done.
final class StateFolder: HostDependent {
    /// What those have it by who read and write in it.
    let held: HeldFolder
    private let log: Logger
    private let state: Mutex<State>

    struct Unusable: Error, CustomStringConvertible {
        let description: String
    }

    private struct State: ~Copyable {
        /// The file `lock`, which other processes are kept away with as with the folder itself. `nil`: the folder has none and
        /// can get none.
        var file: HeldLock?
        var problem: Diagnostic?
        /// It is told that the folder stands at its path no more.
        var isDisplaced = false
    }

    /// Makes the folder if it is not there, and takes it for this process until it ends. Nothing changes at a folder that is
    /// not ours.
    init(_ path: String, log: Logger) throws(Unusable) {
        held = HeldFolder(path)
        self.log = log
        var taken = State()
        try Self.take(held, &taken)
        state = Mutex(taken)
    }

    // MARK: Looking after it

    var heldBack: [Diagnostic] { state.withLock { $0.problem.map { [$0] } ?? [] } }

    func retry() async { if !heldBack.isEmpty { mend() } }

    /// Whether what keeps other processes away is gone from where they look, or is back there since it was told.
    var isLost: Bool { state.withLock { $0.isDisplaced || !Self.isWhole(held, $0) } }

    /// Makes again what is lost. Not while a change is prepared or committed.
    func restore() { if isLost { mend() } }

    private static func isWhole(_ held: HeldFolder, _ state: borrowing State) -> Bool {
        switch held.standing {
        case .absent: true
        case .inPlace: held.place(of: lockName).flatMap { state.file?.stands(at: $0) } ?? true
        case .displaced, .removed, .unseen: false
        }
    }

    /// What is worth a word besides what is held back.
    private enum Outcome {
        case unchanged, remade, returned, mended
    }

    private func mend() {
        let outcome = state.withLock { state -> Outcome in
            let former = state.problem
            let (wasWhole, wasDisplaced) = (Self.isWhole(held, state), state.isDisplaced)
            do throws(Unusable) {
                switch held.standing {
                case .inPlace:
                    try held.withDescriptor { descriptor throws(Unusable) in
                        try Self.settle(descriptor, held.path, &state)
                    }
                case .absent, .removed: try Self.take(held, &state)
                case .displaced:
                    throw Unusable(
                        description:
                            "the folder that this process has locked stands at its path no more: what is kept goes there, "
                            + "wherever it was moved, and nothing of what stands at the path now is read or written")
                case .unseen(let error):
                    throw Self.unusable(held.path, "cannot see whether it stands there still", error, to: .read)
                }
            } catch {
                // None yet, and none to be had.
                guard held.isHeld else { return .unchanged }
                state.problem = Self.lost(held.path, error)
                state.isDisplaced = true
                return .unchanged
            }
            state.isDisplaced = false
            if !wasWhole { return .remade }
            if wasDisplaced { return .returned }
            return former != nil && state.problem == nil ? .mended : .unchanged
        }
        switch outcome {
        case .unchanged: break
        case .mended: log.info("the state folder can be written again")
        case .returned: log.notice("the state folder is in its place again", metadata: ["folder": "\(held.path)"])
        case .remade:
            log.warning(
                "the state folder was emptied or removed while it was in use: its lock is made again",
                metadata: ["folder": "\(held.path)"])
        }
    }

    private static func lost(_ path: String, _ error: Unusable) -> Diagnostic {
        Diagnostic(
            .stateUnavailable, at: .place(path), found: error.description,
            expected: "the state folder that this process began with",
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

    private static let lockName = "lock"

    /// Takes the folder at the path, and makes it if there is none. A process that had one takes none but a new one: what
    /// stands there may be another mesh's, or an enemy's.
    private static func take(_ held: HeldFolder, _ state: inout State) throws(Unusable) {
        let path = held.path
        let isNew: Bool
        switch try make(path) {
        case .made: isNew = true
        case .wasThere: isNew = false
        case .impossible(let error):
            guard !held.isHeld else { throw unusable(path, "cannot make it again", error) }
            held.refuse(error)
            state.problem = Self.problem(path, "make it", error)
            return
        }
        let isFirst = !held.isHeld
        guard isNew || isFirst else { throw replaced }
        let folder = try open(path, followingLink: isFirst)
        try settle(folder.descriptor, path, mustBeNew: !isFirst, &state)
        do throws(OpenFolder.Refusal) { try held.hold(folder) } catch {
            throw unusable(path, "cannot keep it open", error.errno)
        }
    }

    private static func open(_ path: String, followingLink: Bool) throws(Unusable) -> OpenFolder {
        do throws(OpenFolder.Refusal) {
            return try OpenFolder(path, followingLink: followingLink)
        } catch {
            guard error.errno == ENOTDIR else { throw unusable(path, "cannot look into it", error.errno, to: .read) }
            throw Unusable(
                description: "state folder \(path): it is no folder: name one that is empty, or none that exists")
        }
    }

    private static var replaced: Unusable {
        Unusable(description: "the folder that this process has locked was removed, and another stands at its path")
    }

    /// Judges a folder, locks it, and puts into it what belongs there.
    /// - Parameters:
    ///   - descriptor: The folder's; it is locked for as long as that, or a copy of it, is open.
    ///   - state: Of it: what is held already and still stands where it should is kept; otherwise all of it is, if this throws.
    private static func settle(
        _ descriptor: CInt, _ path: String, mustBeNew: Bool = false, _ state: inout State
    ) throws(Unusable) {
        let place = OpenFolder.place(descriptor)
        var problem: Diagnostic?
        let isMarked = try claim(descriptor, path, mustBeNew: mustBeNew, &problem)
        // Before a file is made beside another process's. Some filesystems lock no folders.
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else { throw inUse(path) }
        let lock = "\(place)/\(lockName)"
        if state.file?.stands(at: lock) ?? false {
            if unsafe access(lock, W_OK) != 0, isOfDisk(errno) { problem = Self.problem(path, "write to it", errno) }
        } else {
            state.file = try lockFile(lock, of: path, &problem)
        }
        if !isMarked, problem == nil { mark(place) }
        state.problem = problem
    }

    private static func lockFile(
        _ file: String, of path: String, _ problem: inout Diagnostic?
    ) throws(Unusable) -> HeldLock? {
        do throws(HeldLock.Failure) {
            return try HeldLock(file, O_RDWR | O_CREAT | O_NOFOLLOW)
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
            return try HeldLock(file, O_RDONLY | O_NOFOLLOW)
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
    private static func claim(
        _ descriptor: CInt, _ path: String, mustBeNew: Bool, _ problem: inout Diagnostic?
    ) throws(Unusable) -> Bool {
        var status = stat()
        var found = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw unusable(path, "cannot look at it", errno) }
        let place = OpenFolder.place(descriptor)
        guard unsafe stat(place, &found) == 0, found.st_dev == status.st_dev, found.st_ino == status.st_ino else {
            throw Unusable(
                description: "state folder \(path): it is reached by /proc/self/fd, which is not there: mount /proc")
        }
        let claim = StateFolderClaim(
            entries: try entries(place, of: path), permissions: status.st_mode & 0o7777,
            owner: status.st_uid, user: geteuid())
        guard !mustBeNew || claim.verdict == .free else { throw replaced }
        switch claim.verdict {
        case .refused(let reason): throw Unusable(description: "state folder \(path): \(reason)")
        case .free: return false
        case .used: return true
        case .ours:
            // Keys lie here: nobody else has business in it.
            if status.st_mode & 0o077 == 0 || fchmod(descriptor, 0o700) == 0 { return true }
            // The files are closed by themselves, and none will be added.
            guard isOfDisk(errno) else {
                throw unusable(path, "others may enter it, and that cannot be changed", errno)
            }
            problem = Self.problem(path, "close it to others", errno)
            return true
        }
    }

    private static func entries(_ place: String, of path: String) throws(Unusable) -> Set<String> {
        guard let folder = unsafe opendir(place) else { throw unusable(path, "cannot look into it", errno, to: .read) }
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
    private static func mark(_ place: String) {
        let text: StaticString = "Heddle keeps its state in this folder.\n"
        let descriptor = unsafe Glibc.open(
            "\(place)/\(StateFolderClaim.marker)", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
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
