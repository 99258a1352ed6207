import ConfigValues
import Diagnostics

extension TOMLReading {
    /// Any of the four kinds. Ends of lines are LF, however the text has them.
    /// - Precondition: A quotation mark is next.
    @_lifetime(self: copy self)
    mutating func string() throws(Diagnostic) -> String {
        guard isLong(next) else { return try lineString() }
        return try longString()
    }

    /// Between single marks, on one line.
    /// - Precondition: A quotation mark is next.
    @_lifetime(self: copy self)
    mutating func lineString() throws(Diagnostic) -> String {
        let mark = next
        guard !isLong(mark) else {
            throw unexpected(
                "a key between single quotation marks", remedy: "write the key between one mark on each side")
        }
        index += 1
        let start = index
        var text: [UInt8]?
        while index < bytes.count {
            switch next {
            case mark:
                let range = start..<index
                index += 1
                return text.map { String(decoding: $0, as: UTF8.self) } ?? self.text(range)
            case UInt8(ascii: "\\") where mark == UInt8(ascii: "\""):
                // Only from here on it differs from what stands there.
                var escaped = text ?? (start..<index).map { bytes[$0] }
                text = nil
                try appendEscape(to: &escaped)
                text = escaped
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
                throw Diagnostic(
                    .formatTOML, at: origin.position(line: line, column: column, length: 1),
                    found: "the end of the line within a text", expected: "the text's closing quotation mark",
                    remedy: "close the text on its own line, or put it between three quotation marks on each side")
            case _ where isControl(next): throw controlCharacter
            default:
                text?.append(next)
                skipByte()
            }
        }
        throw openString
    }

    /// Between three marks, over any number of lines.
    @_lifetime(self: copy self)
    private mutating func longString() throws(Diagnostic) -> String {
        let mark = next
        index += 3
        _ = try skipLineEnd()
        var text: [UInt8] = []
        while index < bytes.count {
            switch next {
            case mark:
                guard isLong(mark) else {
                    text.append(mark)
                    index += 1
                    continue
                }
                index += 3
                // Up to two more belong to the text.
                for _ in 0..<2 where next == mark {
                    text.append(mark)
                    index += 1
                }
                return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\") where mark == UInt8(ascii: "\""):
                if try !skipLineContinuation() { try appendEscape(to: &text) }
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
                _ = try skipLineEnd()
                text.append(UInt8(ascii: "\n"))
            case _ where isControl(next): throw controlCharacter
            default:
                text.append(next)
                skipByte()
            }
        }
        throw openString
    }

    private func isLong(_ mark: UInt8) -> Bool {
        index + 2 < bytes.count && bytes[index] == mark && bytes[index + 1] == mark && bytes[index + 2] == mark
    }

    /// A backslash at the end of a line takes it away, and all blanks and ends of lines after it.
    /// - Returns: `false`: it is another one, and nothing is skipped.
    @_lifetime(self: copy self)
    private mutating func skipLineContinuation() throws(Diagnostic) -> Bool {
        var place = index + 1
        while place < bytes.count, bytes[place] == UInt8(ascii: " ") || bytes[place] == UInt8(ascii: "\t") {
            place += 1
        }
        guard place < bytes.count, bytes[place] == UInt8(ascii: "\n") || bytes[place] == UInt8(ascii: "\r") else {
            return false
        }
        index = place
        while try skipLineEnd() {
            while next == UInt8(ascii: " ") || next == UInt8(ascii: "\t") { index += 1 }
        }
        return true
    }

    @_lifetime(self: copy self)
    private mutating func appendEscape(to text: inout [UInt8]) throws(Diagnostic) {
        let escaped: UInt8
        switch index + 1 < bytes.count ? bytes[index + 1] : 0 {
        case UInt8(ascii: "b"): escaped = 0x08
        case UInt8(ascii: "t"): escaped = 0x09
        case UInt8(ascii: "n"): escaped = 0x0A
        case UInt8(ascii: "f"): escaped = 0x0C
        case UInt8(ascii: "r"): escaped = 0x0D
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): escaped = bytes[index + 1]
        case UInt8(ascii: "u"):
            try append(scalarOf: 4, to: &text)
            return
        case UInt8(ascii: "U"):
            try append(scalarOf: 8, to: &text)
            return
        default:
            throw Diagnostic(
                .formatTOML, at: origin.position(line: line, column: column, length: 2),
                found: "a backslash that escapes nothing",
                expected:
                    "an escape of TOML: \\b \\t \\n \\f \\r \\\" \\\\, \\u and four or \\U and eight hexadecimal digits",
                remedy: "write \\\\ for a backslash, or use single quotation marks")
        }
        text.append(escaped)
        index += 2
    }

    @_lifetime(self: copy self)
    private mutating func append(scalarOf digitCount: Int, to text: inout [UInt8]) throws(Diagnostic) {
        var value: UInt32 = 0
        for place in index + 2..<index + 2 + digitCount {
            guard place < bytes.count, let digit = Self.hexadecimalDigit(bytes[place]) else {
                throw noScalar(digitCount)
            }
            value = value << 4 | digit
        }
        guard let scalar = Unicode.Scalar(value) else { throw noScalar(digitCount) }
        text += String(scalar).utf8
        index += 2 + digitCount
    }

    private func noScalar(_ digitCount: Int) -> Diagnostic {
        Diagnostic(
            .formatTOML, at: origin.position(line: line, column: column, length: 2),
            found: "an escape that is no character of Unicode",
            expected:
                "\(digitCount == 4 ? "\\u and four" : "\\U and eight") hexadecimal digits of a character, no half of a pair",
            remedy: "write the character itself")
    }

    private static func hexadecimalDigit(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A") + 10)
        default: nil
        }
    }
}
