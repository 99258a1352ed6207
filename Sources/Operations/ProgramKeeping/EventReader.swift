import BlockingCalls

/// Server-sent events as `config.mesh` writes them: `id`, `event` and one line of `data`, and comments. Anything else is none of its.
struct EventReader {
    struct Event: Equatable {
        var id = ""
        var name = ""
        var data: [UInt8] = []
    }

    /// Bytes of one line. Default: 32 MiB: more than any environment holds, with all that is escaped in JSON.
    static let defaultLimit = 32 << 20

    private let limit: Int
    private var line: [UInt8] = []
    private var event = Event()
    private var seen: Set<String> = []

    init(limit: Int = EventReader.defaultLimit) { self.limit = limit }

    /// - Returns: Those that are whole now.
    mutating func take(_ bytes: Span<UInt8>) throws(BrokenAnswer) -> [Event] {
        var events: [Event] = []
        for index in bytes.indices {
            guard bytes[index] != UInt8(ascii: "\n") else {
                if let whole = try endLine() { events.append(whole) }
                continue
            }
            guard line.count < limit else { throw BrokenAnswer(description: "a line of more than \(limit) bytes") }
            line.append(bytes[index])
        }
        return events
    }

    private mutating func endLine() throws(BrokenAnswer) -> Event? {
        defer { line.removeAll(keepingCapacity: line.count <= 65_536) }
        guard !line.isEmpty else {
            defer { (event, seen) = (Event(), []) }
            // After a comment there is an empty line, too.
            guard !seen.isEmpty else { return nil }
            guard seen.count == 3 else { throw BrokenAnswer(description: "an event without id, event or data") }
            return event
        }
        guard line[0] != UInt8(ascii: ":") else { return nil }
        let name = String(decoding: line.prefix { $0 != UInt8(ascii: ":") }, as: UTF8.self)
        var value = line.dropFirst(name.utf8.count + 1)
        if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
        guard seen.insert(name).inserted else { throw BrokenAnswer(description: "a field that is there twice") }
        switch name {
        case "id":
            guard (1...256).contains(value.count), value.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                throw BrokenAnswer(description: "an id that is no entity tag")
            }
            event.id = String(decoding: value, as: UTF8.self)
        case "event": event.name = String(decoding: value, as: UTF8.self)
        case "data": event.data = Array(value)
        default: throw BrokenAnswer(description: "a field that is not known")
        }
        return nil
    }
}
