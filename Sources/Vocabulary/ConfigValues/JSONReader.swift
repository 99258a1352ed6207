import Diagnostics

/// Reads a JSON text (RFC 8259): nothing that it does not allow, and of what it leaves open only what means one thing. A byte
/// order mark, keys that stand twice, halves of surrogate pairs and numbers that a config cannot hold are mistakes.
package enum JSONReader {
    /// - Throws: All keys and numbers that cannot be, up to where the text is no JSON any more.
    package static func read(
        _ bytes: Span<UInt8>, of origin: TextOrigin, limits: ConfigLimits = ConfigLimits()
    ) throws(InvalidText) -> ConfigValue {
        precondition((1...256).contains(limits.depth))
        do throws(Diagnostic) {
            try origin.check(bytes, limits)
        } catch {
            throw InvalidText([error])
        }
        var reading = JSONReading(bytes, origin, limits)
        let value: ConfigValue
        do throws(Diagnostic) {
            value = try reading.text()
        } catch {
            throw InvalidText(reading.problems + [error])
        }
        guard reading.problems.isEmpty else { throw InvalidText(reading.problems) }
        return value
    }
}

/// One text on its way to be a value. It calls itself once for each level of nesting, of which there are few.
struct JSONReading: ~Escapable {
    let bytes: Span<UInt8>
    let origin: TextOrigin
    let limits: ConfigLimits
    /// Of the next byte.
    var index = 0
    private(set) var line = 1
    /// Where the line would begin if all its characters up to here had one byte.
    var lineStart = 0
    private var valueCount = 0
    private(set) var problems: [Diagnostic] = []

    /// - Parameter bytes: UTF-8.
    @_lifetime(copy bytes)
    init(_ bytes: Span<UInt8>, _ origin: TextOrigin, _ limits: ConfigLimits) {
        self.bytes = bytes
        self.origin = origin
        self.limits = limits
    }

    /// From 1, in Unicode scalars.
    var column: Int { index - lineStart + 1 }

    /// The next byte; 0, which no token begins with, at the end.
    var next: UInt8 { index < bytes.count ? bytes[index] : 0 }

    @_lifetime(self: copy self)
    mutating func text() throws(Diagnostic) -> ConfigValue {
        guard bytes.count < 3 || bytes[0] != 0xEF || bytes[1] != 0xBB || bytes[2] != 0xBF else {
            throw Diagnostic(
                .formatEncoding, at: origin.position(line: 1, column: 1, length: 1), found: "a byte order mark",
                expected: "JSON, which begins with its value", remedy: "save it as UTF-8 without a byte order mark")
        }
        let value = try value(depth: 0)
        skipBlanks()
        guard index == bytes.count else {
            throw unexpected("the end of the text", remedy: "remove what stands after the value")
        }
        return value
    }

    @_lifetime(self: copy self)
    private mutating func value(depth: Int) throws(Diagnostic) -> ConfigValue {
        skipBlanks()
        let (line, column, start) = (line, column, index)
        valueCount += 1
        guard valueCount <= limits.valueCount else {
            throw origin.tooManyValues(at: origin.position(line: line, column: column), limits)
        }
        let content: ConfigValue.Content
        switch next {
        case UInt8(ascii: "\""): content = .string(try string())
        case UInt8(ascii: "{"): content = .map(try map(depth: depth + 1))
        case UInt8(ascii: "["): content = .list(try list(depth: depth + 1))
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): content = .number(try number())
        case UInt8(ascii: "t"): content = .boolean(try word("true", true))
        case UInt8(ascii: "f"): content = .boolean(try word("false", false))
        case UInt8(ascii: "n"): content = try word("null", .null)
        default: throw noValue
        }
        let length =
            switch content {
            case .map, .list: 1
            default: self.column - column
            }
        assert(index > start)
        return origin.value(content, at: origin.position(line: line, column: column, length: length))
    }

    @_lifetime(self: copy self)
    private mutating func map(depth: Int) throws(Diagnostic) -> ConfigMap {
        guard depth <= limits.depth else { throw tooDeep }
        index += 1
        var entries: [ConfigMap.Entry] = []
        skipBlanks()
        if next == UInt8(ascii: "}") {
            index += 1
            return ConfigMap()
        }
        while true {
            skipBlanks()
            guard next == UInt8(ascii: "\"") else { throw noKey(isFirst: entries.isEmpty) }
            let (line, column) = (line, column)
            let key = try string()
            let position = origin.position(line: line, column: column, length: self.column - column)
            skipBlanks()
            guard next == UInt8(ascii: ":") else {
                throw unexpected("\":\" after the key", remedy: "write \":\" and the key's value")
            }
            index += 1
            entries.append(ConfigMap.Entry(key, try value(depth: depth), keyPosition: position))
            skipBlanks()
            switch next {
            case UInt8(ascii: ","): index += 1
            case UInt8(ascii: "}"):
                index += 1
                return ConfigMap(entries) { first, second in
                    note(origin.duplicateKey(second.key, at: second.keyPosition ?? position, first: first.keyPosition))
                }
            default: throw unexpected("\",\" or \"}\"", remedy: "add what is missing after the value before it")
            }
        }
    }

    @_lifetime(self: copy self)
    private mutating func list(depth: Int) throws(Diagnostic) -> [ConfigValue] {
        guard depth <= limits.depth else { throw tooDeep }
        index += 1
        skipBlanks()
        if next == UInt8(ascii: "]") {
            index += 1
            return []
        }
        var items: [ConfigValue] = []
        while true {
            items.append(try value(depth: depth))
            skipBlanks()
            switch next {
            case UInt8(ascii: ","): index += 1
            case UInt8(ascii: "]"):
                index += 1
                return items
            default: throw unexpected("\",\" or \"]\"", remedy: "add what is missing after the value before it")
            }
        }
    }

    @_lifetime(self: copy self)
    private mutating func word<Value>(_ word: String, _ value: Value) throws(Diagnostic) -> Value {
        let end = index + word.utf8.count
        guard end <= bytes.count, end == bytes.count || !isWordByte(bytes[end]) else { throw noValue }
        for (offset, byte) in word.utf8.enumerated() where bytes[index + offset] != byte { throw noValue }
        index = end
        return value
    }

    @_lifetime(self: copy self)
    private mutating func skipBlanks() {
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: " "), UInt8(ascii: "\t"): index += 1
            case UInt8(ascii: "\n"):
                index += 1
                line += 1
                lineStart = index
            case UInt8(ascii: "\r"):
                index += 1
                if next == UInt8(ascii: "\n") { index += 1 }
                line += 1
                lineStart = index
            default: return
            }
        }
    }

    @_lifetime(self: copy self)
    mutating func note(_ problem: Diagnostic) {
        if problems.count < limits.problemCount { problems.append(problem) }
    }
}
