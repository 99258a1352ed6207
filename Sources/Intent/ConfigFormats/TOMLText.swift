import ConfigValues
import Diagnostics

/// Values as TOML 1.0: in each table first what stands on a line, then the tables below it.
///
/// TOML has no null. In a map it is left out, where whoever reads finds the key to be absent; in a list, which it would
/// shorten, it cannot be written.
struct TOMLText {
    private var bytes: [UInt8] = []

    private init() {}

    static func written(_ value: ConfigValue) throws(UnwritableValue) -> [UInt8] {
        guard let map = value.map else {
            throw UnwritableValue(
                path: .root, found: "\(value.typeName) as the whole", expected: "a map, as TOML is one",
                remedy: "write it as YAML or JSON, or a map around it")
        }
        var text = TOMLText()
        try text.write(map, at: .root)
        return text.bytes
    }

    /// What stands in a table, without its head.
    private mutating func write(_ map: ConfigMap, at path: ConfigPath) throws(UnwritableValue) {
        for entry in map.entries where Self.isInline(entry.value) {
            if case .null = entry.value.content { continue }
            writeKey(entry.key)
            bytes += " = ".utf8
            try writeInline(entry.value, at: path.appending(entry.key))
            bytes.append(UInt8(ascii: "\n"))
        }
        for entry in map.entries where !Self.isInline(entry.value) {
            let path = path.appending(entry.key)
            switch entry.value.content {
            case .map(let inner):
                if !Self.isNamedBelow(inner) { writeHead(path, "[", "]") }
                try write(inner, at: path)
            case .list(let items):
                for (index, item) in items.enumerated() {
                    writeHead(path, "[[", "]]")
                    // Its tables are named without a number, which the last head stands for.
                    if let inner = item.map { try write(inner, at: path, item: index) }
                }
            case .null, .boolean, .number, .string: break
            }
        }
    }

    /// The same of an item of a list of tables. A mistake in it is told with its number.
    private mutating func write(_ map: ConfigMap, at path: ConfigPath, item: Int) throws(UnwritableValue) {
        do throws(UnwritableValue) {
            try write(map, at: path)
        } catch {
            var keys = error.path.keys
            keys.insert(String(item), at: path.keys.count)
            throw UnwritableValue(
                path: ConfigPath(keys), found: error.found, expected: error.expected, remedy: error.remedy)
        }
    }

    /// Whether it stands behind its key, and not below a head of its own.
    private static func isInline(_ value: ConfigValue) -> Bool {
        switch value.content {
        case .map: false
        case .list(let items): items.isEmpty || !items.allSatisfy { $0.map != nil }
        case .null, .boolean, .number, .string: true
        }
    }

    /// Whether it has nothing but tables, whose heads name it.
    private static func isNamedBelow(_ map: ConfigMap) -> Bool {
        let written = map.entries.filter { entry in
            if case .null = entry.value.content { false } else { true }
        }
        return !written.isEmpty && written.allSatisfy { !isInline($0.value) }
    }

    private mutating func writeHead(_ path: ConfigPath, _ opening: String, _ closing: String) {
        if !bytes.isEmpty { bytes.append(UInt8(ascii: "\n")) }
        bytes += opening.utf8
        for (index, key) in path.keys.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ".")) }
            writeKey(key)
        }
        bytes += closing.utf8
        bytes.append(UInt8(ascii: "\n"))
    }

    private mutating func writeInline(_ value: ConfigValue, at path: ConfigPath) throws(UnwritableValue) {
        switch value.content {
        case .null:
            throw UnwritableValue(
                path: path, found: "null in a list", expected: "no null in a list: TOML has none",
                remedy: "take it out of the list, or write it as YAML or JSON")
        case .boolean(let value): bytes += (value ? "true" : "false").utf8
        case .number(let value): bytes += value.text.utf8
        case .string(let value): JSONText.write(value, into: &bytes)
        case .list(let items):
            bytes.append(UInt8(ascii: "["))
            for (index, item) in items.enumerated() {
                if index > 0 { bytes += ", ".utf8 }
                try writeInline(item, at: path.appending(String(index)))
            }
            bytes.append(UInt8(ascii: "]"))
        case .map(let map):
            bytes.append(UInt8(ascii: "{"))
            var isFirst = true
            for entry in map.entries {
                if case .null = entry.value.content { continue }
                if !isFirst { bytes += ", ".utf8 }
                isFirst = false
                writeKey(entry.key)
                bytes += " = ".utf8
                try writeInline(entry.value, at: path.appending(entry.key))
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    private mutating func writeKey(_ key: String) {
        let isBare =
            !key.isEmpty
            && key.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
        // Every string of JSON is one of TOML's.
        if isBare { bytes += key.utf8 } else { JSONText.write(key, into: &bytes) }
    }
}
