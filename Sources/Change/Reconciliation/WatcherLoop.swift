import CLinux
import Glibc

/// What the watcher's thread does.
struct WatcherLoop {
    /// Until a file that changed without an event is looked at again.
    private static let secondLook = Duration.milliseconds(100)

    private let settings: FolderWatcher.Settings
    private let inbox: WatcherInbox
    private let readings: AsyncStream<FolderReading>.Continuation

    private var settler: ChangeSettler
    private var reader: FolderReader
    private var table = WatchTable()
    /// `nil` while polling.
    private var queue: InotifyQueue?
    private var mode = WatchMode.inotify
    /// When to try inotify again, while its limit is reached.
    private var nextAttempt: ContinuousClock.Instant
    private var sequence: UInt64 = 0
    private var lastDelivery: ContinuousClock.Instant
    /// Something changed that was not delivered yet.
    private var isChanged = true
    private var mustDeliver = true
    private var heldByLastReading: Set<String> = []

    init(_ settings: FolderWatcher.Settings, inbox: WatcherInbox, readings: AsyncStream<FolderReading>.Continuation) {
        self.settings = settings
        self.inbox = inbox
        self.readings = readings
        let now = ContinuousClock.now
        settler = ChangeSettler(times: settings.times, now: now)
        reader = FolderReader(folder: settings.folder)
        nextAttempt = now
        lastDelivery = now
    }

    mutating func run() {
        settler.schedule(at: .now)
        while handleCommands() {
            drain()
            if let request = settler.next(at: .now) {
                perform(request)
                continue
            }
            wait(until: settler.wake)
        }
        readings.finish()
        inbox.close()
    }

    private func wait(until wake: ContinuousClock.Instant) {
        let left = ContinuousClock.now.duration(to: wake)
        guard left > .zero else { return }
        let (seconds, attoseconds) = left.components
        var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
        var descriptors = [
            pollfd(fd: inbox.descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: queue?.descriptor ?? -1, events: Int16(POLLIN), revents: 0),
        ]
        _ = unsafe ppoll(&descriptors, 2, &time, nil)
    }

    /// - Returns: `false` to end.
    private mutating func handleCommands() -> Bool {
        var goesOn = true
        for command in inbox.take() {
            switch command {
            case .stop: goesOn = false
            case .rescan(let time):
                settler.schedule(at: time)
                mustDeliver = true
            case .watch(let paths, let continuation):
                if reader.watch(Set(paths.map(absolute))) { settler.schedule(at: .now) }
                continuation.resume()
            case .read(let deleted, let continuation):
                drain()
                for path in deleted { settler.record(.removed(path: path), at: .now) }
                perform(settler.forced(at: .now))
                continuation.resume(returning: reading(firstEventAt: .now, held: heldByLastReading))
            }
        }
        return goesOn
    }

    private mutating func drain() {
        guard let events = queue?.drain(), !events.isEmpty else { return }
        let now = ContinuousClock.now
        let meaning = table.meaning(of: events) { path in
            do throws(FileError) { return try FileAccess.facts(path, followingLinks: false) } catch { return nil }
        }
        for event in meaning { settler.record(event, at: now) }
    }

    /// Reads the one file that was replaced. It stays undelivered as well: all is delivered again when it is quiet.
    private mutating func performEarly(_ request: ChangeSettler.Request) {
        let calm = queue?.calm(until: request.firstEventAt + settings.times.quietAfterRename)
        let finding = reader.look(for: request, looksTwice: queue == nil) { _, _ in }
        drain()
        if let calm, reader.take(finding, except: settler.isDisturbed) {
            isChanged = true
            var early = reading(firstEventAt: request.firstEventAt, held: [])
            early.calm = calm
            readings.yield(early)
        } else {
            settler.postpone(request)
        }
    }

