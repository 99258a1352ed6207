import CommonValues
import ConfigMerging
import ConfigValues
import Diagnostics
import Manifests
import Reconciliation
import SystemInterfaces

/// What Configs were, in the state folder: `configs/NAMESPACE/NAME/SEQUENCE-REVISION`, a file a value, 0600. Sequences are in the order in which
/// values were published last.
///
/// The folder is looked at each time: who removes it, or puts another in its place, takes away values and nothing else. A file is written
/// beside the others and then named, so that a process that is killed loses the newest at most.
struct HistoryStore: Sendable {
    struct Entry: Hashable {
        let sequence: UInt64
        let revision: String
        let byteCount: Int

        var name: String { Entry.name(sequence, revision) }

        static func name(_ sequence: UInt64, _ revision: String) -> String {
            let digits = String(sequence, radix: 16)
            return String(repeating: "0", count: 16 - digits.utf8.count) + digits + "-" + revision
        }
    }

    /// What lies in the folder of one Config.
    struct Contents {
        /// From the oldest to the newest, each revision once.
        var entries: [Entry] = []
        /// Of revisions that have a newer entry: a process was killed before it could remove them.
        var superseded: [Entry] = []
        /// Of writers that were killed.
        var drafts: [String] = []
        /// What nobody here has written.
        var strangers: [String] = []
    }

    static let folder = "configs"

    private let stateFolder: HeldFolder
    private let limits: HistoryLimits
    var valueByteCount: Int { limits.valueByteCount }
    private let writer: FileWriter

    init(_ stateFolder: HeldFolder, _ limits: HistoryLimits, _ writer: FileWriter) {
        self.stateFolder = stateFolder
        self.limits = limits
        self.writer = writer
    }

    private static func folder(of config: ResourceName) -> String { "\(folder)/\(config.namespace)/\(config.name)" }

    /// For people.
    func position(_ config: ResourceName, _ file: String? = nil) -> SourcePosition {
        .place(stateFolder.path(of: Self.folder(of: config) + (file.map { "/\($0)" } ?? "")))
    }

    var isThere: Bool { stateFolder.isHeld }
    var path: String { stateFolder.path(of: Self.folder) }

    // MARK: Looking

    func contents(of config: ResourceName) throws(SystemCallError) -> Contents {
        let place = try stateFolder.reach(Self.folder(of: config))
        var contents = Contents()
        for name in try Self.names(in: place) {
            if let (sequence, revision) = Self.parsed(name) {
                guard let byteCount = try Self.byteCount(of: "\(place)/\(name)") else { continue }
                contents.entries.append(Entry(sequence: sequence, revision: revision, byteCount: byteCount))
            } else if name.hasPrefix("."), name.hasSuffix(".new"),
                Self.parsed(String(name.dropFirst().dropLast(4))) != nil
            {
                contents.drafts.append(name)
            } else {
                contents.strangers.append(name)
            }
        }
        contents.entries.sort { $0.sequence < $1.sequence }
        var newest: [String: UInt64] = [:]
        for entry in contents.entries { newest[entry.revision] = entry.sequence }
        contents.superseded = contents.entries.filter { newest[$0.revision] != $0.sequence }
        contents.entries.removeAll { newest[$0.revision] != $0.sequence }
        return contents
    }

    /// - Returns: None of a folder that is not there; one that cannot be seen is no such folder.
    private static func names(in place: String) throws(SystemCallError) -> [String] {
        do throws(SystemCallError) {
            let found = try FileAccess.names(inFolder: place)
            return found.names + found.unreadable.map { String(printable: $0) }
        } catch {
            if error.isMissing, FileAccess.isAbsent(place) { return [] }
            throw error
        }
    }

    /// - Returns: `nil`: it is gone.
    private static func byteCount(of place: String) throws(SystemCallError) -> Int? {
        do throws(SystemCallError) {
            return try FileAccess.facts(place, followingLinks: false).signature.byteCount
        } catch {
            if error.isMissing, FileAccess.isAbsent(place) { return nil }
            throw error
        }
    }

