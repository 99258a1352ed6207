import Diagnostics
import Glibc
import SystemInterfaces

/// Writes edits into the folder, all of them or none, whatever happens meanwhile: a full disk, `kill -9`, a machine that
/// loses power.
///
/// The record of the change comes first (`ChangeJournal`). New bytes are written beside the files they are for, old files
/// get a second name, and all that is brought to the disk. Only then does one rename(2) after the other make the change;
/// each can be taken back by another, which needs no room. At last drafts, second names and the record go.
struct ManifestWriter: Sendable {
    struct Edit: Sendable {
        let path: String
        /// `nil`: there is no such file yet.
        let before: [UInt8]?
        /// `nil`: the file goes.
        let after: [UInt8]?
    }

    struct Failure: Error {
        let diagnostic: Diagnostic
        /// Nothing is changed; otherwise the folder holds half of the change, and the journal knows.
        let isUndone: Bool
    }

    private let folder: String
    private let journal: ChangeJournal?
    private let writer: FileWriter

    /// - Parameters:
    ///   - folder: Absolute.
    ///   - journal: `nil`: nothing is kept across restarts.
    init(folder: String, journal: ChangeJournal?, writer: FileWriter = FileWriter()) {
        self.folder = folder
        self.journal = journal
        self.writer = writer
    }

    // MARK: A change

    /// - Returns: What tells each file that was put there from whatever it may become; `nil` for those that went.
    @discardableResult
    func write(_ edits: [Edit]) throws(Failure) -> [FileSignature?] {
        guard let first = edits.first else { return [] }
        var path = first.path
        let change = try known(edits, path: &path)
        let isKept = try begin(change)
        var trouble: Diagnostic?
        var written: [FileSignature?] = []
        do throws(SystemCallError) {
            written = try prepare(change, path: &path)
            // As late as possible: someone may have edited the same files meanwhile.
            trouble = displacement(for: change)
            if trouble == nil { trouble = try conflict(in: change).map(conflicting) }
            if trouble == nil {
                for index in edits.indices {
                    path = edits[index].path
                    try perform(index, of: change)
                }
            }
        } catch {
            trouble = change.trouble(path, error)
        }
        if let trouble {
            throw Failure(diagnostic: trouble, isUndone: undo(change.record, in: change.folder, isKept: isKept))
        }
        tidy(change.record, in: change.folder, isKept: isKept)
        return written
    }

    /// - Parameter path: Of the edit that is looked at.
    private func known(_ edits: [Edit], path: inout String) throws(Failure) -> Change {
        let change: Change
        do throws(SystemCallError) {
            change = try Change(edits, folder: folder, path: &path)
        } catch {
            throw Failure(diagnostic: Change.unwritable(path, error), isUndone: true)
        }
        if let trouble = change.strandedLink() { throw Failure(diagnostic: trouble, isUndone: true) }
        return change
    }

    /// - Returns: Whether there is a record of it now.
    private func begin(_ change: Change) throws(Failure) -> Bool {
        guard let journal else { return false }
        if let trouble = displacement(for: change) { throw Failure(diagnostic: trouble, isUndone: true) }
        do throws(SystemCallError) {
            // What an earlier change could not clear away.
            for entry in try journal.entries() {
                switch entry {
                case .record(let former, let path), .settled(let former, let path):
                    guard former.folder == change.folder else { continue }
                    if case .record = entry { _ = try settle(former, in: change.folder) }
                    try clearAway(former, in: change.folder, recordAt: path)
                case .damaged: continue
                }
            }
            try journal.begin(change.record)
            return true
        } catch {
            do throws(SystemCallError) { try journal.forget(journal.path(of: change.record)) } catch {}
            // One file is replaced as a whole without it: trouble with the state must not keep a stricter rule away.
            if change.edits.count == 1 { return false }
            throw Failure(diagnostic: unrecorded(journal, error), isUndone: true)
        }
    }

    /// - Returns: Why the next start would not look for the record of the change where it is kept. One file needs none.
    private func displacement(for change: Change) -> Diagnostic? {
        guard let journal, change.edits.count > 1 else { return nil }
        let found: String
        switch journal.standing {
        case .inPlace, .absent: return nil
        case .displaced, .removed: found = "no longer the folder that this process has locked"
        case .unseen(let error): found = "what cannot be seen (\(FailedCall.reason(error)))"
        }
        return Diagnostic(
            .unwritable, at: .place(journal.folder), found: found,
            expected:
                "the state folder in its place: a change of several files is written down there first, for the next start",
            remedy: "put it back, or apply one file at a time")
    }

