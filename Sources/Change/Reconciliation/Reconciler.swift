import CommonValues
import Diagnostics
import Manifests
package import SystemInterfaces

/// Makes what lies in the manifests folder serve: reads it whole, checks it across all resources, has every participant
/// prepare, and only then commits. One mistake anywhere, and the last good generation goes on serving.
///
/// Use: `start`, then `run` for as long as the mesh lives; the other functions at any time between.
package actor Reconciler<Manifests: ManifestReading> {
    package struct Settings: Sendable {
        /// Where manifests are, for people: absolute, if it is a folder.
        package var folder: String
        /// `nil`: the folder.
        package var origin: (any ManifestOrigin)?
        /// `nil`: nothing is kept across restarts.
        package let stateFolder: HeldFolder?
        /// Keeps what serves there.
        package let keeper: LastGoodKeeper
        package let leftovers = Leftovers()
        package var watcher: FolderWatcher.Settings
        /// Told of everything worth a line in the log, in order. Must return at once.
        package var onEvent: @Sendable (ReconcilerEvent) -> Void = { _ in }
        /// What writes into the folder.
        var writer = FileWriter()

        package init(folder: String, stateFolder: HeldFolder?) {
            self.folder = folder
            self.stateFolder = stateFolder
            keeper = LastGoodKeeper(stateFolder: stateFolder)
            watcher = FolderWatcher.Settings(folder: folder)
        }
    }

    package private(set) var status = ReconcilerStatus(watching: .inotify)
    /// The snapshot that serves.
    package private(set) var snapshot: Manifests.Snapshot?

    let manifests: Manifests
    let watcher: any ManifestOrigin
    let settings: Settings
    private let participants: [any SnapshotParticipant<Manifests.Snapshot>]
    private let keeper: LastGoodKeeper
    let journal: ChangeJournal?

    private var decoded = DecodedSet<Manifests>()
    var cutOff = CutOffChanges()
    private(set) var isStopping = false
    private var setGuard: SetGuard
    private var gate = SerialGate()
    private var lastNumber: UInt64 = 0
    /// Readings up to this one say nothing new.
    private var lastSequence: UInt64 = 0
    private var servedRevision: UInt64 = 0
    /// Of the last refused set, if its own content is at fault: it is not tried again.
    private var hopelessHash: String?
    /// Until a set that a participant rejected is tried again.
    private var retryTimes: RetryTimes
    /// Somebody waits for word of the next reading.
    private var isAskedFor = false
    /// What the watcher was told to watch besides manifests.
    private var watchedFiles: Set<String> = []

    package init(
        _ settings: Settings, manifests: Manifests, participants: [any SnapshotParticipant<Manifests.Snapshot>]
    ) throws(WatcherError) {
        self.settings = settings
        self.manifests = manifests
        self.participants = participants
        keeper = settings.keeper
        journal = settings.stateFolder.map { ChangeJournal(stateFolder: $0, writer: settings.writer) }
        setGuard = SetGuard(times: settings.watcher.times)
        retryTimes = RetryTimes(settings.watcher.times)
        if let origin = settings.origin {
            watcher = origin
        } else {
            watcher = try FolderWatcher(settings.watcher)
        }
    }

    // MARK: Life

    /// Takes up the folder for the first time.
    ///
    /// If the folder is wrong, or lost much since the last run, the last good set of an earlier run serves, and the folder
    /// is taken up once it is right. Without such a set nothing serves, and `run` is not to be called; nor is it if `stop` came
    /// before there was anything to serve.
    package func start() async -> StartOutcome {
        await enter()
        defer { gate.leave() }
        let lastGood = await keeper.load()
        noteState()
        lastNumber = lastGood?.generation.number ?? 0

        await settleFirst()
        guard let reading = await firstReading() else { return .stopped }
        lastSequence = reading.sequence
        await take(up: reading, servedCount: lastGood?.resourceCount ?? 0, lastGood: lastGood)
        if let serving = status.serving { return .serving(serving) }
        guard !isStopping else { return .stopped }

        let refused = status.refused?.diagnostics ?? []
        guard let lastGood else { return .refused(refused) }
        if let objection = await watcher.objection(toKept: lastGood.files) { return .refused(refused + [objection]) }
        // Should it be refused too, the folder's own mistakes are what a person can mend.
        switch await judged(lastGood.files) {
        case .refused(let diagnostics): return .refused(refused.isEmpty ? diagnostics : refused)
        case .valid(let candidate):
            let outcome = await commit(
                candidate, generation: lastGood.generation, source: .lastGood, since: reading.firstEventAt)
            switch outcome {
            case .failure(let rejection): return .refused(refused.isEmpty ? rejection.diagnostics : refused)
            case .success(let served):
                servedRevision = reading.watchedFilesRevision
                return .servingLastGood(served, refused: refused)
            }
        }
    }

    /// Follows the folder until the task is cancelled or `stop` is called.
    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [keeper, settings] in
                await keeper.run(tryingAgainEvery: settings.watcher.times.rescan) { await self.noteState() }
            }
            for await reading in watcher.readings { await follow(reading) }
            await endChanges()
            keeper.finish()
        }
    }

    /// Ends `run`, once the last good set has been kept. No change begins any more, and nothing of the folder is taken up:
    /// all that still comes to serve is what an edit commits that is under way.
    package func stop() {
        isStopping = true
        watcher.stop()
    }

    /// Reads everything again, soon, as a person asked for it (SIGHUP): what comes of it is told, even if that is nothing new.
    package func rescan() {
        isAskedFor = true
        watcher.rescan()
    }

    /// Does something to what serves, while no change is prepared or committed.
    package func betweenChanges(_ work: @Sendable () async -> Void) async {
        await enter()
        defer { gate.leave() }
        await work()
    }

    /// Has what serves kept again in the state folder, if somebody removed it there.
    package func lookAfterKept() async {
        let isLost = await keeper.isLost()
        noteState()
        if isLost { await keeper.keepAgain() }
    }

    // MARK: Following the folder

    /// Between two readings of a folder that is waited for.
    static var secondLook: Duration { .milliseconds(20) }

    /// At first start there is nothing that a file being written could count as, so its writer is waited for until it
    /// has counted once, or cannot be read; and a command of git, for as long as at any other time.
    private func firstReading() async -> FolderReading? {
        let end = ContinuousClock.now + settings.watcher.times.operation
        while let reading = await watcher.readNow() {
            let isOver = end <= .now
            // What is refused anyway waits for nobody.
            let isReady =
                !interruption.isEmpty || (!reading.isDuringOperation && cutOff.isWhole(reading)) || isOver
            let waited = isOver ? reading.unknown : reading.held
            if waited.isEmpty, isReady, await heed(reading) { return reading }
            do { try await Task.sleep(for: Self.secondLook) } catch { return nil }
        }
        return nil
    }

    private func follow(_ reading: FolderReading) async {
        await enter()
        defer { gate.leave() }
        await takeUpIfNew(reading)
    }

    private func takeUpIfNew(_ reading: FolderReading) async {
        // While it waited for its turn, an edit may have come to its end that no later reading tells of any more.
        guard !isStopping, reading.sequence > lastSequence else { return }
        lastSequence = reading.sequence
        if reading.isEarly { return await takeEarly(reading) }
        if let left = waitForWhole(reading) { return watcher.rescan(after: left) }
        guard await heed(reading) else { return watcher.rescan() }
        if isAskedFor { await tellLeftoversAnew() }
        let former = status
        await take(up: reading, servedCount: status.serving?.resourceCount ?? 0, lastGood: nil)
        if isAskedFor {
            isAskedFor = false
            if status.says(as: former) { settings.onEvent(.readAgain(status)) }
        }
    }

    /// Waits for the change that is under way, and lets no other begin.
    private func endChanges() async {
        await enter()
        defer { gate.leave() }
        isStopping = true
    }

    /// - Parameter lastGood: At start: the generation that goes on if the folder still says the same.
    private func take(up reading: FolderReading, servedCount: Int, lastGood: LastGoodSet?) async {
        if status.watching != reading.mode { settings.onEvent(.watching(reading.mode)) }
        status.watching = reading.mode
        status.watchedAlone = reading.watchedAlone
        let hash = FolderReading.hash(of: reading.files)
        let problems = interruption + reading.problems.filter { !interruption.contains($0) }
        if problems.isEmpty, isServed(hash, reading) {
            status.serving?.source = .folder
            let wasWrong = status.refused != nil || status.pending != nil
            status.refused = nil
            status.pending = nil
            hopelessHash = nil
            if wasWrong, let serving = status.serving { settings.onEvent(.mended(serving)) }
            return
        }
        // Before anything else is said of it: without a file, a node that is named lacks its Node, too.
        let isEmptied =
            problems.isEmpty && reading.files.isEmpty
            && setGuard.judge(hash: hash, count: 0, servedCount: servedCount, at: .now) == .waitForConfirmation
        if isEmptied { return wait(.empty, hash, resourceCount: 0, servedCount: servedCount) }
        if problems.isEmpty, hash == hopelessHash { return }

        switch await judged(reading.files, hash: hash, problems: problems) {
        case .refused(let diagnostics):
            refuse(hash, diagnostics, isHopeless: problems.isEmpty)
            // Out of descriptors, permissions about to be set: no event says that it can be read now.
            if !problems.isEmpty { watcher.rescan(after: settings.watcher.times.polling) }
        case .valid(let candidate):
            let now = ContinuousClock.now
            switch setGuard.judge(hash: hash, count: candidate.resourceCount, servedCount: servedCount, at: now) {
            case .waitForConfirmation:
                wait(.empty, hash, resourceCount: candidate.resourceCount, servedCount: servedCount)
                return
            case .waitUntil(let time):
                wait(.halfLost, hash, resourceCount: candidate.resourceCount, servedCount: servedCount)
                watcher.rescan(after: now.duration(to: time))
                return
            case .take: break
            }
            let goesOn = lastGood.map { $0.generation.hash == hash } ?? false
            let generation = Generation(number: goesOn ? lastNumber : lastNumber + 1, hash: hash)
            let outcome = await commit(
                candidate, generation: generation, source: .folder, since: reading.firstEventAt,
                isWanted: { !isStopping })
            switch outcome {
            case .success:
                servedRevision = reading.watchedFilesRevision
                retryTimes = RetryTimes(settings.watcher.times)
            case .failure where isStopping: break
            case .failure(let rejection):
                if status.refused?.hash != hash { retryTimes = RetryTimes(settings.watcher.times) }
                refuse(hash, rejection.diagnostics, isHopeless: false)
                // What a participant lacks may be there again: no event says so.
                watcher.rescan(after: retryTimes.next())
            }
        }
    }

    /// Takes up one file that was replaced, if nothing else can have been meant: the folder serves, and holds the same
    /// resources as before. Whatever else it is waits for the reading that follows when all is quiet, and nothing is said
    /// of it before: a program that moves resources between files has perhaps moved the first.
    private func takeEarly(_ reading: FolderReading) async {
        guard interruption.isEmpty, reading.problems.isEmpty, let serving = status.serving, serving.source == .folder,
            status.refused == nil,
            status.pending == nil, servedRevision == reading.watchedFilesRevision
        else { return }
        let former = decoded
        guard FolderReading.hash(of: former.entries.map(\.source)) == serving.generation.hash else { return }
        let set = await DecodedSet(reading.files, reusing: former, manifests)
        decoded = set
        guard set.hasSameResources(as: former, manifests) else { return }
        guard case .valid(let candidate) = await judged(reading.files), candidate.hash != serving.generation.hash else {
            return
        }
        let generation = Generation(number: lastNumber + 1, hash: candidate.hash)
        _ = await commit(
            candidate, generation: generation, source: .folder, since: reading.firstEventAt,
            isWanted: { await reading.calm?.holds() ?? true && !isStopping })
    }

    private func isServed(_ hash: String, _ reading: FolderReading) -> Bool {
        guard let serving = status.serving else { return false }
        return serving.generation.hash == hash && servedRevision == reading.watchedFilesRevision
    }

    private func refuse(_ hash: String, _ diagnostics: [Diagnostic], isHopeless: Bool) {
        hopelessHash = isHopeless ? hash : nil
        status.pending = nil
        let attempt = RefusedAttempt(hash: hash, at: .now, diagnostics: diagnostics)
        let isNew = status.refused?.diagnostics != diagnostics || status.refused?.hash != hash
        status.refused = attempt
        if isNew { settings.onEvent(.refused(attempt)) }
    }

    private func wait(
        _ reason: PendingConfirmation.Reason, _ hash: String, resourceCount: Int, servedCount: Int
    ) {
        status.refused = nil
        hopelessHash = nil
        if status.pending?.hash == hash { return }
        let pending = PendingConfirmation(
            reason: reason, since: .now, hash: hash, resourceCount: resourceCount,
            servedResourceCount: servedCount)
        status.pending = pending
        settings.onEvent(.pending(pending))
    }

    // MARK: From files to a candidate

    /// A set without a mistake.
    struct Candidate: Sendable {
        let hash: String
        let sources: [ManifestSource]
        let snapshot: Manifests.Snapshot
        let resourceCount: Int
        /// Without those of the lint: it says nothing that a change has to wait for.
        let warnings: [Diagnostic]
    }

    /// All there is to say of a candidate besides errors.
    func warnings(of candidate: Candidate) async -> [Diagnostic] {
        candidate.warnings + (await Self.lint(candidate.snapshot, manifests))
    }

    enum Judgement: Sendable {
        case valid(Candidate)
        case refused([Diagnostic])
    }

    /// Everything that can be known about a set without a participant.
    func judged(
        _ sources: [ManifestSource], hash: String? = nil, problems: [Diagnostic] = []
    ) async -> Judgement {
        let set = await DecodedSet(sources, reusing: decoded, manifests)
        decoded = set
        guard problems.isEmpty else {
            // What cannot be read may be what others refer to: only mistakes within the files are worth saying.
            let all = problems + set.files.flatMap(manifests.diagnostics(of:))
            return .refused(all.sorted { $0.position < $1.position })
        }
        return await Self.judgement(of: set, hash: hash, manifests)
    }

    /// Away from the actor, which has others to serve.
    @concurrent
    private static func judgement(
        of set: DecodedSet<Manifests>, hash: String?, _ manifests: Manifests
    ) async -> Judgement {
        judged(set, hash: hash, manifests)
    }

    /// - Parameter isNew: As `ManifestReading` has it.
    static func judged(
        _ set: DecodedSet<Manifests>, hash: String?, _ manifests: Manifests,
        isNew: (SourcePosition) -> Bool = { _ in false }
    ) -> Judgement {
        let resolution = manifests.resolve(set.files, isNew: isNew)
        guard let snapshot = resolution.snapshot else { return .refused(resolution.diagnostics) }
        let sources = set.entries.map(\.source)
        return .valid(
            Candidate(
                hash: hash ?? FolderReading.hash(of: sources), sources: sources, snapshot: snapshot,
                resourceCount: set.resourceCount, warnings: resolution.diagnostics))
    }

    @concurrent
    private static func lint(_ snapshot: Manifests.Snapshot, _ manifests: Manifests) async -> [Diagnostic] {
        manifests.lint(snapshot)
    }

    /// Decoded already, for whoever decodes the folder next.
    var known: DecodedSet<Manifests> { decoded }

    // MARK: Two phases

    /// - Parameters:
    ///   - isWanted: Asked once all have prepared; if it is not, nothing changes.
    ///   - write: Puts the set into the folder, once all have prepared; throws if it cannot, and then nothing changes.
    func commit(
        _ candidate: Candidate, generation: Generation, source: ServedGeneration.Source,
        since start: ContinuousClock.Instant, write: () async throws(Rejection) -> Void = {},
        isWanted: () async -> Bool = { true }
    ) async -> Result<ServedGeneration, Rejection> {
        let paths = Set(manifests.watchedFiles(of: candidate.snapshot))
        // Of this set already: should it be refused because a key is missing, the key's arrival must be seen.
        // And before a participant loads one, so that no change goes unseen.
        await watch(paths.union(snapshot.map { manifests.watchedFiles(of: $0) } ?? []))

        var prepared: [any PreparedChange] = []
        do throws(Rejection) {
            for participant in participants {
                prepared.append(try await participant.prepare(candidate.snapshot, generation: generation))
            }
            guard await isWanted() else { throw Rejection([]) }
            try await write()
        } catch {
            for change in prepared.reversed() { await change.abandon() }
            return .failure(error)
        }
        for change in prepared { await change.commit() }

        let duration = start.duration(to: .now)
        let served = ServedGeneration(
            generation: generation, source: source, appliedAt: .now, duration: duration,
            resourceCount: candidate.resourceCount, fileCount: candidate.sources.count,
            warnings: await warnings(of: candidate) + prepared.flatMap(\.warnings))
        let isFirst = snapshot == nil
        snapshot = candidate.snapshot
        status.serving = served
        lastNumber = generation.number
        await watch(paths)
        if source == .folder {
            status.refused = nil
            status.pending = nil
            hopelessHash = nil
            let set = LastGoodSet(
                generation: generation, resourceCount: candidate.resourceCount, files: candidate.sources)
            // The first is waited for: from then on there is always one to go back to, whenever the process is killed.
            if isFirst {
                await keeper.keepNow(set)
                noteState()
            } else {
                await keeper.keepSoon(set)
            }
        }
        settings.onEvent(.served(served))
        return .success(served)
    }

    private func watch(_ paths: Set<String>) async {
        guard paths != watchedFiles else { return }
        watchedFiles = paths
        await watcher.watch(files: paths)
    }

    /// Whether the set would be taken up, and what there would be to say of it.
    func rehearse(_ candidate: Candidate) async -> Result<[Diagnostic], Rejection> {
        let generation = Generation(number: lastNumber + 1, hash: candidate.hash)
        var warnings = await warnings(of: candidate)
        do throws(Rejection) {
            for participant in participants {
                warnings += try await participant.rehearse(candidate.snapshot, generation: generation)
            }
            return .success(warnings)
        } catch {
            return .failure(error)
        }
    }

    private func noteState() {
        let problem = keeper.problem
        if let problem, problem != status.stateProblem { settings.onEvent(.stateProblem(problem)) }
        if problem == nil, status.stateProblem != nil { settings.onEvent(.stateMended) }
        status.stateProblem = problem
    }

    // MARK: One at a time

    func enter() async {
        if gate.tryEnter() { return }
        await withCheckedContinuation { gate.wait($0) }
    }

    func leave() { gate.leave() }

    var nextNumber: UInt64 { lastNumber + 1 }

    /// An edit of our own serves.
    func noteServed(_ set: DecodedSet<Manifests>, revision: UInt64) {
        decoded = set
        servedRevision = revision
    }

    /// After an edit of our own: readings made meanwhile may show half of it, and count no more. One follows that does, when
    /// all has settled; until then it is only noted if the folder says what serves, or holds half of what failed. There is
    /// none any more once the watcher has ended; then those before do not count either.
    func catchUp(_ edited: EditedFiles) async {
        guard let reading = await watcher.readNow(after: edited), !isStopping else { return }
        lastSequence = reading.sequence
        let saysWhatServes = reading.problems.isEmpty && isServed(FolderReading.hash(of: reading.files), reading)
        guard saysWhatServes || !interruption.isEmpty else { return }
        await take(up: reading, servedCount: status.serving?.resourceCount ?? 0, lastGood: nil)
    }

    var notRunning: Diagnostic {
        Diagnostic(
            .notRunning, at: .manifestsFolder, found: "a mesh that is stopping",
            expected: "one that runs", remedy: "start it again")
    }
}
