import Diagnostics
import Glibc
import SystemInterfaces

extension StateFolder {
    static let lockName = "lock"

    /// Takes the folder at the path, and makes it if there is none. A process that had one takes none but a new one: what
    /// stands there may be another mesh's, or an enemy's.
    static func take(_ held: HeldFolder, _ state: inout State) throws(Unusable) {
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
        do throws(SystemCallError) { try held.hold(folder) } catch {
            throw unusable(path, "cannot keep it open", error.errno)
        }
    }

    private static func open(_ path: String, followingLink: Bool) throws(Unusable) -> OpenFolder {
        do throws(SystemCallError) {
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
    ///   - state: The folder's. A lock that is held and still stands is kept; if this throws, nothing of it has changed.
    static func settle(
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
            // Each file in it is closed to others by its own mode, and none is added while the disk takes nothing.
            guard isOfDisk(errno) else {
                throw unusable(path, "others may enter it, and that cannot be changed", errno)
            }
            problem = Self.problem(path, "close it to others", errno)
            return true
        }
    }

    private static func entries(_ place: String, of path: String) throws(Unusable) -> Set<String> {
        do throws(SystemCallError) {
            let found = try FileAccess.names(inFolder: place)
            return Set(found.names + found.unreadable.map { String(printable: $0) })
        } catch {
            throw unusable(path, "cannot look into it", error.errno, to: .read)
        }
    }

    /// A folder without its mark is known by the other files in it.
    private static func mark(_ place: String) {
        let text: StaticString = "Heddle keeps its state in this folder.\n"
        let descriptor = unsafe Glibc.open(
            "\(place)/\(StateFolderClaim.marker)", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return }
        _ = unsafe write(descriptor, text.utf8Start, text.utf8CodeUnitCount)
        close(descriptor)
    }
}
