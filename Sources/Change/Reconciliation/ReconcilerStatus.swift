package import CommonValues
package import Diagnostics
import Glibc
package import Manifests

/// What reconciliation is doing, for `heddle status`.
package struct ReconcilerStatus: Sendable, Hashable {
    /// `nil` until the first generation serves.
    package var serving: ServedGeneration?
    /// The last attempt, if it was refused; `nil` once what lies in the folder serves.
    package var refused: RefusedAttempt?
    /// Set while a change waits because it takes much away.
    package var pending: PendingConfirmation?
    package var watching: WatchMode
    /// What is watched otherwise than by its folder, by path.
    package var watchedAlone: [WatchedAlone] = []
    /// What keeps the set that serves from being kept, or from having been.
    package var stateProblem: Diagnostic?

    /// Whether there is nothing to tell besides what was told already.
    func says(as former: ReconcilerStatus) -> Bool {
        serving?.generation == former.serving?.generation && refused?.hash == former.refused?.hash
            && refused?.diagnostics == former.refused?.diagnostics && pending == former.pending
    }
}

/// How changes are noticed.
package enum WatchMode: Sendable, Hashable {
    /// The kernel tells, at once.
    case inotify
    /// etcd tells, at once.
    case etcd
    /// The folder is read again and again.
    case polling(every: Duration, because: PollingReason)
}

package enum PollingReason: Sendable, Hashable {
    /// Another host may change the files, which this kernel does not see: `NFS`, `CIFS`, `FUSE`, `9p`…
    case remoteFilesystem(String)
    /// `fs.inotify.max_user_watches` is reached.
    case watchLimit
    /// There is no inotify to be had.
    case unavailable(errno: CInt)

    /// For people.
    package var explanation: String {
        switch self {
        case .remoteFilesystem(let kind):
            "the folder lies on \(kind), where changes made by other hosts are not announced"
        case .watchLimit: "the limit of inotify watches is reached; raise fs.inotify.max_user_watches"
        case .unavailable(EMFILE):
            "no inotify instance is to be had; raise fs.inotify.max_user_instances, or this process's limit of open "
                + "files (ulimit -n)"
        case .unavailable(let errno):
            "the kernel does not announce changes (\(FailedCall.reason(errno))); "
                + FailedCall.remedy(errno, to: .read, "the folder")
        }
    }
}

package struct RefusedAttempt: Sendable, Hashable {
    package let hash: String
    package let at: UnixTime
    /// All mistakes of the attempt, by position.
    package let diagnostics: [Diagnostic]
}

/// A set that takes much away at once is more often an accident than an intention.
package struct PendingConfirmation: Sendable, Hashable {
    package enum Reason: Sendable, Hashable {
        /// No resource is left: taken up only when confirmed (`heddle apply --prune`).
        case empty
        /// More than half of the resources are gone: taken up if a second reading, 1 s later, says the same.
        case halfLost
    }

    package let reason: Reason
    package let since: UnixTime
    package let hash: String
    package let resourceCount: Int
    package let servedResourceCount: Int
}

/// Something worth a line in the log.
package enum ReconcilerEvent: Sendable, Hashable {
    case served(ServedGeneration)
    case refused(RefusedAttempt)
    case pending(PendingConfirmation)
    /// The folder holds what serves again, after an attempt that was refused or waited.
    case mended(ServedGeneration)
    /// Somebody had the folder read again, and nothing came of it: it serves, is refused or waits as before.
    case readAgain(ReconcilerStatus)
    case watching(WatchMode)
    /// What became of changes that were cut off: what is new of it.
    case interruption([Diagnostic])
    case stateProblem(Diagnostic)
    /// What `stateProblem` told of is over.
    case stateMended
}

/// How `start` ended.
package enum StartOutcome: Sendable {
    case serving(ServedGeneration)
    /// The folder is wrong, and the last good set of an earlier run serves instead.
    case servingLastGood(ServedGeneration, refused: [Diagnostic])
    /// Nothing serves.
    case refused([Diagnostic])
    /// `stop` came before there was anything to serve.
    case stopped
}

/// How `apply`, `delete` or `confirmEmpty` ended.
package enum ApplyOutcome: Sendable {
    /// It serves. The diagnostics are warnings.
    case served(ServedGeneration, changes: [ResourceChange], warnings: [Diagnostic])
    /// The set served already says the same.
    case unchanged([ResourceChange])
    /// It would be taken up; nothing was written.
    case dryRun(changes: [ResourceChange], warnings: [Diagnostic])
    /// Nothing was written.
    case refused([Diagnostic])
}

/// What an `apply` or `delete` does to one resource.
package struct ResourceChange: Sendable, Hashable {
    package enum Action: String, Sendable, Hashable {
        case created, updated, unchanged, deleted
    }

    package let identity: ResourceIdentity
    package let action: Action
    /// The manifest it stands, or stood, in: relative to the folder.
    package let path: String
}
