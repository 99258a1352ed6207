import ConfigValues
import Diagnostics

/// Lines of `KEY=value`, as shells take them: a map of texts. Nothing in a value is expanded, be it `$HOME` or a command.
///
/// ```text
/// # a comment
/// export HOST = db.internal     # blanks around "=" and behind the value are none of it
/// LITERAL='as it stands, $5 and \n too'
/// ESCAPED="a \"quoted\" text, a \$, a line's end: \n
/// or one as it stands"
/// ```
enum DotenvConfig {
    static func read(_ bytes: Span<UInt8>, of origin: TextOrigin, _ limits: ConfigLimits) throws(InvalidText)
        -> ConfigValue
    {
        do throws(Diagnostic) {
            try origin.check(bytes, limits)
        } catch {
            throw InvalidText([error])
        }
        var reading = DotenvReading(bytes, origin, limits)
        reading.readLines()
        guard reading.problems.isEmpty else { throw InvalidText(reading.problems) }
        let map = ConfigMap(reading.entries) { first, second in
            let position = second.keyPosition ?? second.value.origin.position
            reading.note(origin.duplicateKey(second.key, at: position, first: first.keyPosition))
        }
        guard reading.problems.isEmpty else { throw InvalidText(reading.problems) }
        return origin.value(.map(map), at: origin.position(line: 1, column: 1))
    }
}

/// One text on its way to be a map. After a mistake it goes on with the next line.
struct DotenvReading: ~Escapable {
    private let bytes: Span<UInt8>
    private let origin: TextOrigin
    private let limits: ConfigLimits
    private var index = 0
    private var line = 1
    /// Where the line would begin if all its characters up to here had one byte.
    private var lineStart = 0
    private(set) var entries: [ConfigMap.Entry] = []
    private(set) var problems: [Diagnostic] = []

    /// - Parameter bytes: UTF-8.
    @_lifetime(copy bytes)
    init(_ bytes: Span<UInt8>, _ origin: TextOrigin, _ limits: ConfigLimits) {
        self.bytes = bytes
        self.origin = origin
        self.limits = limits
    }

    @_lifetime(self: copy self)
    mutating func note(_ problem: Diagnostic) {
        if problems.count < limits.problemCount { problems.append(problem) }
    }

    @_lifetime(self: copy self)
    mutating func readLines() {
        if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF {
            (index, lineStart) = (3, 3)
        }
        while index < bytes.count {
            do throws(Diagnostic) {
                try readLine()
            } catch {
                note(error)
                while index < bytes.count, !isLineEnd { skipByte() }
                if error.code == .formatTooManyValues { return }
            }
            skipLineEnd()
        }
    }

    @_lifetime(self: copy self)
    private mutating func readLine() throws(Diagnostic) {
        skipBlanks()
        guard index < bytes.count, !isLineEnd, next != UInt8(ascii: "#") else { return skipComment() }
        if startsWithExport {
            index += 6
            skipBlanks()
        }
        let (start, column) = (index, column)
        while isKeyByte(next, isFirst: index == start) { index += 1 }
        guard index > start else { throw noKey }
        let key = text(start..<index)
        let keyPosition = origin.position(line: line, column: column, length: index - start)
        skipBlanks()
        guard next == UInt8(ascii: "=") else {
            throw mistake(
                expected: "\"=\" after the key", remedy: "write \"=\" and the key's value, or put # before the line")
        }
        index += 1
        skipBlanks()
        guard entries.count + 1 < limits.valueCount else { throw origin.tooManyValues(at: keyPosition, limits) }
        entries.append(ConfigMap.Entry(key, try value(), keyPosition: keyPosition))
        try endLine()
    }

    private var startsWithExport: Bool {
        let word = "export"
        guard index + 6 < bytes.count, bytes[index + 6] == 0x20 || bytes[index + 6] == 0x09 else { return false }
        return word.utf8.enumerated().allSatisfy { bytes[index + $0.offset] == $0.element }
    }

    /// After a value: a comment, or nothing.
    @_lifetime(self: copy self)
    private mutating func endLine() throws(Diagnostic) {
        skipBlanks()
        if index >= bytes.count || isLineEnd { return }
        guard next == UInt8(ascii: "#"), isBlank(bytes[index - 1]) else {
            throw mistake(
                expected: "the end of the line after the closing quotation mark",
                remedy: "put the whole value between the quotation marks; a comment begins with a blank and #")
        }
        skipComment()
    }

    @_lifetime(self: copy self)
    private mutating func value() throws(Diagnostic) -> ConfigValue {
        switch next {
        case UInt8(ascii: "'"): return try quoted(UInt8(ascii: "'"))
        case UInt8(ascii: "\""): return try quoted(UInt8(ascii: "\""))
        default: return try plain()
        }
    }

    @_lifetime(self: copy self)
    private mutating func plain() throws(Diagnostic) -> ConfigValue {
        let (start, column) = (index, column)
        // After "=" blanks were skipped, so that a comment may begin at once only if there were any.
        var end = index
        var isAfterBlank = index > 0 && isBlank(bytes[index - 1])
        while index < bytes.count, !isLineEnd, !(next == UInt8(ascii: "#") && isAfterBlank) {
            checkCharacter()
            isAfterBlank = isBlank(next)
            skipByte()
            if !isAfterBlank { end = index }
        }
        index = max(end, start)
        let text = text(start..<index)
        let position = origin.position(line: line, column: column, length: text.unicodeScalars.count)
        return origin.value(.string(text), at: position)
    }

