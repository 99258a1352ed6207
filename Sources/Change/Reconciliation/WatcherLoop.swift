import CLinux
import Glibc
import SystemInterfaces

/// What the watcher's thread does.
struct WatcherLoop {
    /// Until a file that changed without an event is looked at again.
    private static let secondLook = Duration.milliseconds(100)

    private let settings: FolderWatcher.Settings
    private let inbox: WatcherInbox
    private let readings: AsyncStream<FolderReading>.Continuation

    private var settler: ChangeSettler
    private var reader: FolderReader
    private var table: WatchTable
    /// `nil` while polling.
    private var queue: InotifyQueue?
    private var mode = WatchMode.inotify
    /// By path: what is watched otherwise than by its folder.
    private var watchedAlone: [String: WatchedAlone] = [:]
    private let mounts = MountTable()
    private var nextLookAtMounts: ContinuousClock.Instant
    /// When to try inotify again, while its limit is reached.
    private var nextAttempt: ContinuousClock.Instant
    private var sequence: UInt64 = 0
    private var lastDelivery: ContinuousClock.Instant
    /// Something changed that was not delivered yet.
    private var isChanged = true
    private var mustDeliver = true
    private var drafts = WaitingDrafts()
    /// Changes of which half lay in the folder before the last look, or does since.
    private var halvesAtLastLook: Set<UInt64> = []
    private var heldByLastReading: Set<String> = []

    init(_ settings: FolderWatcher.Settings, inbox: WatcherInbox, readings: AsyncStream<FolderReading>.Continuation) {
        self.settings = settings
        self.inbox = inbox
        self.readings = readings
        let now = ContinuousClock.now
        settler = ChangeSettler(times: settings.times, now: now)
        table = WatchTable(settings.selection)
        reader = FolderReader(folder: settings.folder, selection: settings.selection)
        nextAttempt = now
        lastDelivery = now
        nextLookAtMounts = now
    }

    /// Whether there is something that no event tells of.
    private var isPolling: Bool { queue == nil || watchedAlone.values.contains(where: \.isPolled) }

    mutating func run() {
        settler.schedule(at: .now)
        while handleCommands() {
            drain()
            let isOperationRunning = operationLook()
            if let request = settler.next(at: .now, isOperationRunning: isOperationRunning) {
                perform(request)
                continue
            }
            wait(until: settler.wake)
        }
        readings.finish()
        inbox.close()
    }

    /// Looks whether a command of git is changing the folder.
    private func operationLook() -> () -> Bool {
        guard let root = reader.listing.root else { return { false } }
        let age = settings.times.operation
        return { GitOperation.isRunning(around: root, lockNoOlderThan: age) }
    }

