import Diagnostics
import Glibc
import SystemInterfaces

/// What a folder and all below it hold: which manifests there are, and which names decide that.
struct FolderListing {
    struct Limits {
        /// Folders listed, each counted as often as links lead to it. Default: 10,000.
        var folders = 10_000
        /// Manifests. Default: 200,000.
        var files = 200_000
    }

    /// A folder that holds manifests.
    struct Folder: Hashable {
        /// Without links.
        let path: String
        /// What its names are prefixed with to make a manifest's path: empty, or ending in `/`.
        let prefix: String
    }

    /// A manifest that is a link, and the last name its content stands under.
    struct Alias: Hashable {
        let hop: PathTracer.Hop
        let manifest: String
    }

    /// Where each manifest is read: path relative to the root → absolute path.
    private(set) var files: [String: String] = [:]
    private(set) var folders: [Folder] = []
    private(set) var hops: [PathTracer.Hop] = []
    private(set) var aliases: [Alias] = []
    /// What changes need until they are done, by the folder that it lies in: beside manifests, and where links to them lead.
    private(set) var companions: [String: [ChangeRecord.Companion]] = [:]
    /// Links to files, whatever their names: path relative to the root → the file, without links.
    private(set) var linkedFiles: [String: String] = [:]
    /// By path relative to the root.
    private(set) var problems: [String: Diagnostic] = [:]
    /// The root without links; `nil` if there is none.
    private(set) var root: String?

    private let limits: Limits
    private let selection: FolderSelection
    /// What a folder is looked at for.
    enum Interest: Hashable {
        /// Which names it has.
        case names
        /// What its files hold, too.
        case contents
    }

    private let willRead: (String, Interest) -> Void

    /// - Parameters:
    ///   - root: Absolute.
    ///   - willRead: Called with each folder before it is looked at.
    init(
        of root: String, selection: FolderSelection = .manifests, limits: Limits = Limits(),
        willRead: @escaping (String, Interest) -> Void
    ) {
        self.selection = selection
        self.limits = limits
        self.willRead = willRead
        let trace = PathTracer(root) { willRead($0, .names) }
        hops = trace.hops
        switch trace.destination {
        case .existing(let path, .folder):
            self.root = path
            list(path, listedAs: root, prefix: "", ancestors: [])
        case .existing(_, let kind):
            refuse(
                "", .folderMissing, found: "\(Self.word(kind)) at \(root)", expected: "a folder",
                remedy: "name the folder of manifests"
            )
        case .missing: refuseMissingRoot(root)
        case .loop:
            refuse(
                "", .folderMissing, found: "links that lead in a circle at \(root)",
                expected: "the folder of manifests",
                remedy: "point the link at a folder")
        case .unreadable(let error): refuseUnreadable("", error)
        }
        for folder in Set(aliases.map(\.hop.folder)).subtracting(folders.map(\.path)) {
            // One that cannot be listed holds no manifests of its own.
            do throws(SystemCallError) { note(try FileAccess.names(inFolder: folder).names, in: folder) } catch {}
        }
    }

    private mutating func note(_ names: [String], in folder: String) {
        let found = names.compactMap(ChangeRecord.Companion.init)
        if !found.isEmpty { companions[folder] = found }
    }

    /// Whether all was seen. If not, what is missing in the listing may be there all the same.
    var isWhole: Bool { problems.isEmpty }

    /// A new file in a folder that was listed.
    mutating func learn(_ manifest: String) {
        guard let root, files[manifest] == nil else { return }
        add(manifest, at: FileAccess.path(manifest, in: root))
    }

    /// A file that is gone.
    mutating func forget(_ manifest: String) { files[manifest] = nil }

