import CLinux
import Diagnostics
import Glibc
import Synchronization
import SystemInterfaces

/// Watches a folder of manifests on a thread of its own, and reads it when it has settled.
///
/// Decisions are `ChangeSettler`'s and `WatchTable`'s; here are only the thread and its system calls. Reading happens on
/// the same thread, because only so can it be certain that no one wrote to a file while it was read: the events are
/// looked at again before what was read is believed.
package final class FolderWatcher: Sendable {
    package struct Settings: Sendable {
        /// Absolute.
        package var folder: String
        package var selection = FolderSelection.manifests
        package var times = ReadingTimes()
        /// Folders watched at most; with more, the folder is polled. Default: as many as the kernel allows.
        package var watchLimit = Int.max
        /// The name of the filesystem if the path lies on a remote one.
        package var remoteFilesystem: @Sendable (String) -> String?

        package init(folder: String) {
            self.folder = folder
            remoteFilesystem = { RemoteFilesystem.name(at: $0) }
        }
    }

    /// Whole readings of the folder, whenever it changed, and at every rescan. Only the newest is kept for a consumer
    /// that is busy. Ends with `stop`.
    package let readings: AsyncStream<FolderReading>
    private let inbox: WatcherInbox

    /// Starts to watch. The first reading comes as soon as the folder has been listed.
    package init(_ settings: Settings) throws(WatcherError) {
        let inbox = try WatcherInbox()
        self.inbox = inbox
        let (stream, continuation) = AsyncStream.makeStream(
            of: FolderReading.self, bufferingPolicy: .bufferingNewest(1))
        readings = stream
        do throws(SystemCallError) {
            try SystemThread.start(name: settings.selection == .manifests ? "manifests" : "sources") {
                var loop = WatcherLoop(settings, inbox: inbox, readings: continuation)
                loop.run()
            }
        } catch {
            throw WatcherError(error)
        }
    }

    deinit { stop() }

    /// Reads everything now, for who asks alone: what has not settled comes with `readings`, when it has.
    /// - Parameter edited: What this process has just tried to change. What was read before counts no more, so that a reading
    ///   follows in any case.
    /// - Returns: `nil` once stopped: no reading is made any more.
    package func readNow(after edited: EditedFiles?) async -> FolderReading? {
        await withCheckedContinuation { inbox.post(.read(after: edited, $0)) }
    }

    /// Asks for a reading of everything, which then comes with `readings`.
    package func rescan(after delay: Duration) {
        inbox.post(.rescan(at: .now + delay))
    }

    /// Watches these files too; they replace those of the last call. A change after this returns does not go unseen.
    /// - Parameter paths: Absolute, or relative to the folder.
    package func watch(files paths: Set<String>) async {
        await withCheckedContinuation { inbox.post(.watch(paths, $0)) }
    }

    /// Ends the thread and `readings`.
    package func stop() { inbox.post(.stop) }
}

/// The watcher cannot be started.
package struct WatcherError: Error, CustomStringConvertible {
    package let description: String

    init(_ error: SystemCallError) {
        description =
            "the manifests cannot be watched: \(error.call): \(error.reason): "
            + FailedCall.remedy(error.errno, to: .read)
    }
}

/// Posts commands to the watcher's thread.
final class WatcherInbox: Sendable {
    enum Command {
        case read(after: EditedFiles?, CheckedContinuation<FolderReading?, Never>)
        case rescan(at: ContinuousClock.Instant)
        case watch(Set<String>, CheckedContinuation<Void, Never>)
        case stop

        /// There is no one left to carry it out.
        func refuse() {
            switch self {
            case .read(_, let continuation): continuation.resume(returning: nil)
            case .watch(_, let continuation): continuation.resume()
            case .rescan, .stop: break
            }
        }
    }

    private struct State {
        var commands: [Command] = []
        var isClosed = false
    }

    private let state = Mutex(State())
    private let wakeup: Wakeup
    /// Readable while there are commands.
    var descriptor: CInt { wakeup.descriptor }

    init() throws(WatcherError) {
        do throws(SystemCallError) { wakeup = try Wakeup() } catch { throw WatcherError(error) }
    }

    func post(_ command: Command) {
        let isClosed = state.withLock { state in
            if !state.isClosed { state.commands.append(command) }
            return state.isClosed
        }
        if isClosed {
            command.refuse()
            return
        }
        wakeup.give()
    }

    func take() -> [Command] {
        wakeup.take()
        return state.withLock { state in
            defer { state.commands = [] }
            return state.commands
        }
    }

    /// Takes no further commands.
    func close() {
        let rest = state.withLock { state in
            state.isClosed = true
            defer { state.commands = [] }
            return state.commands
        }
        for command in rest { command.refuse() }
    }
}
