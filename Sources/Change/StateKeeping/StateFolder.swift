package import Diagnostics
import Glibc
package import Logging
import Reconciliation
import Synchronization
package import SystemInterfaces

/// The folder that outlives the process: keys, generations, the admin socket. One process at a time.
///
/// A disk that is full, or mounted for reading only, is no reason to serve nothing: what lies in the folder is read, what
/// cannot be written is told, and the folder is taken as it should be once that can be done.
package final class StateFolder: HostDependent {
    /// The name of the admin socket in it.
    package static let socketName = "admin.sock"

    /// The folder, for those who read and write in it.
    package let held: HeldFolder
    private let log: Logger
    private let state: Mutex<State>

    package struct Unusable: Error, CustomStringConvertible {
        package let description: String

        package init(description: String) { self.description = description }
    }

    struct State: ~Copyable {
        /// The file `lock`, which other processes are kept away with as with the folder itself. `nil`: the folder has none and
        /// can get none.
        var file: HeldLock?
        var problem: Diagnostic?
        /// It is told that the folder stands at its path no more.
        var isDisplaced = false
    }

    /// Makes the folder if it is not there, and takes it for this process until it ends. Nothing changes at a folder that is
    /// not ours.
    package init(_ path: String, log: Logger) throws(Unusable) {
        held = HeldFolder(path)
        self.log = log
        var taken = State()
        try Self.take(held, &taken)
        state = Mutex(taken)
    }

    /// Whether a process runs that has taken the folder at a path.
    package static func isInUse(_ path: String) -> Bool {
        guard let folder = try? OpenFolder(path, followingLink: true) else { return false }
        return flock(folder.descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }

    // MARK: Looking after it

    package var heldBack: [Diagnostic] { state.withLock { $0.problem.map { [$0] } ?? [] } }

    package func retry() async { if !heldBack.isEmpty { mend() } }

    /// Whether the folder or its lock is no longer where other processes look, or is back there since its loss was told.
    package var isLost: Bool { state.withLock { $0.isDisplaced || !Self.isWhole(held, $0) } }

    /// Makes again what is lost. Not while a change is prepared or committed.
    package func restore() { if isLost { mend() } }

    private static func isWhole(_ held: HeldFolder, _ state: borrowing State) -> Bool {
        switch held.standing {
        case .absent: true
        case .inPlace: held.place(of: lockName).flatMap { state.file?.stands(at: $0) } ?? true
        case .displaced, .removed, .unseen: false
        }
    }

    /// What the log says of a mending, besides what is held back.
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
                // With no folder taken yet there is nothing to be lost.
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

    /// Whether an error is the disk's, full or read-only, and not the permissions'.
    static func isOfDisk(_ errno: CInt) -> Bool { [EROFS, ENOSPC, EDQUOT].contains(errno) }

    static func problem(_ path: String, _ what: String, _ errno: CInt) -> Diagnostic {
        Diagnostic(
            .stateUnavailable, at: .place(path),
            found: "cannot \(what): \(FailedCall.reason(errno))",
            expected:
                "a state folder that can be written: until then no generation is kept for a restart, and no root is made",
            remedy: FailedCall.remedy(errno, to: .write, "the state folder"))
    }

    static func unusable(
        _ path: String, _ what: String, _ errno: CInt, to aim: FailedCall.Aim = .write
    ) -> Unusable {
        Unusable(
            description: "state folder \(path): \(what): \(FailedCall.reason(errno)): "
                + FailedCall.remedy(errno, to: aim, "the state folder"))
    }
}
