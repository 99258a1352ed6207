import Diagnostics
import Glibc
import SystemInterfaces

/// Keeps the record of the change that is being written in the state folder (`changes/`, one file a manifests folder,
/// 0600), from before the first file is touched until the last one is on the disk.
struct ChangeJournal: Sendable {
    /// Bytes of a file that is believed to be a record. Default: 64 MiB, enough for 200,000 manifests.
    private static let byteLimit = 64 * 1024 * 1024
    private static let settledSuffix = ".settled"

    private static let name = "changes"

    private let stateFolder: HeldFolder
    let writer: FileWriter

    init(stateFolder: HeldFolder, writer: FileWriter = FileWriter()) {
        self.stateFolder = stateFolder
        self.writer = writer
    }

    /// Where people find it.
    var folder: String { stateFolder.path(of: Self.name) }

    /// Whether the next start looks for records where this process keeps them.
    var standing: HeldFolder.Standing { stateFolder.standing }

    /// Where the system finds it.
    private func place() throws(SystemCallError) -> String { try stateFolder.reach(Self.name) }

    /// - Parameter path: A record's, as people find it.
    private func place(of path: String) throws(SystemCallError) -> String {
        try place() + path[(path.lastIndex(of: "/") ?? path.startIndex)...]
    }

    /// What is kept of changes; paths are those that people find it at.
    enum Entry: Hashable {
        case record(ChangeRecord, path: String)
        /// Of a change that is whole or undone: only what lies beside its files is still to go.
        case settled(ChangeRecord, path: String)
        case damaged(path: String)
    }

    /// - Returns: All that are kept, whichever folder they are of.
    func entries() throws(SystemCallError) -> [Entry] {
        guard stateFolder.isHeld else { return [] }
        let place = try place()
        let names: [String]
        do throws(SystemCallError) {
            names = try FileAccess.names(inFolder: place).names
        } catch {
            guard error.isMissing, FileAccess.isAbsent(place) else { throw error }
            return []
        }
        var entries: [Entry] = []
        for name in names where !name.hasPrefix(".") {
            let path = "\(folder)/\(name)"
            switch try FileAccess.read("\(place)/\(name)", limit: Self.byteLimit) {
            case .bytes(let bytes, _):
                let record = ChangeRecord(decoding: bytes)
                let isSettled = name.hasSuffix(Self.settledSuffix)
                entries.append(
                    record.map { isSettled ? .settled($0, path: path) : .record($0, path: path) }
                        ?? .damaged(path: path))
            case .busy, .tooLarge, .notAFile: entries.append(.damaged(path: path))
            }
        }
        return entries
    }

    /// Removes what a process left that was killed while it wrote a record.
    func removeDrafts() {
        do throws(SystemCallError) {
            let place = try place()
            for name in try FileAccess.names(inFolder: place).names where name.hasPrefix(".") {
                try writer.remove("\(place)/\(name)")
            }
        } catch {}  // what cannot be listed is reported where records are read
    }

    /// Returns when it is on the disk.
    func begin(_ record: ChangeRecord) throws(SystemCallError) {
        try writer.makePrivateFolder(place())
        try Rehearsal.draft(inFolder: place())
        try writer.replacePrivate(place(of: path(of: record)), record.encoded)
    }

    /// Refuses what `begin` would refuse, as far as that can be asked.
    func rehearse(_ record: ChangeRecord) throws(SystemCallError) {
        _ = try entries()
        let place = try place()
        // Made by `begin` if it is not there.
        let isMissing = FileAccess.isAbsent(place)
        let folder = isMissing ? ChangeRecord.folder(of: place) : place
        if isMissing {
            try FileAccess.checkWritable(folder, for: "mkdir")
        } else {
            try Rehearsal.draft(inFolder: folder)
        }
        var room = DiskRoom()
        try room.take(record.encoded.count, in: folder)
    }

    /// Notes that whatever becomes of the files from now on has nothing to do with the change any more.
    /// - Returns: Where the record is now; on the disk, too.
    func settle(_ path: String) throws(SystemCallError) -> String {
        guard !path.hasSuffix(Self.settledSuffix) else { return path }
        try writer.rename(place(of: path), to: place(of: path + Self.settledSuffix))
        try writer.sync(place())
        return path + Self.settledSuffix
    }

    /// Returns when the disk has forgotten it.
    func forget(_ path: String) throws(SystemCallError) {
        try writer.remove(place(of: path))
        try writer.sync(place())
    }

    func path(of record: ChangeRecord) -> String { path(ofFolder: record.folder) }

    /// - Parameter folder: A manifests folder, without links.
    func path(ofFolder folder: String) -> String { "\(self.folder)/\(ContentHash(of: Array(folder.utf8)))" }
}
