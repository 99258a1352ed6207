/// A date, a time, or both, with an offset or without one (TOML 1.0).
struct TOMLTime {
    /// In the form of RFC 3339: as it was written, but for a blank or a small `t` between date and time, and a small `z`.
    private(set) var text = ""

    private var rest: Substring.UTF8View

    /// - Returns: `nil`: it is none, or one that no calendar or clock has.
    init?(_ word: String) {
        rest = Substring(word).utf8
        let isTime = rest.dropFirst(2).first == UInt8(ascii: ":")
        if !isTime {
            guard readDate() else { return nil }
            guard let separator = rest.popFirst() else { return }
            guard [UInt8(ascii: "T"), UInt8(ascii: "t"), UInt8(ascii: " ")].contains(separator) else { return nil }
            text += "T"
        }
        guard readTime(), isTime || readOffset(), rest.isEmpty else { return nil }
    }

    private mutating func readDate() -> Bool {
        guard let year = number(4), skip("-"), let month = number(2), skip("-"), let day = number(2) else {
            return false
        }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return (1...12).contains(month) && (1...days[month - 1]).contains(day)
    }

    /// With leap seconds, as RFC 3339 has them.
    private mutating func readTime() -> Bool {
        guard let hour = number(2), skip(":"), let minute = number(2), skip(":"), let second = number(2),
            hour < 24, minute < 60, second <= 60
        else { return false }
        guard skip(".") else { return true }
        let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        text += String(Substring(digits))
        rest = rest[digits.endIndex...]
        return !digits.isEmpty
    }

    private mutating func readOffset() -> Bool {
        switch rest.first {
        case nil: return true
        case UInt8(ascii: "Z"), UInt8(ascii: "z"):
            rest.removeFirst()
            text += "Z"
            return true
        default:
            guard skip("+") || skip("-"), let hour = number(2), skip(":"), let minute = number(2) else { return false }
            return hour < 24 && minute < 60
        }
    }

    private mutating func number(_ digitCount: Int) -> Int? {
        let digits = rest.prefix(digitCount)
        guard digits.count == digitCount, digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else {
            return nil
        }
        rest = rest.dropFirst(digitCount)
        text += String(Substring(digits))
        return Int(String(Substring(digits)))
    }

    private mutating func skip(_ sign: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: sign) else { return false }
        rest.removeFirst()
        text.unicodeScalars.append(sign)
        return true
    }
}
