import ConfigValues
import Diagnostics

/// One text on its way to be a value. It calls itself once for each level of nesting within a value, of which there are few.
struct TOMLReading: ~Escapable {
    let bytes: Span<UInt8>
    let origin: TextOrigin
    let limits: ConfigLimits
    /// Of the next byte.
    var index = 0
    private(set) var line = 1
    /// Where the line would begin if all its characters up to here had one byte.
    private(set) var lineStart = 0
    /// Without those that the tables count.
    private var valueCount = 0
    private(set) var problems: [Diagnostic] = []
    private(set) var tables: TOMLTables
    /// The one that keys are set in: that of the last head.
    private var table = TOMLTables.root

    /// - Parameter bytes: UTF-8.
    @_lifetime(copy bytes)
    init(_ bytes: Span<UInt8>, _ origin: TextOrigin, _ limits: ConfigLimits) {
        self.bytes = bytes
        self.origin = origin
        self.limits = limits
        tables = TOMLTables(at: origin.position(line: 1, column: 1))
    }

    @_lifetime(self: copy self)
    mutating func note(_ problem: Diagnostic) {
        if problems.count < limits.problemCount { problems.append(problem) }
    }

    // MARK: Lines

    @_lifetime(self: copy self)
    mutating func readLines() throws(Diagnostic) {
        if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { (index, lineStart) = (3, 3) }
        while true {
            skipBlanks()
            switch next {
            case _ where index == bytes.count: return
            case UInt8(ascii: "["): try readHead()
            case UInt8(ascii: "#"), UInt8(ascii: "\n"), UInt8(ascii: "\r"): break
            default: try readKeyAndValue(in: table)
            }
            try endLine()
        }
    }

    /// A comment, or nothing, and the end of the line.
    @_lifetime(self: copy self)
    private mutating func endLine() throws(Diagnostic) {
        skipBlanks()
        try skipComment()
        guard try skipLineEnd() || index == bytes.count else {
            throw unexpected(
                "the end of the line",
                remedy: "begin a line, or put the value in quotation marks, which makes it a text")
        }
    }

    @_lifetime(self: copy self)
    private mutating func readHead() throws(Diagnostic) {
        index += 1
        let isOfList = next == UInt8(ascii: "[")
        if isOfList { index += 1 }
        skipBlanks()
        let way = try way(expected: "the table's name")
        let closing = isOfList ? "\"]]\"" : "\"]\""
        for _ in 0..<(isOfList ? 2 : 1) {
            guard next == UInt8(ascii: "]") else {
                throw unexpected("\(closing) after the table's name", remedy: "write \(closing) behind the name")
            }
            index += 1
        }
        let position = way[way.count - 1].position
        do throws(TOMLTables.Clash) {
            table = isOfList ? try tables.append(way) : try tables.define(way)
        } catch {
            note(diagnostic(of: error))
            // What follows is looked at all the same, and goes nowhere.
            table = tables.addDetached(depth: 1, at: position)
        }
        try count(0, at: position)
        guard tables.depth(of: table) <= limits.depth else { throw origin.tooDeep(at: position, limits) }
    }

    /// - Parameter table: The one it stands in.
    @_lifetime(self: copy self)
    private mutating func readKeyAndValue(in table: TOMLTables.ID) throws(Diagnostic) {
        let way = try way(expected: "a key, or a table's name in \"[\" and \"]\"")
        guard next == UInt8(ascii: "=") else {
            throw unexpected("\"=\" after the key", remedy: "write \"=\" and the key's value")
        }
        index += 1
        skipBlanks()
        let depth = tables.depth(of: table) + way.count - 1
        guard depth <= limits.depth else { throw origin.tooDeep(at: way[way.count - 1].position, limits) }
        let value = try value(depth: depth)
        do throws(TOMLTables.Clash) {
            try tables.set(way, in: table, to: value)
        } catch {
            note(diagnostic(of: error))
        }
        try count(0, at: way[0].position)
    }

    /// Keys with dots between, and the blanks behind them.
    @_lifetime(self: copy self)
    private mutating func way(expected: String) throws(Diagnostic) -> [TOMLTables.Part] {
        var way: [TOMLTables.Part] = []
        while true {
            let (line, column, start) = (line, column, index)
            let key: String
            switch next {
            case UInt8(ascii: "\""), UInt8(ascii: "'"): key = try lineString()
            default:
                while isBare(next) { index += 1 }
                guard index > start else { throw noKey(way.isEmpty ? expected : "a key after the dot") }
                key = text(start..<index)
            }
            way.append(
                TOMLTables.Part(
                    key: key, position: origin.position(line: line, column: column, length: self.column - column)))
            skipBlanks()
            guard next == UInt8(ascii: ".") else { return way }
            guard way.count <= limits.depth else {
                throw origin.tooDeep(at: origin.position(line: line, column: column), limits)
            }
            index += 1
            skipBlanks()
        }
    }

    // MARK: Values

