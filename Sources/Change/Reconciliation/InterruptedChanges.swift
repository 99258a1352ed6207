import Diagnostics
import Glibc
import SystemInterfaces

/// What is left of changes that no process saw to their end.
struct InterruptedChanges: Sendable {
    /// What people should know, though it stands in nobody's way.
    private(set) var warnings: [Diagnostic] = []
    /// The folder holds half of a change, or may: what it says is not to be taken up.
    private(set) var problems: [Diagnostic] = []
    /// Changes that these problems, or a record of this folder, tell of. Not those of which nothing is done yet: they may be another
    /// node's, which is about to.
    private(set) var known: Set<UInt64> = []
    /// Half of a change lies there that no record tells of: another node may be in the midst of it.
    private(set) var hasHalfOfOthers = false

    /// None.
    init() {}

    /// Looks without any record.
    /// - Parameter folder: Absolute.
    init(of folder: String) {
        do throws(SystemCallError) { tellUnrecorded(in: try FileWriter.realPath(folder)) } catch {
            problems = Self.unseen(folder, error)
        }
    }

    /// Settles each change of this folder as far as that can be done without a guess.
    /// - Parameter folder: Absolute.
    init(of folder: String, in journal: ChangeJournal) {
        journal.removeDrafts()
        let entries: [ChangeJournal.Entry]
        do throws(SystemCallError) {
            entries = try journal.entries()
        } catch {
            problems.append(Self.unreadable(journal.folder, error))
            return
        }
        let place: Place
        do throws(SystemCallError) {
            place = try Place(folder)
        } catch {
            // Whatever comes into sight there may be half of a change: it is looked at before it is taken up.
            problems = Self.unseen(folder, error)
            return
        }
        let writer = ManifestWriter(folder: folder, journal: journal, writer: journal.writer)
        for entry in entries {
            switch entry {
            case .damaged(let path):
                if path == journal.path(ofFolder: place.path) {
                    problems.append(Self.damaged(path))
                } else {
                    warnings.append(Self.elsewhere("a damaged record of a change of another folder", path))
                }
            case .record(let record, let path) where place.isFolder(of: record):
                known.insert(record.id)
                settle(record, path, in: place.path, writer, journal)
            case .settled(let record, let path):
                guard place.isFolder(of: record) else { continue }
                known.insert(record.id)
                do throws(SystemCallError) { try writer.clearAway(record, in: place.path, recordAt: path) } catch {}
            case .record(let record, let path):
                warnings.append(
                    Self.elsewhere("a change of \(Diagnostic.quoted(record.folder)) that was cut off", path))
            }
        }
        // It may be that of a damaged record, of which enough is said.
        guard !problems.contains(where: { $0.code == .recordDamaged }) else { return }
        tellUnrecorded(in: place.path)
    }

    /// Changes without a record that are told one by one: whoever may write into the folder can make names by the thousand.
    private static let toldCount = 10

    private mutating func tellUnrecorded(in folder: String) {
        let found = UnrecordedChange.found(in: folder, except: known)
        let halves = found.filter(\.isHalf)
        let leftBehind = found.filter { !$0.isHalf }
        known.formUnion(halves.map(\.change))
        hasHalfOfOthers = !halves.isEmpty
        problems += halves.prefix(Self.toldCount).map(\.diagnostic)
        warnings += leftBehind.prefix(Self.toldCount).map(\.diagnostic)
        if leftBehind.count > Self.toldCount {
            warnings.append(leftBehind[Self.toldCount].diagnostic(ofSoManyMore: leftBehind.count - Self.toldCount))
        }
    }

