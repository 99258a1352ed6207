/// What is known of a prefix, as answers come: a value.
struct EtcdPrefix {
    enum Mistake: Error {
        /// What came is not what etcd says.
        case notUnderstood
        /// More than a config's text may be.
        case tooLarge
        /// The watch cannot go on from where it was: what it would have told is compacted, or its member has lost its cluster.
        case ended(String)
    }

    enum Page {
        case last
        /// More is to be asked for, from this key on.
        case next(from: [UInt8])
    }

    /// Of keys and values together, in bytes: as large as the text of a config. Default: 8 MiB.
    static let byteLimit = 8 << 20
    static let pageLimit = 5_000

    private(set) var entries = EtcdEntries()
    private var byteCount = 0
    private let prefix: [UInt8]
    private let byteLimit: Int
    /// Of the pages so far.
    private var lastKey: [UInt8]?

    init(below prefix: [UInt8], byteLimit: Int = Self.byteLimit) {
        self.prefix = prefix
        self.byteLimit = byteLimit
    }

    /// A page of what there is. Each key comes once, in the order of keys: so pages end, whatever answers.
    mutating func take(page answer: EtcdAnswer) throws(Mistake) -> Page {
        guard let revision = answer["header"]?.number("revision"), revision > 0 else { throw .notUnderstood }
        // All pages are of the first one's revision.
        if entries.revision == 0 { entries.revision = revision }
        let pairs = answer.list("kvs")
        for pair in pairs {
            let key = try put(pair)
            guard lastKey.map({ $0.lexicographicallyPrecedes(key) }) ?? true else { throw .notUnderstood }
            lastKey = key
        }
        guard answer.isSet("more") else { return .last }
        guard !pairs.isEmpty, let lastKey else { throw .notUnderstood }
        return .next(from: lastKey + [0])
    }

    /// What the watch tells.
    /// - Returns: Whether anything changed.
    mutating func take(watch answer: EtcdAnswer) throws(Mistake) -> Bool {
        guard let result = answer["result"] else { throw .ended(answer.problem ?? "it ended the watch") }
        guard let revision = result["header"]?.number("revision"), revision > 0 else { throw .notUnderstood }
        if result.isSet("canceled") {
            throw .ended(result.text("cancel_reason") ?? "what it would tell next is compacted")
        }
        let events = result.list("events")
        for event in events {
            guard let pair = event["kv"] else { throw .notUnderstood }
            if event.text("type") == "DELETE" {
                let key = try key(of: pair)
                if let former = entries.values.removeValue(forKey: key) { byteCount -= key.count + former.value.count }
            } else {
                _ = try put(pair)
            }
        }
        if !events.isEmpty { entries.revision = max(entries.revision, revision) }
        return !events.isEmpty
    }

    /// Whether what is known is what there is: `newest` has asked.
    func isCurrent(_ answer: EtcdAnswer) throws(Mistake) -> Bool {
        guard let count = answer.number("count"), let revision = answer["header"]?.number("revision") else {
            throw .notUnderstood
        }
        let newest = answer.list("kvs").first.map { $0.number("mod_revision") ?? .max } ?? 0
        return revision >= entries.revision && Int(count) == entries.values.count && newest <= entries.revision
    }

    private mutating func put(_ pair: EtcdAnswer) throws(Mistake) -> [UInt8] {
        let key = try key(of: pair)
        guard let value = pair.bytes("value"), let revision = pair.number("mod_revision"), revision > 0 else {
            throw .notUnderstood
        }
        let former = entries.values.updateValue(EtcdEntries.Entry(value: value, revision: revision), forKey: key)
        byteCount += former.map { value.count - $0.value.count } ?? key.count + value.count
        guard byteCount <= byteLimit else { throw .tooLarge }
        return key
    }

    private func key(of pair: EtcdAnswer) throws(Mistake) -> [UInt8] {
        guard let key = pair.bytes("key"), key.starts(with: prefix) else { throw .notUnderstood }
        return key
    }
}

extension EtcdPrefix.Mistake {
    var text: String {
        switch self {
        case .notUnderstood: "what answers is not etcd's JSON gateway, version 3"
        case .tooLarge: "more than \(EtcdPrefix.byteLimit >> 20) MiB of keys and values lie below the prefix"
        case .ended(let reason): reason
        }
    }
}
