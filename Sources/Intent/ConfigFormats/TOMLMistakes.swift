import ConfigValues
import Diagnostics

/// What is told of a text that is no TOML. The index is at what is wrong.
extension TOMLReading {
    func unexpected(_ expected: String, remedy: String) -> Diagnostic {
        Diagnostic(
            .formatTOML, at: origin.position(line: line, column: column, length: index < bytes.count ? 1 : 0),
            found: foundHere, expected: expected, remedy: remedy)
    }

    func noKey(_ expected: String) -> Diagnostic {
        let isEmpty = next == UInt8(ascii: "=") || next == UInt8(ascii: "]") || next == UInt8(ascii: ".")
        return unexpected(
            expected,
            remedy: isEmpty
                ? "write the key; an empty one is \"\""
                : "put the key in quotation marks, or add what is missing before it")
    }

    var tooDeep: Diagnostic { origin.tooDeep(at: origin.position(line: line, column: column, length: 1), limits) }

    var noValue: Diagnostic {
        switch next {
        case UInt8(ascii: ","): unexpected("a value", remedy: "remove the comma, or add a value before it")
        case UInt8(ascii: "#"), UInt8(ascii: "\n"), UInt8(ascii: "\r"), 0:
            unexpected("a value", remedy: "add the value; an empty text is \"\"")
        default: unexpected("a value", remedy: "add the value; texts stand in quotation marks")
        }
    }

    /// - Parameter word: What stands where a value is to be.
    func noScalar(_ word: String, at position: SourcePosition) -> Diagnostic {
        let shape = word.utf8.first.map { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ?? false
        let expected =
            if shape, word.contains(":") || word.split(separator: "-", omittingEmptySubsequences: false).count == 3 {
                "a date, a time or both, such as 2024-01-31T07:32:00Z, that a calendar and a clock have"
            } else if shape || word.hasPrefix("+") || word.hasPrefix("-") {
                "a number of TOML, without leading zeros, and with digits on both sides of a point or underscore"
            } else {
                "a value: true, false, a number, a time, or a text in quotation marks"
            }
        return Diagnostic(
            .formatTOML, at: position, found: origin.shown(word, or: "another word"), expected: expected,
            remedy: "put it in quotation marks, which makes it a text")
    }

    var controlCharacter: Diagnostic {
        let digits = String(next, radix: 16, uppercase: true)
        return Diagnostic(
            .formatTOML, at: origin.position(line: line, column: column, length: 1),
            found: origin.isSecret
                ? "a control character" : "the character U+" + String(repeating: "0", count: 4 - digits.count) + digits,
            expected: "no control characters but tabs",
            remedy:
                "remove it, or write it as an escape between double quotation marks: \\u and four hexadecimal digits")
    }

    var openString: Diagnostic {
        Diagnostic(
            .formatTOML, at: origin.position(line: line, column: column), found: "the end of the text",
            expected: "the closing quotation mark", remedy: "add the closing quotation mark")
    }

    func diagnostic(of clash: TOMLTables.Clash) -> Diagnostic {
        switch clash.reason {
        case .again: return origin.duplicateKey(clash.part.key, at: clash.part.position, first: clash.first)
        case .closed:
            return Diagnostic(
                .formatDuplicateKey, at: clash.part.position,
                found: "a key below \(Diagnostic.quoted(clash.part.key)), which has its value already",
                expected: "each value to be whole where it stands",
                remedy:
                    "write it into the value on line \(clash.first.line), column \(clash.first.column), or remove one of the two"
            )
        }
    }

    private var foundHere: String {
        guard index < bytes.count else { return "the end of the text" }
        if next == UInt8(ascii: "\n")
            || next == UInt8(ascii: "\r") && index + 1 < bytes.count && bytes[index + 1] == UInt8(ascii: "\n")
        {
            return "the end of the line"
        }
        if origin.isSecret { return "something else" }
        var end = index + 1
        while end < bytes.count, bytes[end] & 0xC0 == 0x80 { end += 1 }
        return Diagnostic.quoted(text(index..<end))
    }
}