    private mutating func perform(_ request: ChangeSettler.Request) {
        if request.isEarly { return performEarly(request) }
        if request.everything { chooseMode() }
        let isPolling = queue == nil
        let watching = Watching(limit: settings.watchLimit)
        let descriptor = queue?.descriptor
        let finding = reader.look(for: request, looksTwice: isPolling) { folder, interest in
            if let descriptor { watching.add(folder, interest, to: descriptor) }
        }
        if request.everything { rebuildTable(watching) }
        // What was written while files were read shows now: it is read again when its writer is done.
        drain()
        if reader.take(finding, except: settler.isDisturbed) { isChanged = true }
        let now = ContinuousClock.now
        if !finding.unsettled.isEmpty { settler.schedule(at: now + Self.secondLook) }
        let waits = settler.settle(request, busy: finding.busy, missing: finding.missing, at: now)
        heldByLastReading = request.held.union(finding.busy).union(finding.missing).union(finding.unsettled)
            .union(finding.paths.filter(settler.isDisturbed))
        if waits { return }

        let isDue = queue != nil || mustDeliver || lastDelivery + settings.times.rescan <= now
        guard isChanged || (request.everything && isDue) else { return }
        isChanged = false
        mustDeliver = false
        lastDelivery = now
        readings.yield(reading(firstEventAt: request.firstEventAt, held: heldByLastReading))
    }

    private mutating func reading(firstEventAt: ContinuousClock.Instant, held: Set<String>) -> FolderReading {
        sequence += 1
        return FolderReading(
            sequence: sequence, files: reader.files, problems: reader.problems, held: held,
            watchedFilesRevision: reader.watchedFilesRevision, firstEventAt: firstEventAt, mode: mode)
    }

    // MARK: Watching or polling

    private mutating func chooseMode() {
        if let name = settings.remoteFilesystem(settings.folder) {
            startPolling(because: .remoteFilesystem(name))
            return
        }
        if case .polling(_, .remoteFilesystem) = mode { nextAttempt = .now }
        guard queue == nil, nextAttempt <= .now else { return }
        do throws(InotifyQueue.Failure) {
            queue = try InotifyQueue()
            mode = .inotify
            settler.rescanInterval = settings.times.rescan
        } catch {
            startPolling(because: .watchLimit)
        }
    }

    private mutating func startPolling(because reason: PollingReason) {
        queue = nil
        table = WatchTable()
        mode = .polling(every: settings.times.polling, because: reason)
        settler.rescanInterval = settings.times.polling
        settler.schedule(at: .now + settings.times.polling)
        nextAttempt = .now + settings.times.rescan
    }

    private mutating func rebuildTable(_ watching: Watching) {
        guard queue != nil else { return }
        let traces = reader.watchedPaths.map { path in
            PathTracer(path) { watching.add($0, .contents, to: queue!.descriptor) }
        }
        if watching.isOverLimit {
            startPolling(because: .watchLimit)
            return
        }
        if let name = reader.listing.folders.lazy.compactMap({ [settings] in settings.remoteFilesystem($0.path) }).first
        {
            startPolling(because: .remoteFilesystem(name))
            return
        }
        let former = Set(table.watches)
        table = WatchTable(reader.listing, watchedFiles: traces, watches: watching.watches)
        for watch in former.subtracting(watching.watches.values) { queue!.unwatch(watch) }
    }

    private func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : settings.folder + "/" + path
    }
}

/// Collects the watches of one listing.
private final class Watching {
    private(set) var watches: [String: CInt] = [:]
    private(set) var isOverLimit = false
    private var readFolders: Set<String> = []
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    /// A folder that is gone by now is not watched; the event of the one above says so.
    func add(_ folder: String, _ interest: FolderListing.Interest, to descriptor: CInt) {
        guard watches[folder] == nil || (interest == .contents && !readFolders.contains(folder)) else { return }
        if interest == .contents { readFolders.insert(folder) }
        guard watches[folder] != nil || watches.count < limit else {
            isOverLimit = true
            return
        }
        do throws(InotifyQueue.Failure) {
            watches[folder] = try InotifyQueue.watch(folder, for: interest, on: descriptor)
        } catch .limitReached {
            isOverLimit = true
        } catch {}
    }
}
