import ConfigValues
import Diagnostics

/// The tables of a text in the making: who has defined which, and so who may still add to it (TOML 1.0, "Table", "Keys").
struct TOMLTables {
    typealias ID = Int

    static let root: ID = 0

    /// How a table came to be.
    private enum Definition {
        /// By its own head; the root, and an inline table, are so, too.
        case head
        /// By the head of a table below it: its own may still come.
        case below
        /// By a dotted key. No head defines it again.
        case dottedKey
    }

    private enum Content {
        case value(ConfigValue)
        case table(ID)
        /// The last of them is the one that heads and keys below its name mean.
        case tables([ID])
    }

    private struct Entry {
        let key: String
        let keyPosition: SourcePosition
        var content: Content
    }

    /// Keys are told apart by their bytes.
    private struct Key: Hashable {
        let text: String

        static func == (left: Self, right: Self) -> Bool { left.text.hasSameBytes(as: right.text) }
    }

    private struct Table {
        var definition: Definition
        var position: SourcePosition
        /// Of lists and maps, itself among them.
        let depth: Int
        var entries: [Entry] = []
        /// Places of keys, once there are so many that looking at each would take long.
        var index: [Key: Int] = [:]
    }

    private static let indexThreshold = 12

    /// A key of a way, and where it stands.
    struct Part {
        let key: String
        let position: SourcePosition
    }

    private var tables: [Table]
    /// Tables and lists of them, without what is `addDetached`.
    private(set) var valueCount = 1

    /// - Parameter position: Of the root.
    init(at position: SourcePosition) { tables = [Table(definition: .head, position: position, depth: 1)] }

    func depth(of table: ID) -> Int { tables[table].depth }

    /// An inline table, or what stands for one that cannot be.
    mutating func addDetached(depth: Int, at position: SourcePosition) -> ID {
        tables.append(Table(definition: .head, position: position, depth: depth))
        return tables.count - 1
    }

    /// What hinders a definition.
    struct Clash: Error {
        enum Reason {
            /// It is there already.
            case again
            /// What stands there is no table, or one that is whole.
            case closed
        }

        let reason: Reason
        let part: Part
        let first: SourcePosition
    }

    // MARK: Definitions

    /// `[a.b]`
    mutating func define(_ way: [Part]) throws(Clash) -> ID {
        let (parent, part) = try parent(of: way)
        guard let place = place(of: part.key, in: parent) else { return add(.head, part, to: parent) }
        guard case .table(let table) = tables[parent].entries[place].content, tables[table].definition == .below else {
            throw clash(.again, part, in: parent, place)
        }
        tables[table].definition = .head
        tables[table].position = part.position
        return table
    }

    /// `[[a.b]]`
    mutating func append(_ way: [Part]) throws(Clash) -> ID {
        let (parent, part) = try parent(of: way)
        let depth = tables[parent].depth + 2
        let table = tables.count
        if let place = place(of: part.key, in: parent) {
            guard case .tables(var list) = tables[parent].entries[place].content else {
                throw clash(.again, part, in: parent, place)
            }
            // Nobody else has the list meanwhile, so that it need not be copied.
            tables[parent].entries[place].content = .table(Self.root)
            list.append(table)
            tables[parent].entries[place].content = .tables(list)
        } else {
            add(Entry(key: part.key, keyPosition: part.position, content: .tables([table])), to: parent)
            valueCount += 1
        }
        valueCount += 1
        tables.append(Table(definition: .head, position: part.position, depth: depth))
        return table
    }

    /// All but the last part of a head, made where they are not there.
    private mutating func parent(of way: [Part]) throws(Clash) -> (ID, Part) {
        var table = Self.root
        for part in way.dropLast() {
            guard let place = place(of: part.key, in: table) else {
                table = add(.below, part, to: table)
                continue
            }
            switch tables[table].entries[place].content {
            case .table(let next): table = next
            case .tables(let list): table = list[list.count - 1]
            case .value: throw clash(.closed, part, in: table, place)
            }
        }
        return (table, way[way.count - 1])
    }

    /// `a.b = value`, in a table.
    /// - Parameter value: What stands there, or a table of its own.
    mutating func set(_ way: [Part], in table: ID, to value: ConfigValue) throws(Clash) {
        var table = table
        for part in way.dropLast() {
            guard let place = place(of: part.key, in: table) else {
                table = add(.dottedKey, part, to: table)
                continue
            }
            guard case .table(let next) = tables[table].entries[place].content else {
                throw clash(.closed, part, in: table, place)
            }
            switch tables[next].definition {
            case .head: throw clash(.closed, part, in: table, place)
            case .below: tables[next].definition = .dottedKey
            case .dottedKey: break
            }
            table = next
        }
        let part = way[way.count - 1]
        if let place = place(of: part.key, in: table) { throw clash(.again, part, in: table, place) }
        add(Entry(key: part.key, keyPosition: part.position, content: .value(value)), to: table)
    }

    private func clash(_ reason: Clash.Reason, _ part: Part, in table: ID, _ place: Int) -> Clash {
        Clash(reason: reason, part: part, first: tables[table].entries[place].keyPosition)
    }

    private mutating func add(_ definition: Definition, _ part: Part, to parent: ID) -> ID {
        let table = tables.count
        add(Entry(key: part.key, keyPosition: part.position, content: .table(table)), to: parent)
        tables.append(Table(definition: definition, position: part.position, depth: tables[parent].depth + 1))
        valueCount += 1
        return table
    }

    /// An inline table that is whole. It, and what was made since, is no more.
    mutating func take(_ detached: ID, _ origin: TextOrigin) -> ConfigValue {
        defer { tables.removeSubrange(detached...) }
        return value(of: detached, origin)
    }

    // MARK: Entries

    private func place(of key: String, in table: ID) -> Int? {
        if tables[table].entries.count < Self.indexThreshold {
            return tables[table].entries.firstIndex { $0.key.hasSameBytes(as: key) }
        }
        return tables[table].index[Key(text: key)]
    }

    private mutating func add(_ entry: Entry, to table: ID) {
        tables[table].entries.append(entry)
        let count = tables[table].entries.count
        if count == Self.indexThreshold {
            for (place, entry) in tables[table].entries.enumerated() {
                tables[table].index[Key(text: entry.key)] = place
            }
        } else if count > Self.indexThreshold {
            tables[table].index[Key(text: entry.key)] = count - 1
        }
    }

    /// It calls itself once for each level, of which there are no more than were let in.
    func value(of table: ID, _ origin: TextOrigin) -> ConfigValue {
        let entries = tables[table].entries.map { entry in
            let value =
                switch entry.content {
                case .value(let value): value
                case .table(let inner): self.value(of: inner, origin)
                case .tables(let list):
                    origin.value(.list(list.map { self.value(of: $0, origin) }), at: entry.keyPosition)
                }
            return ConfigMap.Entry(entry.key, value, keyPosition: entry.keyPosition)
        }
        // No key stands twice.
        return origin.value(.map(ConfigMap(entries, duplicates: { _, _ in })), at: tables[table].position)
    }
}