    /// Nothing that a reader looks at changes.
    /// - Returns: Of the drafts.
    private func prepare(_ change: Change, path: inout String) throws(SystemCallError) -> [FileSignature?] {
        let record = change.record
        for (index, edit) in change.edits.enumerated() {
            path = edit.path
            guard let after = edit.after else { continue }
            try Rehearsal.draft(inFolder: ChangeRecord.folder(of: change.targets[index]))  // or it would stay there
            try writer.create(
                record.draft(index, in: change.folder), after, as: change.roles[index], isSynced: false)
        }
        for (index, edit) in change.edits.enumerated() where edit.before != nil && edit.after != nil {
            path = edit.path
            try backUp(index, of: change)
        }
        if let mark = record.mark(in: change.folder) {
            try writer.create(mark, [], as: .new(FileTraits(newIn: change.folder)), isSynced: false)
        }
        // All at the end: the first one takes most of the others with it.
        var signatures = [FileSignature?](repeating: nil, count: change.edits.count)
        for (index, edit) in change.edits.enumerated() where edit.after != nil {
            let draft = record.draft(index, in: change.folder)
            try writer.sync(draft)
            signatures[index] = try FileAccess.facts(draft, followingLinks: false).signature
        }
        for folder in record.folders(in: change.folder) { try writer.sync(folder) }
        return signatures
    }

    private func backUp(_ index: Int, of change: Change) throws(SystemCallError) {
        let backup = change.record.backup(index, in: change.folder)
        do throws(SystemCallError) {
            try writer.link(change.targets[index], as: backup)
        } catch {
            // Filesystems without second names, and files of others (protected_hardlinks).
            guard [EPERM, EACCES, EOPNOTSUPP, ENOSYS, EMLINK, EINVAL].contains(error.errno),
                let before = change.edits[index].before
            else { throw error }
            try writer.create(backup, before, as: change.roles[index])
        }
    }

    /// - Returns: The manifest that is not as it was read.
    private func conflict(in change: Change) throws(SystemCallError) -> String? {
        for (index, edit) in change.edits.enumerated() {
            do throws(SystemCallError) {
                if try !change.isAsKnown(index) { return edit.path }
            } catch {
                guard error.isMissing else { throw error }
                return edit.path
            }
        }
        return nil
    }

    private func perform(_ index: Int, of change: Change) throws(SystemCallError) {
        let target = change.targets[index]
        if change.edits[index].after == nil {
            try writer.rename(target, to: change.record.backup(index, in: change.folder))
        } else {
            try writer.rename(change.record.draft(index, in: change.folder), to: target)
        }
    }

    // MARK: Taking it back

    /// How a change that was cut off ended.
    enum Ending: Hashable {
        /// Nothing of it was there.
        case untouched
        /// All of it was.
        case complete
        /// What there was of it has been taken back.
        case undone
        /// It stays as it is: these manifests were changed since, or have lost their old bytes.
        case undecidable([String])
    }

    /// Takes back what there is of a change, unless all of it is there.
    /// - Parameter folder: Where the record's folder is now, without links.
    /// - Throws: Why that cannot be known, or done.
    func settle(_ record: ChangeRecord, in folder: String) throws(SystemCallError) -> Ending {
        var found: [ChangeVerdict.Evidence] = []
        for index in record.steps.indices { found.append(try evidence(record, index, in: folder)) }
        switch ChangeVerdict(record.steps, found) {
        case .undecidable(let steps): return .undecidable(steps.map { record.steps[$0].path })
        case .untouched: return .untouched
        case .complete: return .complete
        case .half(let done):
            for index in done.reversed() {
                let target = record.target(index, in: folder)
                if record.steps[index].before == nil {
                    try writer.remove(target)
                } else {
                    try writer.rename(record.backup(index, in: folder), to: target)
                }
            }
            return .undone
        }
    }

