import CommonValues
package import Cryptography
package import Diagnostics
package import EtcdClient
import Glibc
package import HTTPTransfers
package import Reconciliation
import Synchronization
package import SystemInterfaces

/// Manifests from etcd, as a folder would give them: each reading is a whole set that is what its name says, or says why it
/// cannot be had.
///
/// `current` is followed; what it names is read once, and then known. The watch only says that there is something to look at:
/// what counts is asked for anew, so that no reading is older than one before.
package actor EtcdOrigin: ManifestOrigin {
    package struct Settings: Sendable {
        package var access: EtcdAccess
        /// `nil`: nothing is kept across restarts.
        package var stateFolder: HeldFolder?
        /// Who must have signed a set; `nil`: whoever may write to etcd is believed.
        package var keys: VerifyingKeys?
        /// Where relative paths begin, whose files are watched; `nil`: a set names no files.
        package var filesFolder: String?
        /// For which etcd is waited for at first. Default: 5 s.
        package var patience = Duration.seconds(5)

        package init(_ access: EtcdAccess) { self.access = access }
    }

    /// What is known of what `current` named.
    private struct Look {
        var revision: Int64
        var record: SetRecord?
        var outcome: Result<[ManifestSource], Rejection>
    }

    package nonisolated let readings: AsyncStream<FolderReading>
    private nonisolated let known: KnownSets
    private nonisolated let shown = Mutex<[ManifestSource]>([])

    private let store: SetStore
    private let settings: Settings
    private let filesWatcher: FolderWatcher?
    private nonisolated let publisher: AsyncStream<FolderReading>.Continuation
    private nonisolated let knocks: AsyncStream<Void>.Continuation
    private nonisolated let follower = Mutex<EtcdFollower?>(nil)

    private var gate = SerialGate()
    private var look: Look?
    private var filesRevision: UInt64 = 0
    private var sequence: UInt64 = 0
    private var hasAnswered = false
    private nonisolated let isStopped = Mutex(false)
    /// Somebody wants to know it now.
    private nonisolated let isAskedFor = Mutex(false)
    /// What is wrong with a set is looked at again after a pause, which grows.
    private var nextLook = ContinuousClock.now
    private var pause = EtcdOrigin.shortestPause

    private static let shortestPause = Duration.seconds(1)
    private static let longestPause = Duration.seconds(30)

    package init(
        _ address: EtcdAddress, _ settings: Settings, on loop: TransferLoop
    ) throws(WatcherError) {
        self.settings = settings
        store = SetStore(address, settings.access, on: loop)
        known = KnownSets(stateFolder: settings.stateFolder)
        (readings, publisher) = AsyncStream.makeStream(of: FolderReading.self, bufferingPolicy: .bufferingNewest(1))
        let (knocked, knocks) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        self.knocks = knocks
        if let folder = settings.filesFolder {
            var watching = FolderWatcher.Settings(folder: folder)
            // Of the folder nothing is read but the files that are named.
            watching.selection = .file(Self.noName)
            filesWatcher = try FolderWatcher(watching)
        } else {
            filesWatcher = nil
        }
        Task { for await _ in knocked { await publish() } }
        if let filesWatcher {
            Task { for await reading in filesWatcher.readings { await note(files: reading.watchedFilesRevision) } }
        }
        let follower = EtcdFollower(store.address.currentKey, of: settings.access, on: loop) { _ in knocks.yield() }
        self.follower.withLock { $0 = follower }
    }

    private static let noName = ".heddle-reads-no-manifests-here"

    // MARK: As a folder

    package nonisolated var replacing: (any SetReplacing)? { self }

    package func readNow(after edited: EditedFiles?) async -> FolderReading? {
        let end = ContinuousClock.now + settings.patience
        while !isStopped.withLock(\.self) {
            let reading = await read(anew: true)
            if hasAnswered || end <= .now { return reading }
            do { try await Task.sleep(for: .milliseconds(100)) } catch { return reading }
        }
        return nil
    }

    package nonisolated func rescan(after delay: Duration) {
        guard delay > .zero else {
            isAskedFor.withLock { $0 = true }
            knocks.yield()
            return
        }
        Task { [knocks] in
            try? await Task.sleep(for: delay)
            knocks.yield()
        }
    }

    package func watch(files paths: Set<String>) async { await filesWatcher?.watch(files: paths) }

    /// A set that was kept before signatures were asked for, or by another key's, is as good as one in etcd.
    package func objection(toKept files: [ManifestSource]) async -> Diagnostic? {
        guard let keys = settings.keys else { return nil }
        let hash = SetHash.of(files)
        let isSigned = known.entries.contains {
            $0.record.hash == hash && $0.record.isSigned(by: keys, at: store.address.prefix)
        }
        guard !isSigned else { return nil }
        return Diagnostic(
            .setUnsigned, at: .place(settings.stateFolder?.path ?? "the state folder"),
            found: "a last good set that no key of --manifests-key has signed", expected: "one that was signed",
            remedy: "push a set with `heddle push --sign`, and see that etcd answers")
    }

    package nonisolated func stop() {
        isStopped.withLock { $0 = true }
        follower.withLock { $0 }?.stop()
        filesWatcher?.stop()
        knocks.finish()
        publisher.finish()
    }

    /// Of a manifest as it was read last.
    package nonisolated func bytes(of path: String) -> [UInt8]? {
        shown.withLock { $0.first { $0.path == path }?.bytes }
    }

    /// Which set a generation is of.
    package nonisolated func record(ofGeneration hash: String) -> SetRecord? {
        known.entries.last { $0.generationHash == hash }?.record
    }

    // MARK: Reading

    private func note(files revision: UInt64) {
        guard revision != filesRevision else { return }
        filesRevision = revision
        knocks.yield()
    }

    private func publish() async {
        guard !isStopped.withLock(\.self) else { return }
        let isAskedFor = isAskedFor.withLock { isAskedFor in
            defer { isAskedFor = false }
            return isAskedFor
        }
        publisher.yield(await read(anew: isAskedFor))
    }

    /// One after the other: what was asked for later is newer.
    /// - Parameter anew: A set that was wrong is looked at although it was a moment ago.
    private func read(anew: Bool) async -> FolderReading {
        let start = ContinuousClock.now
        if !gate.tryEnter() { await withCheckedContinuation { gate.wait($0) } }
        defer { gate.leave() }
        var problems: [Diagnostic] = []
        do throws(EtcdFailure) {
            try await lookAtCurrent(anew: anew)
            hasAnswered = true
        } catch {
            problems = [store.away(error, isFollowed: true)]
        }
        switch look?.outcome {
        case .success(let files)?: shown.withLock { $0 = files }
        case .failure(let rejection)?: problems += problems.isEmpty ? rejection.diagnostics : []
        case nil: break
        }
        sequence += 1
        return FolderReading(
            sequence: sequence, files: shown.withLock(\.self), problems: problems,
            watchedFilesRevision: filesRevision, firstEventAt: start, mode: .etcd, version: look?.revision ?? 0)
    }

    private func lookAtCurrent(anew: Bool) async throws(EtcdFailure) {
        let (bytes, revision) = try await store.current()
        known.lookAgain()
        let isFailed = if case .failure? = look?.outcome { true } else { false }
        if let look, look.revision == revision, bytes == look.record?.bytes {
            guard isFailed, anew || nextLook <= .now else { return }
        }
        let record = bytes.flatMap(SetRecord.init)
        let outcome = try await outcome(bytes, record)
        if case .failure = outcome {
            nextLook = .now + pause
            pause = min(pause * 2, Self.longestPause)
        } else {
            pause = Self.shortestPause
        }
        look = Look(revision: revision, record: record, outcome: outcome)
    }

    private func outcome(
        _ bytes: [UInt8]?, _ record: SetRecord?
    ) async throws(EtcdFailure) -> Result<[ManifestSource], Rejection> {
        // Nothing is named: as a folder that is empty.
        guard bytes != nil else { return .success([]) }
        guard let record else { return .failure(Rejection([Self.unreadable(at: position)])) }
        if let problem = mistrust(record) { return .failure(Rejection([problem])) }
        if let look, look.record?.hash == record.hash, case .success = look.outcome {
            noteKnown(record, of: look.outcome)
            return look.outcome
        }
        let files = try await store.files(of: record.hash)
        noteKnown(record, of: files)
        return files
    }

    private func noteKnown(_ record: SetRecord, of outcome: Result<[ManifestSource], Rejection>) {
        guard case .success(let files) = outcome else { return }
        known.note(KnownSets.Entry(generationHash: FolderReading.hash(of: files), record: record))
    }

    private var position: SourcePosition { .place("\(store.address.prefix)/current") }

    /// Why a set is not even looked at.
    private func mistrust(_ record: SetRecord) -> Diagnostic? {
        guard let keys = settings.keys else { return nil }
        if let problem = known.problem { return problem }
        guard record.isSigned(by: keys, at: store.address.prefix) else {
            return Diagnostic(
                .setUnsigned, at: position,
                found: record.signature == nil
                    ? "a set without a signature"
                    : "a set whose signature is no key's of --manifests-key, or is for another place",
                expected: "a set that one of these keys has signed for this prefix",
                remedy: "push it with `heddle push --sign` and the private key")
        }
        let newest = known.entries.map(\.record)
            .filter { $0.isSigned(by: keys, at: store.address.prefix) }.max { $0.number < $1.number }
        guard let newest, record.number < newest.number || record.number == newest.number && record.hash != newest.hash
        else { return nil }
        return Diagnostic(
            .setOlder, at: position, found: "a set of \(record.pushedAt), signed, which was there before",
            expected: "none that is older than the one of \(newest.pushedAt), which this host has seen",
            remedy: "see who put it back; to go back to it, push it anew with `heddle push --sign`")
    }

    private static func unreadable(at position: SourcePosition) -> Diagnostic {
        Diagnostic(
            .setRecord, at: position, found: "what Heddle does not write there", expected: "the name of a set",
            remedy: "push a set with `heddle push`")
    }
}

extension EtcdOrigin: SetReplacing {
    package func replace(_ reading: FolderReading, with files: [ManifestSource]) async throws(Rejection) {
        try await rehearse(reading, with: files)
        let now = UInt64(clamping: UnixTime.now.microseconds / 1_000)
        _ = try await store.push(files, signer: nil, expecting: reading.version, now: now)
    }

    package func rehearse(_ reading: FolderReading, with files: [ManifestSource]) async throws(Rejection) {
        guard settings.keys == nil else {
            throw Rejection([
                Diagnostic(
                    .setUnsigned, at: .place(store.address.description),
                    found: "a change that nobody has signed",
                    expected: "one that is signed, as these manifests are: a running mesh has no key for it",
                    remedy: "change the manifests where they are written, and push them with `heddle push --sign`")
            ])
        }
        let problems = SetFiles.problems(of: files)
        guard problems.isEmpty else { throw Rejection(problems) }
    }
}
