import Diagnostics
import Glibc
import SystemInterfaces

/// Holds the folder's files as they last were, and reads those that a request names. What it reads is proposed first, and
/// taken up when the watcher has made sure that no one wrote meanwhile.
struct FolderReader {
    /// Bytes of one certificate or key file; of one that is longer nothing is looked at. Default: 1 MiB.
    static let watchedFileByteLimit = 1024 * 1024
    /// Looks, 1 ms apart, for a moment at which nobody has an overdue file open for writing. Default: 10.
    static let overdueLooks = 10
    /// For which an overdue file must stay as it is, if there is none. Default: 10 ms.
    static let overdueCalm = Duration.milliseconds(10)
    /// For which all overdue files of one request are waited for together. Default: 200 ms.
    static let overduePatience = Duration.milliseconds(200)

    fileprivate struct Version {
        var source: ManifestSource
        var signature: FileSignature
    }

    fileprivate enum Proposal {
        case version(Version)
        case touched(FileSignature)
        case removed
        case problem(Diagnostic)
    }

    /// Watches what is to be read, before it is.
    struct Watching {
        /// Each folder before it is listed.
        var folder: (String, FolderListing.Interest) -> Void = { _, _ in }
        /// A manifest that is not told of enough by its folder: its path, where it stands, and why.
        var file: (String, String, WatchedAlone.Reason) -> Void = { _, _, _ in }
    }

    /// What a request found, before it is believed.
    struct Finding {
        fileprivate var proposals: [String: Proposal] = [:]
        fileprivate var watchedFiles: [String: Int]?
        /// Being written.
        fileprivate(set) var busy: [String] = []
        /// Known, not there, and nothing said that they were deleted.
        fileprivate(set) var missing: [String] = []
        /// Changed since they were last looked at: believed when a second look finds them the same.
        fileprivate(set) var unsettled: [String] = []
        /// Until when overdue files are waited for.
        fileprivate let overdueEnd = ContinuousClock.now + FolderReader.overduePatience

        /// Whose bytes were read.
        var paths: some Collection<String> { proposals.keys }
    }

    let folder: String
    let selection: FolderSelection
    private(set) var listing: FolderListing
    /// Sorted by path.
    private(set) var files: [ManifestSource] = []
    private var signatures: [String: FileSignature] = [:]
    private var fileProblems: [String: Diagnostic] = [:]
    /// Seen once, where no event says when a file is complete.
    private var candidates: [String: FileSignature] = [:]
    /// Absolute path → digest of the content. The digest is keyed with chance anew in each process and never shown:
    /// some of the files are secret.
    private var watchedFiles: [String: Int] = [:]
    private(set) var watchedFilesRevision: UInt64 = 0

    /// - Parameter folder: Absolute.
    init(folder: String, selection: FolderSelection = .manifests) {
        self.folder = folder
        self.selection = selection
        listing = FolderListing(of: folder, limits: FolderListing.Limits(folders: 0, files: 0)) { _, _ in }
    }

    /// What cannot be read, by path.
    var problems: [Diagnostic] {
        var all = listing.problems
        all.merge(fileProblems) { listed, _ in listed }
        return all.values.sorted { $0.position < $1.position }
    }

    // MARK: Looking

    /// - Parameter looksTwice: There are no events: a changed file is believed when it looks the same twice.
    mutating func look(
        for request: ChangeSettler.Request, looksTwice: Bool, watching: Watching = Watching()
    ) -> Finding {
        var finding = Finding()
        if request.everything {
            listing = FolderListing(of: folder, selection: selection, willRead: watching.folder)
            lookAtEverything(request, looksTwice: looksTwice, watching, into: &finding)
        } else {
            for path in request.files.keys where !request.held.contains(path) {
                look(at: path, for: request, looksTwice: looksTwice, watching, into: &finding)
            }
        }
        if request.watchedFiles { finding.watchedFiles = watchedFiles.mapValues { _ in 0 } }
        for path in finding.watchedFiles?.keys.sorted() ?? [] { finding.watchedFiles?[path] = Self.digest(path) }
        return finding
    }