    /// - Parameter depth: Of lists and maps that it stands in.
    @_lifetime(self: copy self)
    private mutating func value(depth: Int) throws(Diagnostic) -> ConfigValue {
        let (line, column) = (line, column)
        try count(1, at: origin.position(line: line, column: column))
        let content: ConfigValue.Content
        switch next {
        case UInt8(ascii: "\""), UInt8(ascii: "'"): content = .string(try string())
        case UInt8(ascii: "["): content = .list(try list(depth: depth + 1))
        case UInt8(ascii: "{"): return try inlineTable(depth: depth + 1)
        default: content = try scalar()
        }
        let length = self.line == line ? self.column - column : 0
        return origin.value(content, at: origin.position(line: line, column: column, length: length))
    }

    @_lifetime(self: copy self)
    private mutating func list(depth: Int) throws(Diagnostic) -> [ConfigValue] {
        guard depth <= limits.depth else { throw tooDeep }
        index += 1
        var items: [ConfigValue] = []
        while true {
            try skipToItem()
            if next == UInt8(ascii: "]") { break }
            guard index < bytes.count else { throw unexpected("a value or \"]\"", remedy: "close the list with \"]\"") }
            items.append(try value(depth: depth))
            try skipToItem()
            guard next == UInt8(ascii: ",") else { break }
            index += 1
        }
        guard next == UInt8(ascii: "]") else { throw unexpected("\",\" or \"]\"", remedy: "add what is missing") }
        index += 1
        return items
    }

    /// Blanks, comments and ends of lines, which may stand anywhere in a list.
    @_lifetime(self: copy self)
    private mutating func skipToItem() throws(Diagnostic) {
        repeat {
            skipBlanks()
            try skipComment()
        } while try skipLineEnd()
    }

    @_lifetime(self: copy self)
    private mutating func inlineTable(depth: Int) throws(Diagnostic) -> ConfigValue {
        guard depth <= limits.depth else { throw tooDeep }
        let position = origin.position(line: line, column: column, length: 1)
        index += 1
        skipBlanks()
        let table = tables.addDetached(depth: depth, at: position)
        if next == UInt8(ascii: "}") {
            index += 1
            return tables.take(table, origin)
        }
        while true {
            try readKeyAndValue(in: table)
            skipBlanks()
            switch next {
            case UInt8(ascii: ","):
                index += 1
                skipBlanks()
                guard next != UInt8(ascii: "}") else {
                    throw unexpected(
                        "a key after the comma", remedy: "remove the comma: an inline table has none at its end")
                }
            case UInt8(ascii: "}"):
                index += 1
                return tables.take(table, origin)
            default:
                throw unexpected("\",\" or \"}\"", remedy: "add what is missing; an inline table stands on one line")
            }
        }
    }

    @_lifetime(self: copy self)
    private mutating func count(_ values: Int, at position: SourcePosition) throws(Diagnostic) {
        valueCount += values
        guard valueCount + tables.valueCount <= limits.valueCount else {
            throw origin.tooManyValues(at: position, limits)
        }
    }

    // MARK: Bytes

    /// The next byte; 0, which stands nowhere in TOML, at the end.
    var next: UInt8 { index < bytes.count ? bytes[index] : 0 }

    /// From 1, in Unicode scalars.
    var column: Int { index - lineStart + 1 }

    /// SAFETY: The bytes were found to be UTF-8, and no range begins or ends within a character.
    func text(_ range: Range<Int>) -> String {
        unsafe String(copying: UTF8Span(unchecked: bytes.extracting(range)))
    }

    func isBare(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    @_lifetime(self: copy self)
    mutating func skipByte() {
        if next & 0xC0 == 0x80 { lineStart += 1 }
        index += 1
    }

    @_lifetime(self: copy self)
    private mutating func skipBlanks() {
        while next == UInt8(ascii: " ") || next == UInt8(ascii: "\t") { index += 1 }
    }

    @_lifetime(self: copy self)
    private mutating func skipComment() throws(Diagnostic) {
        guard next == UInt8(ascii: "#") else { return }
        while index < bytes.count, next != UInt8(ascii: "\n"), next != UInt8(ascii: "\r") {
            guard !isControl(next) else { throw controlCharacter }
            skipByte()
        }
    }

    func isControl(_ byte: UInt8) -> Bool { byte < 0x20 && byte != 0x09 || byte == 0x7F }

    /// LF or CRLF; CR alone is none.
    /// - Returns: Whether a line has ended.
    @_lifetime(self: copy self)
    mutating func skipLineEnd() throws(Diagnostic) -> Bool {
        guard index < bytes.count else { return false }
        switch bytes[index] {
        case UInt8(ascii: "\n"): index += 1
        case UInt8(ascii: "\r"):
            guard index + 1 < bytes.count, bytes[index + 1] == UInt8(ascii: "\n") else {
                throw unexpected(
                    "LF, or CR and LF, where a line ends", remedy: "save it with ends of lines that are LF")
            }
            index += 2
        default: return false
        }
        line += 1
        lineStart = index
        return true
    }
}