    private mutating func wait(until wake: ContinuousClock.Instant) {
        let left = ContinuousClock.now.duration(to: wake)
        guard left > .zero else { return }
        let (seconds, attoseconds) = left.components
        var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
        var descriptors = [
            pollfd(fd: inbox.descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: queue?.descriptor ?? -1, events: Int16(POLLIN), revents: 0),
            pollfd(fd: mounts.descriptor, events: Int16(POLLPRI), revents: 0),
        ]
        _ = unsafe ppoll(&descriptors, UInt(descriptors.count), &time, nil)
        if descriptors[2].revents != 0 {
            // Some hosts mount and unmount without end.
            let now = ContinuousClock.now
            settler.schedule(at: max(now, nextLookAtMounts))
            nextLookAtMounts = max(now, nextLookAtMounts) + settings.times.polling
        }
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
            case .read(let edited, let continuation):
                drain()
                for path in edited.map({ reader.learn($0) }) ?? [] { settler.forget(path) }
                continuation.resume(returning: answer(isAfterEdit: edited != nil))
            }
        }
        return goesOn
    }

    private mutating func drain() {
        guard let events = queue?.drain(), !events.isEmpty else { return }
        let now = ContinuousClock.now
        let meaning = table.meaning(of: events) { path in
            do throws(SystemCallError) { return try FileAccess.facts(path, followingLinks: false) } catch { return nil }
        }
        for event in meaning { settler.record(event, at: now) }
        if drafts.note(table.companions(in: events), at: now) {
            // Perhaps no manifest has changed with it.
            isChanged = true
            settler.deliver(at: now)
        }
    }

    /// Reads the one file that was replaced. It stays undelivered as well: all is delivered again when it is quiet.
    private mutating func performEarly(_ request: ChangeSettler.Request) {
        guard drafts.halves.isEmpty else { return settler.postpone(request) }
        let calm = queue?.calm(until: request.firstEventAt + settings.times.quietAfterRename)
        let finding = reader.look(for: request, looksTwice: isPolling)
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

    /// Reads for somebody who asks.
    private mutating func answer(isAfterEdit: Bool) -> FolderReading {
        _ = look(for: settler.question(at: .now))
        if isAfterEdit { isChanged = true }
        if isChanged { settler.deliver(at: .now) }
        var answer = reading(firstEventAt: .now, held: heldByLastReading)
        answer.isDuringOperation = operationLook()()
        answer.isUnsettled = settler.isUnderWay
        return answer
    }

    private mutating func perform(_ request: ChangeSettler.Request) {
        if request.isEarly { return performEarly(request) }
        var request = request
        // What no event tells of may be of the same change as what some event told of.
        if isPolling { (request.everything, request.watchedFiles) = (true, true) }
        guard look(for: request) else { return }
        let now = ContinuousClock.now
        let isDue = !isPolling || mustDeliver || lastDelivery + settings.times.rescan <= now
        guard isChanged || (request.everything && isDue) else { return }
        isChanged = false
        mustDeliver = false
        lastDelivery = now
        readings.yield(reading(firstEventAt: request.firstEventAt, held: heldByLastReading))
    }

    /// - Returns: Whether what was found does not have to wait for files that are missing.
    private mutating func look(for request: ChangeSettler.Request) -> Bool {
        halvesAtLastLook = drafts.halves
        if request.everything { chooseMode() }
        let formerProblems = request.everything ? reader.listing.problems : [:]
        let watching = Watching(limit: settings.watchLimit, on: queue?.descriptor)
        // Certificates and keys are watched before they are read, too.
        let traces =
            request.everything
            ? reader.watchedPaths.map { path in PathTracer(path) { watching.add($0, .contents) } } : []
        for (path, trace) in zip(reader.watchedPaths, traces) { watching.add(watchedFile: path, trace) }
        let finding = reader.look(
            for: request, looksTwice: isPolling,
            watching: FolderReader.Watching(
                folder: { watching.add($0, $1) }, file: { watching.add(file: $0, at: $1, because: $2) }))
        if request.everything {
            rebuildTable(watching, traces)
            if drafts.replace(with: reader.listing.companions.values.joined(), at: .now) { isChanged = true }
        } else {
            learn(watching)
        }
        if request.everything, reader.listing.problems != formerProblems { isChanged = true }
        // What was written while files were read shows now: it is read again when its writer is done.
        drain()
        let isDoubtful = { [settler] (path: String) in settler.isDoubtful(path, in: request) }
        if reader.take(finding, except: isDoubtful) { isChanged = true }
        let now = ContinuousClock.now
        if isPolling { settler.schedule(at: now + settings.times.polling) }
        let waits = settler.settle(
            request, busy: finding.busy, missing: finding.missing,
            secondLook: finding.unsettled.isEmpty ? nil : Self.secondLook, at: now)
        heldByLastReading = request.held.union(finding.busy).union(finding.missing).union(finding.unsettled)
            .union(finding.paths.filter(isDoubtful))
        halvesAtLastLook.formUnion(drafts.halves)
        return !waits
    }

    private mutating func reading(firstEventAt: ContinuousClock.Instant, held: Set<String>) -> FolderReading {
        sequence += 1
        return FolderReading(
            sequence: sequence, files: reader.files, problems: reader.problems, held: held,
            watchedFilesRevision: reader.watchedFilesRevision, firstEventAt: firstEventAt, mode: mode,
            watchedAlone: watchedAlone.values.sorted { $0.path < $1.path },
            halves: halvesAtLastLook, halfSince: drafts.halfSince)
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
            switch error {
            case .limitReached: startPolling(because: .watchLimit)
            case .other(let error): startPolling(because: .unavailable(errno: error.errno))
            }
        }
    }

    private mutating func startPolling(because reason: PollingReason) {
        queue = nil
        table = WatchTable(settings.selection)
        watchedAlone = [:]
        mode = .polling(every: settings.times.polling, because: reason)
        settler.rescanInterval = settings.times.polling
        settler.schedule(at: .now + settings.times.polling)
        nextAttempt = .now + settings.times.rescan
    }

    private mutating func rebuildTable(_ watching: Watching, _ traces: [PathTracer]) {
        guard let queue else { return }
        if watching.isOverLimit {
            startPolling(because: .watchLimit)
            return
        }
        if let name = reader.listing.folders.lazy.compactMap({ [settings] in settings.remoteFilesystem($0.path) }).first
        {
            startPolling(because: .remoteFilesystem(name))
            return
        }
        let former = table.watches
        table = WatchTable(reader.listing, settings.selection, watchedFiles: traces, watches: watching.watches)
        watchedAlone = [:]
        learn(watching)
        for watch in former.subtracting(table.watches).subtracting(watching.watches.values) { queue.unwatch(watch) }
    }

    /// What was found to be watched otherwise than by its folder.
    private mutating func learn(_ watching: Watching) {
        guard queue != nil else { return }
        for (watch, manifests) in watching.manifests {
            for manifest in manifests { table.add(watch, manifest: manifest) }
        }
        for watch in watching.watchedFiles { table.addWatchedFile(watch) }
        watchedAlone.merge(watching.alone) { _, new in new }
    }

    private func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : settings.folder + "/" + path
    }
}
