import Diagnostics

/// What is known of changes that were cut off, or are being made by another node.
struct CutOffChanges {
    /// Not empty: the folder holds half of a change that was cut off, and is not taken up.
    private(set) var problems: [Diagnostic] = []
    /// The changes that these are about, and those that a record of this folder tells of.
    private var known: Set<UInt64> = []
    /// What was told of such changes the last time.
    private var told: Set<Diagnostic> = []

    mutating func take(_ found: InterruptedChanges) {
        problems = found.problems
        known = found.known
    }

    /// - Returns: What was not among those of the last time.
    mutating func new(of warnings: [Diagnostic]) -> [Diagnostic] {
        defer { told = Set(warnings) }
        return warnings.filter { !told.contains($0) }
    }

    /// Whether no half of a change lies in the folder that nothing is known of.
    func isWhole(_ reading: FolderReading) -> Bool { reading.halves.isSubset(of: known) }
}

extension Reconciler {
    var interruption: [Diagnostic] { cutOff.problems }

    /// Half of another node's change is given its time at start, too.
    func settleFirst() async {
        let end = ContinuousClock.now + settings.watcher.times.operation
        while !isStopping, await settleInterruption().hasHalfOfOthers, .now < end {
            do { try await Task.sleep(for: Self.secondLook) } catch { return }
        }
    }

    /// - Returns: For how long whoever made half of a change is given time for the rest; `nil` if there is none, or not for it.
    func waitForWhole(_ reading: FolderReading) -> Duration? {
        guard interruption.isEmpty, !cutOff.isWhole(reading), let since = reading.halfSince else { return nil }
        let left = ContinuousClock.now.duration(to: since + settings.watcher.times.operation)
        return left > .zero ? left : nil
    }

    /// Looks anew at half of a change, if there is any, now that it has had its time. In the turn of a change.
    /// - Returns: Whether what was read counts: the half may have been taken back by now, or come to its end.
    func heed(_ reading: FolderReading) async -> Bool {
        if interruption.isEmpty, cutOff.isWhole(reading) { return true }
        await settleInterruption()
        return !interruption.isEmpty
    }

    /// Takes back what is left of a change that was cut off, by an earlier process or by a disk, if there is any.
    @discardableResult
    func settleInterruption() async -> InterruptedChanges {
        let found = await interruptedChanges()
        tellLeftovers(found.warnings)
        cutOff.take(found)
        return found
    }

    private func tellLeftovers(_ warnings: [Diagnostic]) {
        settings.leftovers.note(warnings)
        let new = cutOff.new(of: warnings)
        if !new.isEmpty { settings.onEvent(.interruption(new)) }
    }

    /// Of what a change left behind all is told anew. Half of one that has come since is heeded when it has had its time.
    func tellLeftoversAnew() async {
        tellLeftovers(await interruptedChanges().warnings)
    }

    /// Where a set is put as a whole there is never half of a change.
    private func interruptedChanges() async -> InterruptedChanges {
        guard watcher.replacing == nil else { return InterruptedChanges() }
        return await Self.interruptedChanges(of: settings.folder, in: journal)
    }

    /// Away from the actor: the disk may take its time.
    @concurrent
    private static func interruptedChanges(of folder: String, in journal: ChangeJournal?) async -> InterruptedChanges {
        journal.map { InterruptedChanges(of: folder, in: $0) } ?? InterruptedChanges(of: folder)
    }
}
