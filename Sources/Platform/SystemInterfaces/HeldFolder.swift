import CLinux
import Glibc
import Synchronization

/// A folder as those have it who read and write in it: by its descriptor, and not by its path, at which another may stand at any
/// moment.
package final class HeldFolder: Sendable {
    /// Where it stood when it was taken. For people; what is done there may be done to another folder.
    package let path: String
    private let state = Mutex(State())

    private struct State: ~Copyable {
        /// `nil`: there is none yet.
        var opened: OpenFolder?
        /// `errno`: why there is none.
        var refusal = ENOENT
    }

    /// Holds none yet.
    /// - Parameter path: Absolute.
    package init(_ path: String) { self.path = path }

    /// Where the system finds what has this name in it; `nil`: no folder is held.
    package func place(of name: String) -> String? {
        state.withLock { state in
            guard let descriptor = state.opened?.descriptor else { return nil }
            return "\(OpenFolder.place(descriptor))/\(name)"
        }
    }

    /// As `place(of:)`, for what needs a folder.
    /// - Throws: What kept the folder from being made.
    package func reach(_ name: String) throws(SystemCallError) -> String {
        guard let place = place(of: name) else { throw SystemCallError("open", errno: refusal) }
        return place
    }

    /// Where people find it.
    package func path(of name: String) -> String { "\(path)/\(name)" }

    package var isHeld: Bool { state.withLock { $0.opened != nil } }

    /// Why no folder is held: `errno` of what kept it from being made. Not for when one is.
    package var refusal: CInt { state.withLock { $0.refusal } }

    /// - Parameter errno: Why there is none.
    package func refuse(_ errno: CInt) { state.withLock { $0.refusal = errno } }

    /// Holds this folder in the former one's place, under the same descriptor: paths that were given out lead to it.
    package func hold(_ folder: consuming OpenFolder) throws(SystemCallError) {
        // Out of a `consuming` parameter only once: a closure may run several times.
        var folder: OpenFolder? = folder
        let error: CInt = state.withLock { state in
            guard let former = state.opened?.descriptor, let descriptor = folder?.descriptor else {
                state.opened = folder.take()
                return 0
            }
            return dup3(descriptor, former, O_CLOEXEC) >= 0 ? 0 : errno
        }
        guard error == 0 else { throw SystemCallError("dup3", errno: error) }
    }

    /// Does something to the folder that is held; `nil`: none is.
    package func withDescriptor<Result, Failure: Error>(
        _ body: (CInt) throws(Failure) -> Result
    ) throws(Failure) -> Result? {
        // It is open for as long as this lives, and keeps its number.
        guard let descriptor = state.withLock({ $0.opened?.descriptor }) else { return nil }
        return try body(descriptor)
    }

    package enum Standing: Hashable, Sendable {
        /// None is held.
        case absent
        /// It stands at the path.
        case inPlace
        /// It is somewhere else, and perhaps another stands at the path.
        case displaced
        /// It was removed, and nothing stands at the path.
        case removed
        /// What stands at the path cannot be seen, as one of the folders above may not be entered.
        case unseen(errno: CInt)
    }

    package var standing: Standing {
        var own = stat()
        var found = stat()
        guard withDescriptor({ unsafe fstat($0, &own) == 0 }) ?? false else { return .absent }
        if unsafe stat(path, &found) == 0 {
            return own.st_dev == found.st_dev && own.st_ino == found.st_ino ? .inPlace : .displaced
        }
        let error = errno
        guard [ENOENT, ENOTDIR, ELOOP].contains(error) else { return .unseen(errno: error) }
        let isRemoved = own.st_nlink == 0
        return unsafe isRemoved && lstat(path, &found) != 0 && errno == ENOENT ? .removed : .displaced
    }
}
