import Diagnostics
import Glibc

/// Keeps the record of the change that is being written in the state folder (`changes/`, one file a manifests folder,
/// 0600), from before the first file is touched until the last one is on the disk.
struct ChangeJournal: Sendable {
    /// Bytes of a file that is believed to be a record. Default: 64 MiB, enough for 200,000 manifests.
    private static let byteLimit = 64 * 1024 * 1024
    private static let settledSuffix = ".settled"

    let folder: String
    let writer: FileWriter

    /// - Parameter stateFolder: Absolute.
    init(stateFolder: String, writer: FileWriter = FileWriter()) {
        folder = stateFolder + "/changes"
        self.writer = writer
    }

    /// What is kept of changes.
    enum Entry: Hashable {
        case record(ChangeRecord, path: String)
        /// Of a change that is whole or undone: only what lies beside its files is still to go.
        case settled(ChangeRecord, path: String)
        case damaged(path: String)
    }

    /// - Returns: All that are kept, whichever folder they are of.
    func entries() throws(FileError) -> [Entry] {
        let names: [String]
        do throws(FileError) {
            names = try FileAccess.names(inFolder: folder).names
        } catch {
            guard error.isMissing, FileAccess.isAbsent(folder) else { throw error }
            return []
        }
        var entries: [Entry] = []
        for name in names where !name.hasPrefix(".") {
            let path = "\(folder)/\(name)"
            switch try FileAccess.read(path, limit: Self.byteLimit) {
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
        do throws(FileError) {
            for name in try FileAccess.names(inFolder: folder).names where name.hasPrefix(".") {
                try writer.remove("\(folder)/\(name)")
            }
        } catch {}  // what cannot be listed is reported where records are read
    }

    /// Returns when it is on the disk.
    func begin(_ record: ChangeRecord) throws(FileError) {
        try writer.makePrivateFolder(folder)
        try writer.replacePrivate(path(of: record), record.encoded)
    }

    /// Notes that whatever becomes of the files from now on has nothing to do with the change any more.
    /// - Returns: Where the record is now; on the disk, too.
    func settle(_ path: String) throws(FileError) -> String {
        guard !path.hasSuffix(Self.settledSuffix) else { return path }
        try writer.rename(path, to: path + Self.settledSuffix)
        try writer.sync(folder)
        return path + Self.settledSuffix
    }

    /// Returns when the disk has forgotten it.
    func forget(_ path: String) throws(FileError) {
        try writer.remove(path)
        try writer.sync(folder)
    }

    func path(of record: ChangeRecord) -> String { path(ofFolder: record.folder) }

    /// - Parameter folder: A manifests folder, without links.
    func path(ofFolder folder: String) -> String { "\(self.folder)/\(ContentHash(of: Array(folder.utf8)))" }
}
