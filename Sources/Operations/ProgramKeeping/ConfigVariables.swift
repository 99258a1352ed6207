package import ConfigValues
import Glibc

/// What configs say, as variables of an environment: the keys on the way to a value joined by `_`, in capitals. Texts stay as they are,
/// numbers and truth values are as JSON has them, and a list is one variable, in JSON. Null is none.
package struct ConfigVariables: Sendable, Equatable {
    package struct Variable: Sendable, Equatable {
        package let name: String
        package let value: [UInt8]
        /// For people: `database.host of Config shop/web`.
        package let place: String

        /// As an environment has it, without the zero at its end.
        package var entry: [UInt8] { Array("\(name)=".utf8) + value }
    }

    /// By name.
    package let all: [Variable]

    /// The kernel's limit for one variable, with its name and the zero at its end (MAX_ARG_STRLEN): 128 KiB where pages have 4 KiB.
    package static var longest: Int { sysconf(CInt(_SC_PAGESIZE)) * 32 }

    /// - Parameters:
    ///   - configs: With the name that people know each by.
    ///   - prefix: What all names begin with.
    ///   - longest: As `longest` says.
    package init(
        _ configs: [(name: String, value: ConfigValue)], prefix: String = "", longest: Int = ConfigVariables.longest
    ) throws(InvalidVariables) {
        var reading = VariableReading(prefix: prefix, longest: longest)
        for config in configs {
            reading.config = config.name
            reading.read(config.value)
        }
        guard reading.mistakes.isEmpty else { throw InvalidVariables(reading.mistakes) }
        all = reading.variables.values.sorted { $0.name < $1.name }
    }
}

/// Why values can be no environment: for people, and without any of the values.
package struct InvalidVariables: Error, Equatable, CustomStringConvertible {
    package let mistakes: [String]

    /// Of so many is told.
    private static let shownCount = 20

    init(_ mistakes: [String]) { self.mistakes = mistakes }

    package var description: String {
        let left = mistakes.count - Self.shownCount
        return (mistakes.prefix(Self.shownCount) + (left > 0 ? ["and \(left) more"] : [])).joined(separator: "\n")
    }
}

/// Values on their way to be variables.
private struct VariableReading {
    let prefix: String
    let longest: Int
    var config = ""
    private(set) var variables: [String: ConfigVariables.Variable] = [:]
    private(set) var mistakes: [String] = []

    init(prefix: String, longest: Int) {
        self.prefix = prefix
        self.longest = longest
    }

    mutating func read(_ value: ConfigValue) { read(value, at: .root) }

    private mutating func read(_ value: ConfigValue, at path: ConfigPath) {
        switch value.content {
        case .null: break
        case .map(let map): for entry in map.entries { read(entry.value, at: path.appending(entry.key)) }
        case .string(let text): add(Array(text.utf8), at: path)
        case .boolean, .number, .list: add(value.json(), at: path)
        }
    }

    private mutating func add(_ value: [UInt8], at path: ConfigPath) {
        let name = prefix + path.keys.map(Self.word).joined(separator: "_")
        let variable = ConfigVariables.Variable(name: name, value: value, place: "\(path.dotted) of Config \(config)")
        guard !name.isEmpty else {
            mistakes.append(
                "\(variable.place) has no name as a variable: give all of them one to begin with (--prefix)")
            return
        }
        guard !value.contains(0) else {
            mistakes.append("\(variable.place) is a text with a NUL byte, which no variable can hold")
            return
        }
        let byteCount = variable.entry.count + 1
        guard byteCount <= longest else {
            mistakes.append(
                "\(variable.place) takes \(byteCount) bytes as the variable \(name), of which the kernel takes \(longest): "
                    + "have the program read it at config.mesh")
            return
        }
        if let other = variables.updateValue(variable, forKey: name) {
            mistakes.append("\(other.place) and \(variable.place) are both the variable \(name): rename one of the two")
        }
    }

    /// Of a key: letters and digits of ASCII, all others are `_`, one for each scalar of Unicode.
    private static func word(_ key: String) -> String {
        String(
            String.UnicodeScalarView(
                key.unicodeScalars.map { scalar in
                    switch scalar {
                    case "a"..."z": Unicode.Scalar(UInt8(scalar.value) - 32)
                    case "A"..."Z", "0"..."9": scalar
                    default: "_"
                    }
                }))
    }
}
