import Diagnostics
import Glibc
import Synchronization
package import SystemInterfaces

/// The sets that this host has taken for what they say they are, in the state folder (`generations/sets`, 0600): which one
/// serves is told by it, and one that is older than the newest is told from it.
package final class KnownSets: Sendable {
    struct Entry: Sendable, Hashable {
        /// As generations have it.
        let generationHash: String
        let record: SetRecord
    }

    private struct State {
        /// The newest last.
        var entries: [Entry] = []
        /// What lies there cannot be read.
        var problem: Diagnostic?
    }

    /// How many are kept: more than are kept in etcd.
    private static let countLimit = 16
    private static let byteLimit = 64 << 10
    private static let folder = "generations"
    private static let file = folder + "/sets"
    private static let magic = "HEDDLE-SETS-1"

    private let stateFolder: HeldFolder?
    private let state = Mutex(State())

    /// - Parameter stateFolder: `nil`: nothing is kept.
    package init(stateFolder: HeldFolder?) {
        self.stateFolder = stateFolder
        load()
    }

    var entries: [Entry] { state.withLock(\.entries) }
    var problem: Diagnostic? { state.withLock(\.problem) }

    /// What lies there is looked at anew, if it could not be read.
    func lookAgain() { if problem != nil { load() } }

    /// The newest last, and on the disk if it takes it: what cannot be kept is known for as long as this process runs.
    func note(_ entry: Entry) {
        let text = state.withLock { state -> String? in
            guard state.entries.last != entry else { return nil }
            state.entries.removeAll { $0 == entry }
            state.entries.append(entry)
            state.entries = state.entries.suffix(Self.countLimit)
            return state.problem == nil ? Self.text(state.entries) : nil
        }
        guard let stateFolder, let text else { return }
        // That the folder cannot be written is told of by who keeps the set itself there.
        do throws(SystemCallError) {
            let writer = FileWriter()
            try writer.makePrivateFolder(stateFolder.reach(Self.folder))
            try writer.replacePrivate(stateFolder.reach(Self.file), Array(text.utf8))
        } catch {}
    }

    private func load() {
        guard let stateFolder, let place = stateFolder.place(of: Self.file) else { return }
        let found: Result<[Entry], Diagnostic>
        let position = SourcePosition.place(stateFolder.path(of: Self.file))
        do throws(SystemCallError) {
            if case .bytes(let bytes, _) = try FileAccess.read(place, limit: Self.byteLimit),
                let entries = Self.entries(of: bytes)
            {
                found = .success(entries)
            } else {
                found = .failure(Self.problem(at: position, "what Heddle did not write"))
            }
        } catch {
            found =
                error.isMissing && FileAccess.isAbsent(place)
                ? .success([]) : .failure(Self.problem(at: position, "\(error.call): \(error.reason)"))
        }
        state.withLock { state in
            switch found {
            case .success(let entries):
                state.entries = entries
                state.problem = nil
            case .failure(let problem): state.problem = problem
            }
        }
    }

    private static func problem(at position: SourcePosition, _ found: String) -> Diagnostic {
        Diagnostic(
            .setMemory, at: position, found: found,
            expected: "which sets this host has seen: without it an old one cannot be told from a new one",
            remedy: "see that the set in etcd is the newest, and remove the file")
    }

    private static func text(_ entries: [Entry]) -> String {
        let lines = entries.map { entry in
            "\(entry.generationHash) \(String(decoding: entry.record.bytes, as: UTF8.self).replacing("\n", with: "|"))\n"
        }
        return magic + "\n" + lines.joined()
    }

    private static func entries(of bytes: [UInt8]) -> [Entry]? {
        guard let text = String(validating: bytes, as: UTF8.self), text.hasSuffix("\n") else { return nil }
        let lines = text.split(separator: "\n")
        guard lines.first == magic[...] else { return nil }
        var entries: [Entry] = []
        for line in lines.dropFirst() {
            guard let space = line.firstIndex(of: " "),
                let record = SetRecord(Array(line[line.index(after: space)...].replacing("|", with: "\n").utf8))
            else { return nil }
            entries.append(Entry(generationHash: String(line[..<space]), record: record))
        }
        return entries
    }
}