    private mutating func lookAtEverything(
        _ request: ChangeSettler.Request, looksTwice: Bool, _ watching: Watching, into finding: inout Finding
    ) {
        for path in listing.files.keys where !request.held.contains(path) {
            look(at: path, for: request, looksTwice: looksTwice, watching, into: &finding)
        }
        // What was not seen in part is reported, and gone is only what is missing in the whole.
        guard listing.isWhole else { return }
        for path in Set(signatures.keys).union(fileProblems.keys)
        where listing.files[path] == nil && !request.held.contains(path) {
            if request.files[path] == .gone || signatures[path] == nil {
                finding.proposals[path] = .removed
            } else {
                finding.missing.append(path)
            }
        }
    }

    private mutating func look(
        at path: String, for request: ChangeSettler.Request, looksTwice: Bool, _ watching: Watching,
        into finding: inout Finding
    ) {
        guard let absolute = absolute(path) else { return }
        let certainty = request.files[path] ?? .uncertain
        let isAnnounced = request.files[path] != nil
        do throws(SystemCallError) {
            var facts = try FileAccess.facts(absolute, followingLinks: true)
            if let reason = FileAccess.soloReason(absolute, facts) {
                watching.file(path, absolute, reason)
                facts = try FileAccess.facts(absolute, followingLinks: true)  // once more, now that it is watched
            }
            let signature = facts.signature
            if signatures[path] == signature, fileProblems[path] == nil { return }
            // Once a change is overdue, all counts as this look finds it.
            if looksTwice, certainty == .uncertain, !request.isOverdue,
                candidates.updateValue(signature, forKey: path) != signature
            {
                finding.unsettled.append(path)
                return
            }
            let isOverdue = request.overdueFiles.contains(path)
            // Also for one that was closed a moment ago: who has opened it since has perhaps made it empty, which the kernel
            // tells later.
            let content =
                try isOverdue
                ? readOverdue(absolute, until: finding.overdueEnd)
                : FileAccess.read(
                    absolute, limit: selection.byteLimit, looksForWriters: true,
                    unknownIsBusy: certainty == .uncertain && isAnnounced && !looksTwice)
            switch content {
            case .bytes(let bytes, let signature):
                if let index = index(of: path), files[index].bytes == bytes {
                    finding.proposals[path] = .touched(signature)
                } else {
                    let source = ManifestSource(path: path, bytes: bytes)
                    finding.proposals[path] = .version(Version(source: source, signature: signature))
                }
            case .busy where isOverdue: finding.proposals[path] = .problem(FileProblem.neverWhole(path))
            case .busy: finding.busy.append(path)
            case .tooLarge, .notAFile:
                if let problem = FileProblem.of(content, path, byteLimit: selection.byteLimit) {
                    finding.proposals[path] = .problem(problem)
                }
            }
        } catch {
            // A link whose target went is still there, and so is a file that cannot be reached.
            guard error.isMissing, FileAccess.isAbsent(absolute) else {
                let problem = FileProblem.unreadableManifest(path, at: absolute, error)
                finding.proposals[path] = .problem(problem)
                return
            }
            if certainty == .gone || signatures[path] == nil {
                finding.proposals[path] = .removed
            } else {
                finding.missing.append(path)
            }
        }
    }

    /// Reads a file to which something happens during each look: while nobody has it open for writing, or, if somebody always
    /// has, once it has stayed as it is for a while. One that is made empty and written anew is never taken in between.
    private func readOverdue(
        _ path: String, until end: ContinuousClock.Instant
    ) throws(SystemCallError) -> FileAccess.Content {
        for _ in 0..<Self.overdueLooks {
            let content = try FileAccess.read(
                path, limit: selection.byteLimit, looksForWriters: true, unknownIsBusy: true)
            guard case .busy = content else { return content }
            guard Self.pause(.milliseconds(1), until: end) else { return .busy }
        }
        guard case .bytes(_, let signature) = try FileAccess.read(path, limit: selection.byteLimit),
            Self.pause(Self.overdueCalm, until: end)
        else { return .busy }
        let content = try FileAccess.read(path, limit: selection.byteLimit)
        guard case .bytes(_, signature) = content else { return .busy }
        return content
    }

    /// - Returns: `false` if there is no time for it.
    private static func pause(_ duration: Duration, until end: ContinuousClock.Instant) -> Bool {
        guard ContinuousClock.now + duration <= end else { return false }
        usleep(UInt32(duration / .microseconds(1)))
        return true
    }