    /// Brings a change that is settled to the disk, and removes what it left there: beside the files, then its record.
    /// Until that has been done, nothing is amiss but that it is to be done.
    /// - Parameter path: The record's; `nil`: there is none.
    func clearAway(_ record: ChangeRecord, in folder: String, recordAt path: String?) throws(SystemCallError) {
        for folder in record.folders(in: folder) { try writer.sync(folder) }
        if let mark = record.mark(in: folder), try exists(mark) { try writer.remove(mark) }
        let path = try path.map { path throws(SystemCallError) in try journal?.settle(path) ?? path }
        // From the last on: what is left is never taken for half of a change (`UnrecordedChange`).
        for index in record.steps.indices.reversed() {
            for name in [record.draft(index, in: folder), record.backup(index, in: folder)] where try exists(name) {
                try writer.remove(name)
            }
        }
        if let path { try journal?.forget(path) }
    }

    private func undo(_ record: ChangeRecord, in folder: String, isKept: Bool) -> Bool {
        do throws(SystemCallError) {
            if case .undecidable = try settle(record, in: folder) { return false }
        } catch {
            return false
        }
        tidy(record, in: folder, isKept: isKept)
        return true
    }

    /// What cannot be cleared away now is before the next change, or at the next start.
    private func tidy(_ record: ChangeRecord, in folder: String, isKept: Bool) {
        do throws(SystemCallError) {
            try clearAway(record, in: folder, recordAt: isKept ? journal?.path(of: record) : nil)
        } catch {}
    }

    private func evidence(
        _ record: ChangeRecord, _ index: Int, in folder: String
    ) throws(SystemCallError) -> ChangeVerdict.Evidence {
        let step = record.steps[index]
        let found = try hash(record.target(index, in: folder))
        let backup = try hash(record.backup(index, in: folder))
        return ChangeVerdict.Evidence(
            content: found == step.before ? .asBefore : found == step.after ? .asAfter : .another,
            hasDraft: try exists(record.draft(index, in: folder)),
            backup: backup == nil ? .none : backup == step.before ? .asBefore : .another)
    }

    /// - Returns: `nil` if there is no such file. What is no file, or is being written, has a hash of no file.
    private func hash(_ path: String) throws(SystemCallError) -> ContentHash? {
        do throws(SystemCallError) {
            switch try FileAccess.read(path, limit: ManifestSource.byteLimit) {
            case .bytes(let bytes, _): return ContentHash(of: bytes)
            case .busy, .tooLarge, .notAFile: return ContentHash(high: 0, low: 0)
            }
        } catch {
            guard error.isMissing else { throw error }
            return nil
        }
    }

    private func exists(_ path: String) throws(SystemCallError) -> Bool {
        do throws(SystemCallError) {
            _ = try FileAccess.facts(path, followingLinks: false)
            return true
        } catch {
            guard error.isMissing else { throw error }
            return false
        }
    }

    // MARK: Telling

    private func conflicting(_ path: String) -> Diagnostic {
        Diagnostic(
            .conflict, at: SourcePosition(file: path, line: 1, column: 1),
            found: "a file that changed meanwhile: its bytes, its owner, or who may read or write it",
            expected: "the file as it was read", remedy: "try again")
    }

    private func unrecorded(_ journal: ChangeJournal, _ error: SystemCallError) -> Diagnostic {
        Diagnostic(
            .unwritable, at: .place(journal.folder), found: "\(error.call): \(error.reason)",
            expected: "a state folder that can be written: a change of several files is written down there first",
            remedy: error.remedy(writing: "the state folder") + ", or apply one file at a time")
    }

    // MARK: A change that is not made

    /// Refuses what `write` would refuse, in the same words, as far as that can be known without writing anything.
    func rehearse(_ edits: [Edit]) throws(Failure) {
        guard let first = edits.first else { return }
        var path = first.path
        let change = try known(edits, path: &path)
        if let trouble = displacement(for: change) { throw Failure(diagnostic: trouble, isUndone: true) }
        if edits.count > 1, let journal {
            do throws(SystemCallError) { try journal.rehearse(change.record) } catch {
                throw Failure(diagnostic: unrecorded(journal, error), isUndone: true)
            }
        }
        do throws(SystemCallError) { try change.rehearse(path: &path) } catch {
            throw Failure(diagnostic: change.trouble(path, error), isUndone: true)
        }
    }
}
