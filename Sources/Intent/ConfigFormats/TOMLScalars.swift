import ConfigValues
import Diagnostics

extension TOMLReading {
    /// A number, a truth value, a date or a time. A number that no config holds is noted, and null stands for it until the text is
    /// refused for it.
    @_lifetime(self: copy self)
    mutating func scalar() throws(Diagnostic) -> ConfigValue.Content {
        let (start, column) = (index, column)
        skipWord()
        guard index > start else { throw noValue }
        let word = text(start..<index)
        switch word {
        case "true": return .boolean(true)
        case "false": return .boolean(false)
        default: break
        }
        if let time = TOMLTime(word) { return .string(time.text) }
        let position = origin.position(line: line, column: column, length: index - start)
        switch TOMLNumber(word) {
        case .number(let number)?: return .number(number)
        case .unfit?:
            note(origin.unfitNumber(word, at: position))
            return .null
        case nil: throw noScalar(word, at: position)
        }
    }

    /// What numbers, words and times are made of; between a date and a time a blank may stand.
    @_lifetime(self: copy self)
    private mutating func skipWord() {
        let start = index
        while isWordPart(next) { index += 1 }
        let isDate =
            index == start + 10 && bytes[start + 4] == UInt8(ascii: "-") && bytes[start + 7] == UInt8(ascii: "-")
        guard isDate, next == UInt8(ascii: " "), index + 3 < bytes.count, bytes[index + 3] == UInt8(ascii: ":") else {
            return
        }
        index += 1
        while isWordPart(next) { index += 1 }
    }

    private func isWordPart(_ byte: UInt8) -> Bool {
        isBare(byte) || byte == UInt8(ascii: "+") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: ":")
    }
}

/// A number as TOML writes it.
enum TOMLNumber {
    case number(ConfigNumber)
    /// Beyond 64 bits, `nan` or `inf`.
    case unfit

    /// - Returns: `nil`: it is none.
    init?(_ word: String) {
        let hasSign = word.hasPrefix("-") || word.hasPrefix("+")
        let rest = word.utf8.dropFirst(hasSign ? 1 : 0)
        if rest.elementsEqual("nan".utf8) || rest.elementsEqual("inf".utf8) {
            self = .unfit
            return
        }
        if !hasSign, rest.first == UInt8(ascii: "0"), let kind = rest.dropFirst().first, let radix = Self.radix(kind) {
            guard let digits = Self.digits(rest.dropFirst(2), radix: radix) else { return nil }
            self = Int64(digits, radix: radix).map { .number(.integer($0)) } ?? .unfit
            return
        }
        let whole = rest.prefix { $0 != UInt8(ascii: ".") && $0 | 0x20 != UInt8(ascii: "e") }
        guard let digits = Self.digits(whole, radix: 10),
            digits.utf8.count == 1 || digits.utf8.first != UInt8(ascii: "0")
        else {
            return nil
        }
        let sign = word.hasPrefix("-") ? "-" : ""
        if whole.endIndex == rest.endIndex {
            self = Int64(sign + digits).map { .number(.integer($0)) } ?? .unfit
            return
        }
        guard let fraction = Self.fraction(rest[whole.endIndex...]), let value = Double(sign + digits + fraction) else {
            return nil
        }
        self = value.isFinite ? .number(ConfigNumber(value)) : .unfit
    }

    private static func radix(_ kind: UInt8) -> Int? {
        switch kind {
        case UInt8(ascii: "x"): 16
        case UInt8(ascii: "o"): 8
        case UInt8(ascii: "b"): 2
        default: nil
        }
    }

    /// Without their underscores, each of which stands between two of them.
    private static func digits(_ text: Substring.UTF8View, radix: Int) -> String? {
        var digits = ""
        var isAfterDigit = false
        for byte in text {
            if byte == UInt8(ascii: "_") {
                guard isAfterDigit else { return nil }
                isAfterDigit = false
            } else {
                let scalar = Unicode.Scalar(byte)
                guard Character(scalar).isASCII, Character(scalar).hexDigitValue.map({ $0 < radix }) == true else {
                    return nil
                }
                digits.unicodeScalars.append(scalar)
                isAfterDigit = true
            }
        }
        return isAfterDigit ? digits : nil
    }

    /// `.5`, `e10`, `.5e-10`
    private static func fraction(_ text: Substring.UTF8View) -> String? {
        let exponentStart = text.firstIndex { $0 | 0x20 == UInt8(ascii: "e") } ?? text.endIndex
        var result = ""
        if text.first == UInt8(ascii: ".") {
            guard let digits = digits(text[..<exponentStart].dropFirst(), radix: 10) else { return nil }
            result = "." + digits
        } else if exponentStart != text.startIndex {
            return nil
        }
        guard exponentStart != text.endIndex else { return result }
        var exponent = text[exponentStart...].dropFirst()
        result += "e"
        if let sign = exponent.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") {
            result.unicodeScalars.append(Unicode.Scalar(sign))
            exponent = exponent.dropFirst()
        }
        guard let digits = digits(exponent, radix: 10) else { return nil }
        return result + digits
    }
}