    private mutating func settle(
        _ record: ChangeRecord, _ path: String, in folder: String, _ writer: ManifestWriter, _ journal: ChangeJournal
    ) {
        do throws(SystemCallError) {
            switch try writer.settle(record, in: folder) {
            case .undecidable(let manifests):
                problems += manifests.map { Self.undecidable($0, record, path) }
                return
            case .undone: warnings.append(Self.undone(record))
            case .untouched, .complete: break
            }
        } catch {
            problems.append(Self.unsettled(record, error))
            return
        }
        // The folder is whole. What cannot be cleared away now is before the next change, or at the next start.
        do throws(SystemCallError) { try writer.clearAway(record, in: folder, recordAt: path) } catch {}
    }

    /// The folder as it is now. Its device may have another number after a restart of the machine, and the folder may
    /// have been moved: either is enough to know it by.
    private struct Place {
        /// Without links.
        let path: String
        let device: UInt64
        let inode: UInt64

        init(_ folder: String) throws(SystemCallError) {
            path = try FileWriter.realPath(folder)
            let signature = try FileAccess.facts(path, followingLinks: true).signature
            device = UInt64(signature.device)
            inode = UInt64(signature.inode)
        }

        func isFolder(of record: ChangeRecord) -> Bool {
            path == record.folder || (device == record.device && inode == record.inode)
        }
    }

    // MARK: Telling

    private static func undone(_ record: ChangeRecord) -> Diagnostic {
        Diagnostic(
            .takenBack, .warning, at: .manifestsFolder,
            found: "half of a change of \(manifests(record)), which was cut off", expected: "all of it",
            remedy: "nothing is left of it: apply it again")
    }

    private static func undecidable(_ manifest: String, _ record: ChangeRecord, _ path: String) -> Diagnostic {
        Diagnostic(
            .interrupted, at: SourcePosition(file: manifest, line: 1, column: 1),
            found: "half of a change of \(manifests(record)), which was cut off, and this one was edited since",
            expected: "all of the change, or nothing of it",
            remedy: "make them what they shall be, then remove \(path), and what is named "
                + "\(ChangeRecord.Companion.prefix(of: record.id))* beside them")
    }

    private static func unsettled(_ record: ChangeRecord, _ error: SystemCallError) -> Diagnostic {
        Diagnostic(
            .interrupted, at: .manifestsFolder,
            found:
                "a change of \(manifests(record)) that was cut off and cannot be taken back: \(error.call): \(error.reason)",
            expected: "all of the change, or nothing of it",
            remedy: error.remedy(writing: "the manifests folder") + ": it is tried again every second")
    }

    private static func damaged(_ path: String) -> Diagnostic {
        Diagnostic(
            .recordDamaged, at: .place(path),
            found: "a damaged record of a change that was cut off",
            expected: "what Heddle wrote there: which manifests it changes",
            remedy:
                "see that the manifests are what they shall be, then remove the file, and what is named .heddle-* beside them"
        )
    }

    /// As whoever reads the folder says it.
    private static func unseen(_ folder: String, _ error: SystemCallError) -> [Diagnostic] {
        let found = FolderListing(of: folder) { _, _ in }.problems.values
        return found.isEmpty ? [FileProblem.unreadable("", error, what: "a folder")] : Array(found)
    }

    private static func unreadable(_ path: String, _ error: SystemCallError) -> Diagnostic {
        Diagnostic(
            .recordDamaged, at: .place(path),
            found: "\(error.call): \(error.reason)",
            expected: "the records of changes that were cut off, if there are any",
            remedy: FailedCall.remedy(error.errno, to: .read, "the state folder"))
    }

    private static func elsewhere(_ found: String, _ path: String) -> Diagnostic {
        Diagnostic(
            .interruptedElsewhere, .warning, at: .place(path), found: found,
            expected: "this state folder with the manifests that it was used with",
            remedy: "serve those once with this state folder, and the change is settled; or remove the file")
    }

    /// `a.yaml, b.yaml and 3 others`.
    private static func manifests(_ record: ChangeRecord) -> String {
        let named = record.steps.prefix(3).map(\.path).joined(separator: ", ")
        let rest = record.steps.count - 3
        return rest > 0 ? "\(named) and \(rest) \(rest == 1 ? "other" : "others")" : named
    }
}
