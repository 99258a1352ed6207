import Diagnostics

extension JSONReading {
    // MARK: Strings

    /// - Precondition: A quotation mark is next.
    @_lifetime(self: copy self)
    mutating func string() throws(Diagnostic) -> String {
        let start = index + 1
        index = start
        while index < bytes.count {
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: "\""):
                let text = text(start..<index)
                index += 1
                return text
            case UInt8(ascii: "\\"): return try escapedString(from: start)
            case 0..<0x20: throw controlCharacter(byte)
            case 0x80..<0xC0: lineStart += 1
            default: break
            }
            index += 1
        }
        throw openString
    }

    /// SAFETY: The bytes were found to be UTF-8, and no range begins or ends within a character.
    func text(_ range: Range<Int>) -> String {
        unsafe String(copying: UTF8Span(unchecked: bytes.extracting(range)))
    }

    /// - Parameter start: Where the string began; the index is at its first backslash.
    @_lifetime(self: copy self)
    private mutating func escapedString(from start: Int) throws(Diagnostic) -> String {
        var text: [UInt8] = []
        for place in start..<index { text.append(bytes[place]) }
        while index < bytes.count {
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: "\""):
                index += 1
                return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"):
                try appendEscape(to: &text)
                continue
            case 0..<0x20: throw controlCharacter(byte)
            case 0x80..<0xC0: lineStart += 1
            default: break
            }
            text.append(byte)
            index += 1
        }
        throw openString
    }

    @_lifetime(self: copy self)
    private mutating func appendEscape(to text: inout [UInt8]) throws(Diagnostic) {
        guard index + 1 < bytes.count else { throw openString }
        let escaped: UInt8
        switch bytes[index + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): escaped = bytes[index + 1]
        case UInt8(ascii: "b"): escaped = 0x08
        case UInt8(ascii: "f"): escaped = 0x0C
        case UInt8(ascii: "n"): escaped = 0x0A
        case UInt8(ascii: "r"): escaped = 0x0D
        case UInt8(ascii: "t"): escaped = 0x09
        case UInt8(ascii: "u"):
            guard let escape = unicodeEscape else { throw badEscape }
            text += String(escape.scalar).utf8
            index += escape.byteCount
            return
        default: throw badEscape
        }
        text.append(escaped)
        index += 2
    }

    /// One character, though it be of two halves (RFC 8259 § 7). A half alone is none.
    private var unicodeEscape: (scalar: Unicode.Scalar, byteCount: Int)? {
        guard let first = codeUnit(at: index) else { return nil }
        if let scalar = Unicode.Scalar(first) { return (scalar, 6) }
        guard first < 0xDC00, let second = codeUnit(at: index + 6), (0xDC00...0xDFFF).contains(second) else {
            return nil
        }
        return Unicode.Scalar(0x10000 + (UInt32(first - 0xD800) << 10 | UInt32(second - 0xDC00))).map { ($0, 12) }
    }

    private func codeUnit(at place: Int) -> UInt16? {
        guard place + 6 <= bytes.count, bytes[place] == UInt8(ascii: "\\"), bytes[place + 1] == UInt8(ascii: "u") else {
            return nil
        }
        var unit: UInt16 = 0
        for digit in place + 2..<place + 6 {
            let value: UInt8
            switch bytes[digit] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = bytes[digit] - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = bytes[digit] - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): value = bytes[digit] - UInt8(ascii: "A") + 10
            default: return nil
            }
            unit = unit << 4 | UInt16(value)
        }
        return unit
    }

    // MARK: Numbers

    /// One that cannot be held is noted, and 0 stands for it until the text is refused for it.
    /// - Precondition: A digit or `-` is next.
    @_lifetime(self: copy self)
    mutating func number() throws(Diagnostic) -> ConfigNumber {
        let start = index
        let isNegative = next == UInt8(ascii: "-")
        if isNegative { index += 1 }
        let firstDigit = index
        var whole: Int64? = 0
        while isDigit(next) {
            // Below zero, where there is one more of them.
            whole = whole.flatMap { negatedTenfold($0, minus: next - UInt8(ascii: "0")) }
            index += 1
        }
        guard index > firstDigit else { throw noNumber("a digit", from: start) }
        guard index == firstDigit + 1 || bytes[firstDigit] != UInt8(ascii: "0") else {
            index = firstDigit
            throw noNumber("a number without leading zeros", from: start)
        }
        var isWhole = true
        if next == UInt8(ascii: ".") {
            isWhole = false
            index += 1
            guard skipDigits() else { throw noNumber("a digit after the point", from: start) }
        }
        if next | 0x20 == UInt8(ascii: "e") {
            isWhole = false
            index += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { index += 1 }
            guard skipDigits() else { throw noNumber("a digit of the exponent", from: start) }
        }
        guard !isWordByte(next) else { throw noNumber("the end of the number", from: start) }
        if isWhole {
            if let whole, isNegative || whole > .min { return .integer(isNegative ? whole : -whole) }
        } else if let value = Double(text(start..<index)), value.isFinite {
            return ConfigNumber(value)
        }
        let position = origin.position(line: line, column: column - (index - start), length: index - start)
        note(origin.unfitNumber(text(start..<index), at: position))
        return .integer(0)
    }

    private func negatedTenfold(_ value: Int64, minus digit: UInt8) -> Int64? {
        let (tenfold, overflow) = value.multipliedReportingOverflow(by: 10)
        let (result, underflow) = tenfold.subtractingReportingOverflow(Int64(digit))
        return overflow || underflow ? nil : result
    }

    private func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    @_lifetime(self: copy self)
    private mutating func skipDigits() -> Bool {
        let start = index
        while isDigit(next) { index += 1 }
        return index > start
    }
}