    /// Between two quotation marks of a kind. Ends of lines are LF, however the text has them.
    @_lifetime(self: copy self)
    private mutating func quoted(_ mark: UInt8) throws(Diagnostic) -> ConfigValue {
        let (startLine, startColumn) = (line, column)
        index += 1
        var text: [UInt8] = []
        while index < bytes.count {
            let byte = next
            if byte == mark {
                index += 1
                let position = origin.position(
                    line: startLine, column: startColumn, length: line == startLine ? column - startColumn : 0)
                return origin.value(.string(String(decoding: text, as: UTF8.self)), at: position)
            }
            if isLineEnd {
                skipLineEnd()
                text.append(UInt8(ascii: "\n"))
            } else if byte == UInt8(ascii: "\\"), mark == UInt8(ascii: "\"") {
                text.append(escape())
            } else {
                checkCharacter()
                text.append(byte)
                skipByte()
            }
        }
        throw Diagnostic(
            .formatDotenv, at: origin.position(line: startLine, column: startColumn, length: 1),
            found: "a quotation mark that is not closed", expected: "the closing quotation mark",
            remedy: "add it, or put the text between quotation marks of the other kind")
    }

    @_lifetime(self: copy self)
    private mutating func escape() -> UInt8 {
        let escaped: UInt8
        switch index + 1 < bytes.count ? bytes[index + 1] : 0 {
        case UInt8(ascii: "n"): escaped = 0x0A
        case UInt8(ascii: "r"): escaped = 0x0D
        case UInt8(ascii: "t"): escaped = 0x09
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "$"), UInt8(ascii: "`"): escaped = bytes[index + 1]
        default:
            note(
                Diagnostic(
                    .formatDotenv, at: origin.position(line: line, column: column, length: 2),
                    found: "a backslash that escapes nothing", expected: "\\n, \\r, \\t, \\\", \\\\, \\$ or \\`",
                    remedy: "write \\\\ for a backslash, or use single quotation marks"))
            index += 1
            return UInt8(ascii: "\\")
        }
        index += 2
        return escaped
    }

    // MARK: Bytes

    private var next: UInt8 { index < bytes.count ? bytes[index] : 0 }
    private var column: Int { index - lineStart + 1 }

    /// At CR alone a line ends, too.
    private var isLineEnd: Bool { next == 0x0A || next == 0x0D }

    private func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    private func isKeyByte(_ byte: UInt8, isFirst: Bool) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"): !isFirst
        default: false
        }
    }

    /// SAFETY: The bytes were found to be UTF-8, and no range begins or ends within a character.
    private func text(_ range: Range<Int>) -> String {
        unsafe String(copying: UTF8Span(unchecked: bytes.extracting(range)))
    }

    @_lifetime(self: copy self)
    private mutating func skipByte() {
        if next & 0xC0 == 0x80 { lineStart += 1 }
        index += 1
    }

    @_lifetime(self: copy self)
    private mutating func skipBlanks() {
        while isBlank(next) { index += 1 }
    }

    @_lifetime(self: copy self)
    private mutating func skipComment() {
        while index < bytes.count, !isLineEnd { index += 1 }
    }

    @_lifetime(self: copy self)
    private mutating func skipLineEnd() {
        guard index < bytes.count, isLineEnd else { return }
        index += bytes[index] == 0x0D && index + 1 < bytes.count && bytes[index + 1] == 0x0A ? 2 : 1
        line += 1
        lineStart = index
    }

    // MARK: Mistakes

    /// No variable of a process has a NUL, and what else is invisible is there by mistake.
    @_lifetime(self: copy self)
    private mutating func checkCharacter() {
        guard next < 0x20 && next != 0x09 || next == 0x7F else { return }
        let digits = String(next, radix: 16, uppercase: true)
        let name = "the character U+" + String(repeating: "0", count: 4 - digits.count) + digits
        note(
            Diagnostic(
                .formatDotenv, at: origin.position(line: line, column: column, length: 1),
                found: origin.isSecret ? "a control character" : name, expected: "text", remedy: "remove it"))
    }

    private var noKey: Diagnostic {
        mistake(
            expected: "a key of letters, digits and _, which does not begin with a digit",
            remedy: "write KEY=value; a text of several lines stands in quotation marks, a comment behind #")
    }

    private func mistake(expected: String, remedy: String) -> Diagnostic {
        let found: String
        if index >= bytes.count || isLineEnd {
            found = "the end of the line"
        } else if origin.isSecret {
            found = "something else"
        } else {
            var end = index + 1
            while end < bytes.count, bytes[end] & 0xC0 == 0x80 { end += 1 }
            found = Diagnostic.quoted(text(index..<end))
        }
        return Diagnostic(
            .formatDotenv, at: origin.position(line: line, column: column, length: 1), found: found, expected: expected,
            remedy: remedy)
    }
}
