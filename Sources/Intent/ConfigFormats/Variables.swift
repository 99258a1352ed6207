package import ConfigValues

/// A value as variables of a process: of a map in a map the keys are joined by `_`, in large letters, and `-` and `.` in them are
/// `_`, too. Lists are JSON; null, and a map without keys, is no variable.
package struct Variables: Sendable, Hashable {
    package struct Variable: Sendable, Hashable {
        /// `[A-Z_][A-Z0-9_]*`
        package let name: String
        /// Without NUL.
        package let text: String
        /// Whose value it is.
        package let path: ConfigPath
    }

    /// By name, none twice.
    package private(set) var all: [Variable] = []

    /// - Throws: A key that no name can hold, two values with one name, a text with NUL, a whole that is no map.
    package init(_ value: ConfigValue) throws(UnwritableValue) {
        guard let map = value.map else {
            throw UnwritableValue(
                path: .root, found: "\(value.typeName) as the whole",
                expected: "a map, whose keys are names of variables",
                remedy: "put a map around it")
        }
        try add(map, below: "", at: .root)
        all.sort { $0.name < $1.name }
        for (variable, other) in zip(all, all.dropFirst()) where variable.name == other.name {
            throw UnwritableValue(
                path: other.path, found: "the variable \(other.name) a second time",
                expected: "a name for each value", remedy: "rename a key: \(variable.path.dotted) has that name, too")
        }
    }

    private mutating func add(_ map: ConfigMap, below prefix: String, at path: ConfigPath) throws(UnwritableValue) {
        for entry in map.entries {
            let path = path.appending(entry.key)
            guard let part = Self.name(entry.key, isFirst: prefix.isEmpty) else {
                throw UnwritableValue(
                    path: path, found: "a key that is no part of a variable's name",
                    expected: "letters of ASCII, digits, \"_\", \"-\" and \".\", no digit first",
                    remedy: "rename the key")
            }
            let name = prefix + part
            let text: String
            switch entry.value.content {
            case .null: continue
            case .map(let inner):
                try add(inner, below: name + "_", at: path)
                continue
            case .boolean(let value): text = value ? "true" : "false"
            case .number(let value): text = value.text
            case .string(let value): text = value
            case .list: text = String(decoding: entry.value.json(), as: UTF8.self)
            }
            guard !text.utf8.contains(0) else {
                throw UnwritableValue(
                    path: path, found: "a text with NUL", expected: "a text that a variable can hold",
                    remedy: "take the NUL out of it")
            }
            all.append(Variable(name: name, text: text, path: path))
        }
    }

    private static func name(_ key: String, isFirst: Bool) -> String? {
        var name = ""
        for byte in key.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"): name.unicodeScalars.append(Unicode.Scalar(byte - 0x20))
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"):
                name.unicodeScalars.append(Unicode.Scalar(byte))
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                if isFirst, name.isEmpty { return nil }
                name.unicodeScalars.append(Unicode.Scalar(byte))
            case UInt8(ascii: "-"), UInt8(ascii: "."): name += "_"
            default: return nil
            }
        }
        return name.isEmpty ? nil : name
    }
}