    /// - Parameters:
    ///   - folder: Without links.
    ///   - name: The path it was found by: itself, or a link to it.
    private mutating func list(_ folder: String, listedAs name: String, prefix: String, ancestors: Set<String>) {
        guard !ancestors.contains(folder) else { return }  // a link to where it stands adds nothing
        guard folders.count < limits.folders else {
            refuse(
                prefix, .tooManyEntries, found: "over \(limits.folders) folders", expected: "fewer",
                remedy: "remove links between folders, or name a smaller folder")
            return
        }
        folders.append(Folder(path: folder, prefix: prefix))
        willRead(folder, .contents)

        let entries: (names: [String], unreadable: [[UInt8]])
        do throws(SystemCallError) {
            entries = try FileAccess.names(inFolder: folder)
        } catch {
            // A folder that has just gone is no mistake; the event that says so follows.
            if error.isMissing, FileAccess.isAbsent(name) {
                if prefix.isEmpty { refuseMissingRoot(name) }
            } else if error.isMissing, name != folder {
                problems[prefix] = FileProblem.brokenLink(prefix, at: name)
            } else {
                refuseUnreadable(prefix, error)
            }
            return
        }
        let shown = entries.unreadable.filter { $0.first != UInt8(ascii: ".") }
        for name in shown.map({ String(printable: $0) }).sorted() {
            refuse(
                prefix + name, .unreadableName, found: "a name that is not UTF-8", expected: "UTF-8",
                remedy: "rename or remove the file")
        }
        note(entries.names, in: folder)
        let path = folder == "/" ? "" : folder
        let below = ancestors.union([folder])
        var last: String?
        for name in entries.names where !selection.passesOver(name) {
            if name == last {
                // One would be taken for the other, and what it says be lost.
                refuse(
                    prefix + name, .unreadableName, found: "two names that are the same text in other bytes",
                    expected: "names that differ", remedy: "rename or remove one of them")
                continue
            }
            last = name
            if !visit(name, at: path + "/" + name, in: folder, prefix: prefix, ancestors: below) { return }
        }
    }

    /// - Returns: `false` if the folder's other names cannot be looked at either.
    private mutating func visit(
        _ name: String, at path: String, in folder: String, prefix: String, ancestors: Set<String>
    ) -> Bool {
        let kind: FileFacts.Kind
        do throws(SystemCallError) {
            kind = try FileAccess.facts(path, followingLinks: false).kind
        } catch {
            if error.errno == EACCES {
                problems[prefix] = FileProblem.unsearchable(prefix)
                return false
            }
            // Only what is listed no more is gone; an event follows.
            if !error.isMissing || !FileAccess.isAbsent(path) {
                problems[prefix + name] = FileProblem.unreadable(prefix + name, error, what: "a name")
            }
            return true
        }
        switch kind {
        case .folder: list(path, listedAs: path, prefix: prefix + name + "/", ancestors: ancestors)
        case .file, .other:
            if selection.takes(name) { add(prefix + name, at: path) }
        case .link: follow(name, at: path, in: folder, prefix: prefix, ancestors: ancestors)
        }
        return true
    }

    /// A link that leads nowhere may have led to a folder of manifests, whatever its name, so it is a mistake.
    private mutating func follow(
        _ name: String, at path: String, in folder: String, prefix: String, ancestors: Set<String>
    ) {
        let trace = PathTracer(name, in: folder == "/" ? "" : folder) { [willRead] in willRead($0, .contents) }
        let isManifest = selection.takes(name)
        switch trace.destination {
        case .existing(let target, .folder):
            hops += trace.hops
            list(target, listedAs: path, prefix: prefix + name + "/", ancestors: ancestors)
        case .existing(let target, _):
            linkedFiles[prefix + name] = target
            guard isManifest else { return }
            hops += trace.hops.dropLast()
            if let last = trace.hops.last { aliases.append(Alias(hop: last, manifest: prefix + name)) }
            add(prefix + name, at: path)
        case .missing:
            // The link itself may have gone since it was listed.
            if FileAccess.isAbsent(path) { return }
            hops += trace.hops  // its target may still come
            problems[prefix + name] = FileProblem.brokenLink(prefix + name, at: path)
        case .loop:
            hops += trace.hops
            problems[prefix + name] = FileProblem.brokenLink(prefix + name, at: path, ELOOP)
        case .unreadable(let error):
            hops += trace.hops
            problems[prefix + name] = FileProblem.brokenLink(prefix + name, at: path, error.errno)
        }
    }

    private mutating func add(_ manifest: String, at path: String) {
        guard files.count < limits.files else {
            refuse(
                "", .tooManyEntries, found: "over \(limits.files) files", expected: "fewer",
                remedy: "put several resources into one file")
            return
        }
        files[manifest] = path
    }

    private mutating func refuseMissingRoot(_ path: String) {
        root = nil
        refuse(
            "", .folderMissing, found: "nothing at \(path)", expected: "the folder of manifests",
            remedy: "make the folder, move it back, or name the right one")
    }

    private mutating func refuseUnreadable(_ path: String, _ error: SystemCallError) {
        problems[path] = FileProblem.unreadable(path, error, what: "a folder")
    }

    private mutating func refuse(
        _ path: String, _ code: Diagnostic.Code, found: String, expected: String, remedy: String
    ) {
        problems[path] = FileProblem.problem(code, path, found: found, expected: expected, remedy: remedy)
    }

    private static func word(_ kind: FileFacts.Kind) -> String {
        switch kind {
        case .file: "a file"
        case .folder: "a folder"
        case .link: "a link"
        case .other(let what): what
        }
    }
}
