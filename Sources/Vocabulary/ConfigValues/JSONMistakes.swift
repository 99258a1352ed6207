import Diagnostics

/// What is told of a text that is no JSON. The index is at what is wrong.
extension JSONReading {
    func unexpected(_ expected: String, remedy: String) -> Diagnostic {
        Diagnostic(
            .formatJSON, at: origin.position(line: line, column: column, length: index < bytes.count ? 1 : 0),
            found: foundHere, expected: expected, remedy: remedy)
    }

    var tooDeep: Diagnostic { origin.tooDeep(at: origin.position(line: line, column: column, length: 1), limits) }

    var noValue: Diagnostic {
        let word = wordHere
        switch next {
        case UInt8(ascii: "'"): return unexpected("a value", remedy: "write texts in double quotation marks")
        case UInt8(ascii: "/"), UInt8(ascii: "#"):
            return unexpected("a value", remedy: "remove the comment: JSON has none")
        case UInt8(ascii: "]"), UInt8(ascii: "}"):
            return unexpected("a value", remedy: "remove the comma before it, or add the value")
        case UInt8(ascii: ","): return unexpected("a value", remedy: "remove the comma, or add a value before it")
        case UInt8(ascii: "+"), UInt8(ascii: "."):
            return unexpected("a value", remedy: "begin a number with a digit, or with - and a digit")
        case _ where !word.isEmpty:
            let isConstant = ["true", "false", "null"].contains(word.lowercased())
            return Diagnostic(
                .formatJSON, at: origin.position(line: line, column: column, length: word.utf8.count),
                found: origin.shown(word, or: "a word without quotation marks"), expected: "a value",
                remedy: isConstant
                    ? "write it in lower case" : "put it in double quotation marks, which makes it a text")
        default: return unexpected("a value", remedy: "add a value, or remove what stands here")
        }
    }

    func noKey(isFirst: Bool) -> Diagnostic {
        switch next {
        case UInt8(ascii: "}") where !isFirst:
            unexpected("a key after the comma", remedy: "remove the comma before it, or add a key and its value")
        case UInt8(ascii: "/"), UInt8(ascii: "#"):
            unexpected("a key in double quotation marks", remedy: "remove the comment: JSON has none")
        case 0: unexpected("a key in double quotation marks, or \"}\"", remedy: "add what is missing")
        default:
            unexpected(
                "a key in double quotation marks",
                remedy: "put the key in double quotation marks, or add what is missing before it")
        }
    }

    /// - Parameter start: Of the number.
    func noNumber(_ expected: String, from start: Int) -> Diagnostic {
        let remedy =
            switch expected {
            case "a number without leading zeros":
                "remove the leading zeros, or put it in quotation marks, which makes it a text"
            case "the end of the number": "put it in quotation marks, which makes it a text"
            default: "add the digit, or put it in quotation marks, which makes it a text"
            }
        let length = index - start + 1
        return Diagnostic(
            .formatJSON, at: origin.position(line: line, column: column - (index - start), length: length),
            found: origin.isSecret
                ? "a number that is none"
                : index < bytes.count
                    ? "\(Diagnostic.quoted(text(start..<index))) and then \(foundHere)"
                    : "\(Diagnostic.quoted(text(start..<index))) and then the end of the text",
            expected: expected, remedy: remedy)
    }

    func controlCharacter(_ byte: UInt8) -> Diagnostic {
        let isBreak = byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
        let digits = String(byte, radix: 16)
        let escape =
            isBreak ? "\\n" : byte == 9 ? "\\t" : "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        return Diagnostic(
            .formatJSON, at: origin.position(line: line, column: column, length: 1),
            found: isBreak
                ? "the end of the line within a text"
                : byte == 9 ? "a tab within a text" : "a control character within a text",
            expected: "the text's closing quotation mark, or an escape",
            remedy: isBreak
                ? "close the text on its own line, or write \\n where it is to have a line break" : "write \(escape)")
    }

    var badEscape: Diagnostic {
        let isUnicode = index + 1 < bytes.count && bytes[index + 1] == UInt8(ascii: "u")
        return Diagnostic(
            .formatJSON, at: origin.position(line: line, column: column, length: isUnicode ? 6 : 2),
            found: isUnicode ? "\\u without four digits, or half of a pair alone" : "a backslash that escapes nothing",
            expected: "an escape of JSON: \\\" \\\\ \\/ \\b \\f \\n \\r \\t, or \\u and four hexadecimal digits",
            remedy: isUnicode ? "write the character itself" : "write \\\\ for a backslash")
    }

    var openString: Diagnostic {
        Diagnostic(
            .formatJSON, at: origin.position(line: line, column: column), found: "the end of the text",
            expected: "the closing quotation mark", remedy: "add the closing quotation mark")
    }

    private var foundHere: String {
        guard index < bytes.count else { return bytes.count == 0 ? "nothing" : "the end of the text" }
        if origin.isSecret { return "something else" }
        var end = index + 1
        while end < bytes.count, bytes[end] & 0xC0 == 0x80 { end += 1 }
        return Diagnostic.quoted(text(index..<end))
    }

    /// Letters, digits and underscores from here on, 40 at most.
    var wordHere: String {
        var end = index
        while end < bytes.count, end - index < 40, isWordByte(bytes[end]) { end += 1 }
        return text(index..<end)
    }

    func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}
