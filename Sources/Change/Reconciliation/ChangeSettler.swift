/// Decides when to read what, from events and the time alone.
///
/// A change is read when it has been quiet for `times.quiet` or longer, or, however many events follow, when no further
/// file joined it for `times.wait`, and `times.longestWait` after its first event at the latest. A file being
/// written, or one that vanished a moment ago, is *held*: it counts as it last was. So does one that something happens
/// to during each look, for what was read of it may be half; after `times.writing` it is overdue, and counts as it is
/// found. A change with files that vanished waits until it is clear whether they come back, so that a checkout which
/// moves resources between files is one change.
/// While a command of git holds its lock, a change waits up to `times.operation`, unless it is one file that was replaced.
///
/// One file that was replaced by `rename(2)`, and nothing else, is read *early*, at once: it was whole before it had its
/// name. What was read counts when nothing else happens for `times.quietAfterRename`. The reading after `times.quiet` follows
/// all the same, for whoever would not believe the early one.
struct ChangeSettler {
    typealias Instant = ContinuousClock.Instant

    enum Event: Hashable {
        /// The file is complete: closed by its writer, or its permissions changed.
        case completed(path: String)
        /// Moved to its name.
        case replaced(path: String)
        /// A new name. There is no telling yet whether its writer is done.
        case created(path: String)
        /// Bytes changed, and the writer has not closed the file.
        case writing(path: String)
        /// Deleted or moved away, perhaps only for a moment.
        case vanished(path: String)
        /// Deleted for good, or moved to another manifest's name: it does not come back.
        case removed(path: String)
        /// A folder or a link changed, or events were lost: everything must be listed.
        case structure
        /// A certificate or a key changed.
        case watchedFile

        /// Of the one manifest it is about.
        var path: String? {
            switch self {
            case .completed(let path), .replaced(let path), .created(let path), .writing(let path), .vanished(let path),
                .removed(let path):
                path
            case .structure, .watchedFile: nil
            }
        }
    }

    enum Certainty: Hashable {
        /// Its writer is done.
        case complete
        /// Its writer may not be done: look before it is believed.
        case uncertain
        /// If it is not there, it is deleted.
        case gone
    }

    /// What to read now.
    struct Request: Hashable {
        /// List all folders, and read what changed in them.
        var everything = false
        /// Read these.
        var files: [String: Certainty] = [:]
        /// These count as they last were.
        var held: Set<String> = []
        /// Those of `files` that were waited for as long as a file may be: they count as they are found, whatever
        /// happens to them meanwhile.
        var overdueFiles: Set<String> = []
        /// Look at the certificates and keys.
        var watchedFiles = false
        var firstEventAt: Instant
        /// The change waited as long as a change may: it is taken up with what is known.
        var isOverdue = false
        /// One file that was replaced is read before all is quiet.
        var isEarly = false
    }

    private let times: ReadingTimes
    private var files: [String: Certainty] = [:]
    private var writing: [String: Instant] = [:]
    private var vanished: [String: Instant] = [:]
    private var everything = false
    private var watchedFiles = false
    /// A reading was made, and waits for files that vanished, or may be half.
    private var isUndelivered = false
    /// When files are looked at again that may be half.
    private var secondLookAt: Instant?
    /// What was replaced, if that is all that happened.
    private var replaced: String?
    /// Whether that one is all that happened, read early or not.
    private var isOneReplaced = false
    private var firstEventAt: Instant?
    private var lastEventAt: Instant?
    /// The files of the change, and when the last of them joined it.
    private var changed: Set<String> = []
    /// What something happened to since the last request was made.
    private var disturbed: Set<String> = []
    /// Files that no look has shown yet as they became, and when the first thing happened to them that it has not.
    private var unseen: [String: Instant] = [:]
    private var lastGrowthAt: Instant?
    /// When to ask again whether the command of git is done.
    private var operationLookAt: Instant?
    private var nextRescan: Instant
    private var scheduled: Instant?
    /// Between two rescans: shorter while polling.
    var rescanInterval: Duration

    init(times: ReadingTimes, now: Instant) {
        self.times = times
        rescanInterval = times.rescan
        nextRescan = now + times.rescan
    }

    private var hasWork: Bool { everything || watchedFiles || isUndelivered || !files.isEmpty }

    /// Something happened that no reading has been delivered of, or may be about to.
    var isUnderWay: Bool { hasWork || !vanished.isEmpty }

