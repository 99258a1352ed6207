import CLinux
import SystemInterfaces

/// What each watched folder is watched for; turns what the kernel says into what it means.
struct WatchTable {
    fileprivate struct Folder {
        /// Without links; empty for `/`.
        var path = ""
        /// One for each way that manifests' paths lead through it; empty if it is watched for single names only.
        var prefixes: [String] = []
        /// Links and folders that decide where paths lead.
        var hops: Set<String> = []
        /// Targets of manifests that are links.
        var aliases: [String: [String]] = [:]
        /// Certificates and keys.
        var watchedFiles: Set<String> = []
    }

    /// What is watched itself.
    private struct File {
        var manifests: Set<String> = []
        var isWatchedFile = false
    }

    private var folders: [CInt: Folder] = [:]
    private var files: [CInt: File] = [:]

    private let selection: FolderSelection

    init(_ selection: FolderSelection = .manifests) { self.selection = selection }

    /// - Parameter watches: The number each folder is watched under, by its path.
    init(
        _ listing: FolderListing, _ selection: FolderSelection = .manifests, watchedFiles: [PathTracer],
        watches: [String: CInt]
    ) {
        self.selection = selection
        func edit(_ folder: String, _ body: (inout Folder) -> Void) {
            guard let watch = watches[folder] else { return }
            folders[watch, default: Folder(path: folder == "/" ? "" : folder)].edit(body)
        }
        for folder in listing.folders {
            edit(folder.path) { $0.prefixes.append(folder.prefix) }
        }
        for hop in listing.hops {
            edit(hop.folder) { $0.hops.insert(hop.name) }
        }
        for alias in listing.aliases {
            edit(alias.hop.folder) { $0.aliases[alias.hop.name, default: []].append(alias.manifest) }
        }
        for trace in watchedFiles {
            for hop in trace.hops.dropLast() {
                edit(hop.folder) { $0.hops.insert(hop.name) }
            }
            guard let last = trace.hops.last else { continue }
            edit(last.folder) { $0.watchedFiles.insert(last.name) }
        }
    }

    var watches: Set<CInt> { Set(folders.keys).union(files.keys) }

    /// A manifest that is watched itself.
    mutating func add(_ watch: CInt, manifest: String) { files[watch, default: File()].manifests.insert(manifest) }

    /// A certificate or key that is watched itself.
    mutating func addWatchedFile(_ watch: CInt) { files[watch, default: File()].isWatchedFile = true }

    /// - Parameter look: What stands at an absolute path; `nil` if that cannot be known.
    func meaning(
        of events: [InotifyQueue.Event], look: (String) -> FileFacts?
    ) -> [ChangeSettler.Event] {
        var meaning: [ChangeSettler.Event] = []
        for (index, event) in events.enumerated() {
            if event.has(CInt(IN_Q_OVERFLOW)) {
                meaning.append(.structure)
                continue
            }
            if let file = files[event.watch] {
                meaning += self.meaning(of: event, file: file)
                continue
            }
            guard let folder = folders[event.watch] else { continue }
            if event.hasUnreadableName {
                // It may be a manifest; the listing says so, and nothing of the change is taken up before.
                if !folder.prefixes.isEmpty { meaning.append(.structure) }
                continue
            }
            guard let name = event.name else {
                // The folder itself: gone, moved, unmounted, or its permissions changed.
                let matters = IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED | IN_ATTRIB
                if event.has(CInt(matters)) { meaning.append(.structure) }
                continue
            }
            if folder.hops.contains(name), !event.has(IN_MODIFY) || event.has(IN_ATTRIB) { meaning.append(.structure) }
            if folder.watchedFiles.contains(name), !event.has(IN_MODIFY) { meaning.append(.watchedFile) }
            let paths = folder.aliases[name] ?? []
            if !paths.isEmpty { meaning += paths.flatMap { self.meaning(of: event, path: $0, facts: nil) } }
            guard !folder.prefixes.isEmpty else { continue }
            if event.has(CInt(bitPattern: UInt32(IN_ISDIR))) {
                if !selection.passesOver(name) { meaning.append(.structure) }
                continue
            }
            let isNew = event.has(IN_CREATE | IN_MOVED_TO)
            let facts = isNew && !selection.passesOver(name) ? look(folder.path + "/" + name) : nil
            if facts?.kind == .link {
                meaning.append(.structure)
                continue
            }
            guard selection.takes(name) else { continue }
            let goesOnAsManifest = event.has(IN_MOVED_FROM) && renamesToManifest(events, index)
            for prefix in folder.prefixes {
                if goesOnAsManifest {
                    meaning.append(.removed(path: prefix + name))
                } else {
                    meaning += self.meaning(of: event, path: prefix + name, facts: facts)
                }
            }
        }
        return meaning
    }

    /// What changes need until they are done: which of it came, and which went.
    func companions(in events: [InotifyQueue.Event]) -> [(ChangeRecord.Companion, isThere: Bool)] {
        events.compactMap { event in
            guard event.has(IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM),
                let companion = event.name.flatMap(ChangeRecord.Companion.init), let folder = folders[event.watch],
                !folder.prefixes.isEmpty || !folder.aliases.isEmpty
            else { return nil }
            return (companion, isThere: event.has(IN_CREATE | IN_MOVED_TO))
        }
    }

    private func meaning(of event: InotifyQueue.Event, file: File) -> [ChangeSettler.Event] {
        // Gone, moved or unmounted: another file may stand in its place.
        if event.has(CInt(IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED)) { return [.structure] }
        var meaning = file.manifests.sorted().flatMap { self.meaning(of: event, path: $0, facts: nil) }
        if file.isWatchedFile, !event.has(IN_MODIFY) { meaning.append(.watchedFile) }
        return meaning
    }

    private func meaning(of event: InotifyQueue.Event, path: String, facts: FileFacts?) -> [ChangeSettler.Event] {
        if event.has(IN_DELETE | IN_MOVED_FROM) { return [.vanished(path: path)] }
        if event.has(IN_MOVED_TO) { return [.replaced(path: path)] }
        if event.has(IN_CLOSE_WRITE | IN_ATTRIB) { return [.completed(path: path)] }
        if event.has(IN_CREATE) {
            // A second name of a complete file, or something that is no file: no writer will close it.
            let isComplete = facts.map { $0.kind != .file || $0.linkCount > 1 } ?? false
            return [isComplete ? .completed(path: path) : .created(path: path)]
        }
        return event.has(IN_MODIFY) ? [.writing(path: path)] : []
    }

    /// Whether the other half of a rename gives the file another manifest's name in the same set.
    private func renamesToManifest(_ events: [InotifyQueue.Event], _ index: Int) -> Bool {
        events[(index + 1)...].prefix(4).contains { other in
            other.cookie == events[index].cookie && other.has(IN_MOVED_TO)
                && other.name.map(selection.takes) ?? false
                && folders[other.watch].map { !$0.prefixes.isEmpty } ?? false
        }
    }
}

extension WatchTable.Folder {
    fileprivate mutating func edit(_ body: (inout Self) -> Void) { body(&self) }
}