    private static func parsed(_ name: String) -> (sequence: UInt64, revision: String)? {
        let parts = name.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].utf8.count == 16, parts[1].utf8.count == 64,
            let sequence = UInt64(parts[0], radix: 16), parts[1].utf8.allSatisfy(isDigit),
            Entry.name(sequence, String(parts[1])) == name
        else { return nil }
        return (sequence, String(parts[1]))
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }

    // MARK: Reading

    /// - Throws: Why it cannot be used, a warning; the file stays as it is.
    func past(_ entry: Entry, of config: ResourceName) throws(Diagnostic) -> PastConfig {
        guard let past = PastConfig(decoding: try bytes(of: entry, config)), past.revision == entry.revision else {
            throw damaged(entry, of: config)
        }
        // Another version may merge otherwise: what is published under a revision is what it names.
        let evaluated: EvaluatedConfig
        do throws(ConfigRefusal) { evaluated = try past.evaluated() } catch { throw otherwise(entry, of: config) }
        guard ConfigRevision.of(evaluated.value) == past.revision else { throw otherwise(entry, of: config) }
        return past
    }

    func heading(_ entry: Entry, of config: ResourceName) throws(Diagnostic) -> PastHeading {
        guard let heading = PastConfig.heading(decoding: try bytes(of: entry, config)),
            heading.revision == entry.revision
        else { throw damaged(entry, of: config) }
        return heading
    }

    private func bytes(of entry: Entry, _ config: ResourceName) throws(Diagnostic) -> [UInt8] {
        let content: FileAccess.Content
        do throws(SystemCallError) {
            let place = try stateFolder.reach("\(Self.folder(of: config))/\(entry.name)")
            content = try FileAccess.read(place, limit: limits.valueByteCount + Self.framing)
        } catch {
            throw unreadable(error, of: config, entry.name)
        }
        guard case .bytes(let bytes, _) = content else { throw damaged(entry, of: config) }
        return bytes
    }

    /// What a file has beyond what a limit counts: its checksum.
    private static let framing = 64

    /// - Parameter prefix: Digits that the revision begins with.
    func find(_ prefix: String, of config: ResourceName) -> PastFinding {
        let contents: Contents
        do throws(SystemCallError) { contents = try self.contents(of: config) } catch {
            return .unreadable(unreadable(error, of: config))
        }
        let found = contents.entries.filter { $0.revision.hasPrefix(prefix) }
        guard let entry = found.first else { return .unknown }
        guard found.count == 1 else { return .ambiguous(revisions: found.map(\.revision)) }
        do throws(Diagnostic) { return .found(try past(entry, of: config)) } catch { return .unreadable(error) }
    }

    /// What was published last; `.unknown`: nothing.
    func newest(of config: ResourceName) -> PastFinding {
        do throws(SystemCallError) {
            guard let entry = try contents(of: config).entries.last else { return .unknown }
            do throws(Diagnostic) { return .found(try past(entry, of: config)) } catch { return .unreadable(error) }
        } catch {
            return .unreadable(unreadable(error, of: config))
        }
    }

    /// All that is kept of a Config.
    func listing(of config: ResourceName) -> PastListing {
        let contents: Contents
        do throws(SystemCallError) { contents = try self.contents(of: config) } catch {
            return PastListing(problems: [unreadable(error, of: config)])
        }
        var listing = PastListing(problems: strangers(contents.strangers, of: config))
        for entry in contents.entries.reversed() {
            guard let heading = read(&listing.problems, { () throws(Diagnostic) in try heading(entry, of: config) })
            else { continue }
            listing.headings.append(heading)
        }
        return listing
    }

    // MARK: Writing

    /// What is published.
    struct Published: Sendable {
        let recipe: ConfigRecipe
        let value: ConfigValue
        let revision: String
        let time: UnixTime
    }

    /// What is kept of what was published last.
    struct Kept: Sendable {
        let entry: Entry
        let heading: PastHeading
        let value: ConfigValue
    }

    /// Puts what is published now behind all that was.
    /// - Parameter last: What this process has kept last; it counts if it is still what lies there last.
    /// - Returns: With what was found damaged on the way.
    func keep(
        _ new: Published, after last: Kept? = nil, of config: ResourceName
    ) throws(HistoryFailure) -> (kept: Kept, warnings: [Diagnostic]) {
        let contents = try trying(config) { () throws(SystemCallError) in try self.contents(of: config) }
        var warnings = strangers(contents.strangers, of: config)
        let newest = contents.entries.last
        let former = former(newest, last, of: config, &warnings)
        let heading: PastHeading
        let place: (sequence: UInt64, isNew: Bool)
        if let former, let newest, former.heading.revision == new.revision {
            // What was published last, also before a restart; only where it is from may be otherwise.
            (heading, place) = (former.heading, (newest.sequence, false))
        } else {
            let earlier = contents.entries.dropLast().last { $0.revision == new.revision }
            let known = earlier.flatMap { entry in
                read(&warnings) { () throws(Diagnostic) in try self.heading(entry, of: config) }
            }
            heading = PastHeading(
                revision: new.revision, firstAt: known?.firstAt ?? new.time, lastAt: new.time,
                changeCount: Self.changeCount(from: former?.value, isFirst: newest == nil, to: new.value))
            place = ((newest?.sequence ?? 0) + 1, true)
        }
        guard let bytes = PastConfig(heading, new.recipe).encoded(limit: limits.valueByteCount) else {
            throw HistoryFailure(problem: tooLarge(new.revision, of: config), isFinal: true)
        }
        let written = Entry(sequence: place.sequence, revision: new.revision, byteCount: bytes.count)
        let kept = Kept(entry: written, heading: heading, value: new.value)
        if let newest, !place.isNew, isKept(bytes, newest, of: config) { return (kept, warnings) }
        try trying(config) { () throws(SystemCallError) in try write(written, bytes, beside: contents, of: config) }
        return (kept, warnings)
    }

    /// What was published before, as it is kept.
    private func former(
        _ newest: Entry?, _ last: Kept?, of config: ResourceName, _ warnings: inout [Diagnostic]
    ) -> Kept? {
        guard let newest else { return nil }
        if let last, last.entry == newest { return last }
        return read(&warnings) { () throws(Diagnostic) in try kept(newest, of: config) }
    }

    private func kept(_ entry: Entry, of config: ResourceName) throws(Diagnostic) -> Kept {
        let past = try past(entry, of: config)
        do throws(ConfigRefusal) {
            return Kept(entry: entry, heading: past.heading, value: try past.evaluated().value)
        } catch { throw otherwise(entry, of: config) }
    }

    private func write(
        _ entry: Entry, _ bytes: [UInt8], beside contents: Contents, of config: ResourceName
    ) throws(SystemCallError) {
        let folder = try stateFolder.reach(Self.folder(of: config))
        try writer.makePrivateFolder(folder)
        // What waits to be cleared away may be what fills the disk.
        for name in contents.drafts + contents.superseded.map(\.name) { try writer.remove("\(folder)/\(name)") }
        try writer.replacePrivate("\(folder)/\(entry.name)", bytes)
        for old in outdated(contents.entries, beside: entry) { try writer.remove("\(folder)/\(old.name)") }
    }

    private func trying<Result>(
        _ config: ResourceName, _ body: () throws(SystemCallError) -> Result
    ) throws(HistoryFailure) -> Result {
        do throws(SystemCallError) { return try body() } catch {
            throw HistoryFailure(problem: unkept(error, of: config), isFinal: false)
        }
    }

    private func read<Value>(_ warnings: inout [Diagnostic], _ body: () throws(Diagnostic) -> Value) -> Value? {
        do throws(Diagnostic) { return try body() } catch {
            warnings.append(error)
            return nil
        }
    }

    private func isKept(_ bytes: [UInt8], _ entry: Entry, of config: ResourceName) -> Bool {
        do throws(Diagnostic) { return try self.bytes(of: entry, config) == bytes } catch { return false }
    }

    /// - Parameter former: `nil`: there is none, or it cannot be read.
    private static func changeCount(from former: ConfigValue?, isFirst: Bool, to value: ConfigValue) -> Int? {
        guard former != nil || isFirst else { return nil }
        let nothing = ConfigValue(.map(ConfigMap()), origin: value.origin)
        return ConfigDifference(from: former ?? nothing, to: value).items.count
    }

    /// What makes room for a new one.
    private func outdated(_ entries: [Entry], beside new: Entry) -> [Entry] {
        let others = entries.filter { $0.revision != new.revision }
        var byteCount = new.byteCount
        var stays = 0
        for entry in others.reversed() {
            byteCount += entry.byteCount
            guard stays + 1 < limits.valueCount, byteCount <= limits.byteCount else { break }
            stays += 1
        }
        return entries.filter { $0.revision == new.revision && $0.sequence != new.sequence }
            + others.dropLast(stays)
    }

    // MARK: Configs that are gone

    /// Removes what was kept of Configs that are no more, but for those that had a value last.
    func removeGone(except names: Set<ResourceName>) throws(SystemCallError) {
        let top = try stateFolder.reach(Self.folder)
        var gone: [(config: ResourceName, modified: Int)] = []
        for namespace in try Self.names(in: top) where FileAccess.isFolder("\(top)/\(namespace)") {
            for name in try Self.names(in: "\(top)/\(namespace)") {
                let config = ResourceName(namespace: namespace, name: name)
                let facts = try FileAccess.facts("\(top)/\(namespace)/\(name)", followingLinks: false)
                guard !names.contains(config), facts.kind == .folder else { continue }
                gone.append((config, facts.signature.modified))
            }
        }
        gone.sort { $0.modified > $1.modified }
        for (config, _) in gone.dropFirst(limits.goneCount) {
            let contents = try contents(of: config)
            let place = try stateFolder.reach(Self.folder(of: config))
            for name in (contents.entries + contents.superseded).map(\.name) + contents.drafts {
                try writer.remove("\(place)/\(name)")
            }
            try writer.removeEmptyFolder(place)
            try writer.removeEmptyFolder("\(top)/\(config.namespace)")
        }
    }
}