    mutating func record(_ event: Event, at now: Instant) {
        let isFirst = firstEventAt == nil && !hasWork && writing.isEmpty && vanished.isEmpty
        if case .replaced(let path) = event, isFirst { replaced = path } else { replaced = nil }
        isOneReplaced = replaced != nil
        if event.path.map({ changed.insert($0).inserted }) ?? true { lastGrowthAt = now }
        if let path = event.path {
            disturbed.insert(path)
            if unseen[path] == nil { unseen[path] = now }
        }
        switch event {
        case .completed(let path), .replaced(let path):
            writing[path] = nil
            vanished[path] = nil
            files[path] = .complete
        case .created(let path):
            vanished[path] = nil
            if writing[path] == nil, files[path] != .complete { files[path] = .uncertain }
        case .writing(let path):
            // Neither a reason to read, nor to wait longer with other files.
            vanished[path] = nil
            files[path] = nil
            if writing[path] == nil { writing[path] = now }
            if !hasWork, vanished.isEmpty { forgetTimes() }
            return
        case .vanished(let path):
            writing[path] = nil
            files[path] = nil
            vanished[path] = now
            disturbed.remove(path)
        case .removed(let path):
            writing[path] = nil
            vanished[path] = nil
            files[path] = .gone
        case .structure: everything = true
        case .watchedFile: watchedFiles = true
        }
        if firstEventAt == nil { firstEventAt = now }
        lastEventAt = now
    }

    /// A reading found files that it must not believe.
    /// - Parameters:
    ///   - busy: A writer has them open: they are held until it closes them.
    ///   - missing: Not there, and no event said so: held until it is clear whether they come back.
    ///   - secondLook: Until others are looked at again that no event tells of, and that may be half; `nil`: there are none.
    ///     What else was read may be of the same change.
    /// - Returns: Whether the reading must wait for these; what was read is then asked for again.
    mutating func settle(
        _ request: Request, busy: [String], missing: [String], secondLook: Duration? = nil, at now: Instant
    ) -> Bool {
        for path in busy where writing[path] == nil && files[path] == nil {
            writing[path] = now
            if unseen[path] == nil { unseen[path] = now }
        }
        var waits = false
        for path in missing where vanished[path] == nil && files[path] == nil {
            vanished[path] = now
            waits = true
        }
        unseen = unseen.filter { isDisturbed($0.key) || vanished[$0.key] != nil }
        if let secondLook {
            schedule(at: now + secondLook)
            secondLookAt = now + secondLook
            waits = true
        }
        guard waits, !request.isOverdue else { return false }
        isUndelivered = true
        firstEventAt = request.firstEventAt
        lastGrowthAt = now
        lastEventAt = max(lastEventAt ?? request.firstEventAt, request.firstEventAt)
        return true
    }

    /// Whether something happened to the file since the last request was made: what was read of it may be half.
    func isDisturbed(_ path: String) -> Bool {
        disturbed.contains(path) || writing[path] != nil
    }

    /// Whether what was found of a file for the last request is not to be believed.
    func isDoubtful(_ path: String, in request: Request) -> Bool {
        isDisturbed(path) && !request.overdueFiles.contains(path)
    }

    /// The file is known as it is: what happened to it before says nothing more.
    mutating func forget(_ path: String) {
        files[path] = nil
        writing[path] = nil
        vanished[path] = nil
        unseen[path] = nil
        (replaced, isOneReplaced) = (nil, false)
        if !hasWork, vanished.isEmpty { forgetTimes() }
    }

    /// Asks for a reading of everything at a time, besides those that events cause.
    mutating func schedule(at time: Instant) {
        scheduled = min(scheduled ?? time, time)
    }

    /// When to ask `next` again, if no event comes before.
    var wake: Instant {
        var wake = min(nextRescan, scheduled ?? nextRescan)
        if let since = writing.lazy.map({ waitedForSince($0.key, $0.value) }).min() {
            wake = min(wake, since + times.writing)
        }
        if let since = vanished.values.min() { wake = min(wake, since + times.vanishing) }
        if hasWork, let firstEventAt, let lastEventAt {
            var due = lastEventAt + quiet(firstEventAt, lastEventAt)
            if let since = vanished.values.max() { due = max(due, since + times.vanishing) }
            if let secondLookAt { due = max(due, secondLookAt) }
            if replaced != nil { due = lastEventAt }
            due = min(due, overdueAt(firstEventAt))
            if replaced == nil, let operationLookAt { due = max(due, operationLookAt) }
            wake = min(wake, due)
        }
        return wake
    }

