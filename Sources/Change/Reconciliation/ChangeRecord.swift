import SystemInterfaces

/// One change of several files, as it is written down before the first of them is touched: enough to tell afterwards how
/// far it came, and to take it back.
struct ChangeRecord: Hashable, Sendable {
    struct Step: Hashable, Sendable {
        /// The manifest, relative to the folder.
        let path: String
        /// The file itself, without links: relative to the folder if it lies below, else absolute.
        let target: String
        /// Of its bytes; `nil`: there was none.
        let before: ContentHash?
        /// `nil`: it goes.
        let after: ContentHash?
    }

    /// By chance: it makes the names of what lies beside the files until the change is done.
    let id: UInt64
    /// Without links.
    let folder: String
    let device: UInt64
    let inode: UInt64
    let steps: [Step]

    /// Where the new bytes wait for their name.
    func draft(_ index: Int, in folder: String) -> String { companion(index, "new", in: folder) }

    /// A second name of the old file, or, of one that goes, its only one.
    func backup(_ index: Int, in folder: String) -> String { companion(index, "old", in: folder) }

    /// A draft of no step, in the folder itself, from before the first step until all are on the disk. `nil`: all drafts lie in
    /// it. Where links lead, others may not be allowed to look: for them, too, the change is half until it is whole.
    func mark(in folder: String) -> String? {
        guard isMarked else { return nil }
        return FileAccess.path(Companion(change: id, step: steps.count, suffix: "new").name, in: folder)
    }

    /// Some of it is done behind a link.
    private var isMarked: Bool { steps.count > 1 && steps.contains { $0.target != $0.path } }

    /// - Parameter folder: Where the folder is now.
    func target(_ index: Int, in folder: String) -> String {
        let target = steps[index].target
        return target.hasPrefix("/") ? target : FileAccess.path(target, in: folder)
    }

    /// Folders whose names change.
    func folders(in folder: String) -> Set<String> {
        Set(steps.indices.map { Self.folder(of: target($0, in: folder)) } + (isMarked ? [folder] : []))
    }

    private func companion(_ index: Int, _ suffix: String, in folder: String) -> String {
        let name = Companion(change: id, step: index, suffix: suffix).name
        return "\(Self.folder(of: target(index, in: folder)))/\(name)"
    }

    /// What lies beside a file while a change is made, by its name.
    struct Companion {
        let change: UInt64
        let step: Int
        /// `new` or `old`.
        let suffix: String
        var isDraft: Bool { suffix == "new" }

        /// Of all changes' names.
        static let namePrefix = ".heddle-"
        static func prefix(of change: UInt64) -> String { "\(namePrefix)\(String(change, radix: 16))-" }
        var name: String { "\(Self.prefix(of: change))\(step).\(suffix)" }
    }

    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
        return String(path[..<slash])
    }
}

extension ChangeRecord.Companion {
    /// - Returns: `nil` if it is the name of something else.
    init?(_ name: String) {
        guard name.hasPrefix(Self.namePrefix) else { return nil }
        let parts = name.split(separator: ".")
        guard parts.count == 2, parts[1] == "new" || parts[1] == "old" else { return nil }
        let words = parts[0].split(separator: "-")
        guard words.count == 3, words[0] == "heddle", let change = UInt64(words[1], radix: 16), let step = Int(words[2])
        else { return nil }
        self.init(change: change, step: step, suffix: String(parts[1]))
        guard self.name == name else { return nil }
    }
}

extension ChangeRecord {
    private static let magic = "HEDDLE-CHANGE-1\n"

    var encoded: [UInt8] {
        var encoder = StateEncoder(magic: Self.magic)
        encoder.append(id)
        encoder.append(folder)
        encoder.append(device)
        encoder.append(inode)
        encoder.append(UInt64(steps.count))
        for step in steps {
            encoder.append(step.path)
            encoder.append(step.target)
            encoder.append(step.before)
            encoder.append(step.after)
        }
        return encoder.finished()
    }

    /// - Returns: `nil` if a single bit is not as it was written.
    init?(decoding bytes: [UInt8]) {
        guard var decoder = StateDecoder(bytes, magic: Self.magic), let id = decoder.integer(),
            let folder = decoder.text(), let device = decoder.integer(), let inode = decoder.integer(),
            let count = decoder.count()
        else { return nil }
        var steps: [Step] = []
        for _ in 0..<count {
            guard let path = decoder.text(), let target = decoder.text(), let before = decoder.hash(),
                let after = decoder.hash()
            else { return nil }
            steps.append(Step(path: path, target: target, before: before, after: after))
        }
        guard decoder.isAtEnd else { return nil }
        self.init(id: id, folder: folder, device: device, inode: inode, steps: steps)
    }
}

/// What became of a change that may have been cut off anywhere, from what lies on the disk alone.
enum ChangeVerdict: Hashable {
    /// What is found of one step.
    struct Evidence: Hashable {
        enum Content: Hashable { case asBefore, asAfter, another }
        enum Backup: Hashable { case none, asBefore, another }

        let content: Content
        /// The new bytes still wait for their name.
        let hasDraft: Bool
        /// What the old file's second name stands for.
        let backup: Backup
    }

    /// No step was done.
    case untouched
    /// All were.
    case complete
    /// These were: undone, the folder is as before.
    case half(done: [Int])
    /// Some were, and these were changed since, or have lost their old bytes: a person must say what is to be.
    case undecidable([Int])

    init(_ steps: [ChangeRecord.Step], _ found: [Evidence]) {
        var done: [Int] = []
        var stuck: [Int] = []
        for (index, (step, evidence)) in zip(steps, found).enumerated() where Self.isDone(step, evidence) {
            done.append(index)
            let canBeUndone = evidence.content == .asAfter && (step.before == nil || evidence.backup == .asBefore)
            if !canBeUndone { stuck.append(index) }
        }
        if done.isEmpty {
            self = .untouched
        } else if done.count == steps.count {
            self = .complete
        } else {
            self = stuck.isEmpty ? .half(done: done) : .undecidable(stuck)
        }
    }

    /// Whoever changed a file since does not change this: the draft is gone with the step that used it, and what goes has
    /// its second name from then on only.
    private static func isDone(_ step: ChangeRecord.Step, _ evidence: Evidence) -> Bool {
        switch evidence.content {
        case .asBefore: false
        case .asAfter: true
        case .another: step.after == nil ? evidence.backup != .none : !evidence.hasDraft
        }
    }
}