    private func absolute(_ path: String) -> String? {
        guard let root = listing.root else { return nil }
        return listing.files[path] ?? FileAccess.path(path, in: root)
    }

    // MARK: Taking up

    /// What an edit of our own made of files is how they last were, whatever has become of them since.
    /// - Returns: Those that are so still.
    mutating func learn(_ edited: EditedFiles) -> [String] {
        var finding = Finding()
        var unchanged: [String] = []
        for (path, file) in edited.files {
            var version = Version(source: file.source, signature: file.signature)
            if let found = signature(of: path), FileIdentity(found) == FileIdentity(file.signature) {
                // The rename has changed it in part.
                version.signature = found
                unchanged.append(path)
            }
            finding.proposals[path] = .version(version)
        }
        for path in edited.gone {
            finding.proposals[path] = .removed
            if absolute(path).map(FileAccess.isAbsent) ?? false { unchanged.append(path) }
        }
        _ = take(finding, except: { _ in false })
        return unchanged
    }

    private func signature(of path: String) -> FileSignature? {
        guard let absolute = absolute(path) else { return nil }
        do throws(SystemCallError) {
            return try FileAccess.facts(absolute, followingLinks: true).signature
        } catch {
            return nil
        }
    }

    /// - Parameter isDoubtful: Whether what was found of a file is not to be believed.
    /// - Returns: Whether the set is another one now.
    mutating func take(_ finding: Finding, except isDoubtful: (String) -> Bool) -> Bool {
        var isChanged = false
        var added: [ManifestSource] = []
        var removed: Set<String> = []
        for (path, proposal) in finding.proposals where !isDoubtful(path) {
            candidates[path] = nil
            if case .problem = proposal {} else if fileProblems.removeValue(forKey: path) != nil { isChanged = true }
            switch proposal {
            case .touched(let signature): signatures[path] = signature
            case .problem(let problem):
                if fileProblems.updateValue(problem, forKey: path) != problem { isChanged = true }
            case .removed:
                listing.forget(path)
                if signatures.removeValue(forKey: path) != nil { removed.insert(path) }
            case .version(let version):
                signatures[path] = version.signature
                listing.learn(path)
                if let index = index(of: path) {
                    files[index] = version.source
                    isChanged = true
                } else {
                    added.append(version.source)
                }
            }
        }
        if !removed.isEmpty { files.removeAll { removed.contains($0.path) } }
        if !added.isEmpty {
            files += added
            files.sort { $0.path < $1.path }
        }
        if let digests = finding.watchedFiles {
            let known = digests.filter { watchedFiles[$0.key] != nil }
            if known.contains(where: { watchedFiles[$0.key] != $0.value }) {
                watchedFiles.merge(known) { _, new in new }
                watchedFilesRevision += 1
                isChanged = true
            }
        }
        return isChanged || !removed.isEmpty || !added.isEmpty
    }

    /// - Parameter paths: Absolute.
    /// - Returns: Whether one of them is new.
    mutating func watch(_ paths: Set<String>) -> Bool {
        let new = paths.filter { watchedFiles[$0] == nil }
        watchedFiles = watchedFiles.filter { paths.contains($0.key) }
        for path in new { watchedFiles[path] = Self.digest(path) }
        return !new.isEmpty
    }

    var watchedPaths: some Collection<String> { watchedFiles.keys }

    private func index(of path: String) -> Int? {
        guard signatures[path] != nil else { return nil }
        var low = 0
        var high = files.count
        while low < high {
            let middle = (low + high) / 2
            if files[middle].path < path { low = middle + 1 } else { high = middle }
        }
        return low < files.count && files[low].path == path ? low : nil
    }

    private static func digest(_ path: String) -> Int {
        var hasher = Hasher()
        do throws(SystemCallError) {
            // Who may read a key decides whether it is used.
            let ownership = try FileAccess.facts(path, followingLinks: true).ownership
            hasher.combine(ownership)
            if case .bytes(let bytes, _) = try FileAccess.read(path, limit: watchedFileByteLimit) {
                unsafe bytes.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
            } else {
                hasher.combine("busy, or no file")
            }
        } catch {
            hasher.combine(error.errno)
        }
        return hasher.finalize()
    }
}