    /// - Parameter isOperationRunning: Whether a command of git changes the folder; asked when all else says to read it.
    /// - Returns: `nil` while there is nothing to read yet.
    mutating func next(at now: Instant, isOperationRunning: () -> Bool = { false }) -> Request? {
        expire(at: now)
        guard hasWork, let firstEventAt, let lastEventAt else { return nil }
        let isOverdue = overdueAt(firstEventAt) <= now
        let isQuiet = lastEventAt + quiet(firstEventAt, lastEventAt) <= now && secondLookAt == nil
        if isOverdue || (isQuiet && vanished.isEmpty) {
            if let operationLookAt, now < operationLookAt { return nil }
            if !isOneReplaced, now < firstEventAt + times.operation, isOperationRunning() {
                operationLookAt = now + times.operationLook
                return nil
            }
            return take(at: now, firstEventAt: firstEventAt, isOverdue: isOverdue)
        }
        guard let path = replaced, !everything else { return nil }
        replaced = nil
        files[path] = nil
        disturbed = []
        isUndelivered = true
        // Its writer may have given it its name too soon: it is asked for.
        return Request(files: [path: .uncertain], firstEventAt: firstEventAt, isEarly: true)
    }

    private func quiet(_ firstEventAt: Instant, _ lastEventAt: Instant) -> Duration {
        max(times.quiet, min(firstEventAt.duration(to: lastEventAt) / 8, times.longestQuiet))
    }

    private func overdueAt(_ firstEventAt: Instant) -> Instant {
        let growth = max(lastGrowthAt ?? firstEventAt, firstEventAt)
        return min(growth + times.wait, firstEventAt + times.longestWait)
    }

    /// The early reading could not be made: what it was for is read when all is quiet.
    mutating func postpone(_ request: Request) {
        for path in request.files.keys where files[path] == nil && writing[path] == nil && vanished[path] == nil {
            files[path] = .complete
        }
    }

    /// A reading of everything, now, for somebody who asks: whatever is under way stays so, and is read again when it has
    /// settled; held files stay held.
    mutating func question(at now: Instant) -> Request {
        expire(at: now)
        disturbed = []
        return Request(
            everything: true, files: files, held: held, overdueFiles: takeOverdueFiles(at: now), watchedFiles: true,
            firstEventAt: firstEventAt ?? now)
    }

    /// What was read for somebody who asked is to be delivered, too, when all has settled.
    mutating func deliver(at now: Instant) {
        isUndelivered = true
        begin(at: now)
    }

    private var held: Set<String> { Set(writing.keys).union(vanished.keys) }

    private mutating func take(at now: Instant, firstEventAt: Instant, isOverdue: Bool) -> Request {
        let request = Request(
            everything: everything, files: files, held: held, overdueFiles: takeOverdueFiles(at: now),
            watchedFiles: watchedFiles || everything, firstEventAt: firstEventAt, isOverdue: isOverdue)
        files = [:]
        disturbed = []
        replaced = nil
        everything = false
        watchedFiles = false
        isUndelivered = false
        isOneReplaced = false
        forgetTimes()
        // Files that vanished are a change that is still to come.
        self.firstEventAt = vanished.values.min()
        lastEventAt = vanished.values.max()
        return request
    }

    /// What happens to them from now on is waited for anew. One that is gone is none of them: it may be back meanwhile.
    private mutating func takeOverdueFiles(at now: Instant) -> Set<String> {
        let overdue = files.filter { path, certainty in
            certainty != .gone && unseen[path].map { $0 + times.writing <= now } ?? false
        }
        for path in overdue.keys { unseen[path] = nil }
        return Set(overdue.keys)
    }

    private mutating func forgetTimes() {
        (firstEventAt, lastEventAt, lastGrowthAt, operationLookAt) = (nil, nil, nil, nil)
        changed = []
    }

    /// One that is closed and opened again at once has its writer for a moment each time, and none of its versions is seen.
    private func waitedForSince(_ path: String, _ opened: Instant) -> Instant { min(opened, unseen[path] ?? opened) }

    private mutating func expire(at now: Instant) {
        if let time = secondLookAt, time <= now { secondLookAt = nil }
        for (path, since) in writing where waitedForSince(path, since) + times.writing <= now {
            writing[path] = nil
            files[path] = .complete
            begin(at: now)
        }
        for (path, since) in vanished where since + times.vanishing <= now {
            vanished[path] = nil
            files[path] = .gone
            begin(at: since)
        }
        if nextRescan <= now || scheduled.map({ $0 <= now }) ?? false {
            nextRescan = now + rescanInterval
            scheduled = nil
            everything = true
            begin(at: now)
        }
    }

    /// Work that needs no quiet time begins.
    private mutating func begin(at time: Instant) {
        if firstEventAt == nil { firstEventAt = time }
        if lastEventAt == nil { lastEventAt = time - times.quiet }
    }
}
