/// A set of ASCII bytes, as two words: a test is two instructions and no memory.
public struct ByteClass {
    @usableFromInline let low: UInt64
    @usableFromInline let high: UInt64

    @inlinable @inline(__always)
    init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    @inlinable @inline(__always)
    public func contains(_ byte: UInt8) -> Bool {
        let word = byte & 0x40 == 0 ? low : high
        return byte < 0x80 && (word &>> UInt64(byte & 0x3F)) & 1 != 0
    }

    // Computed, so that the masks are immediate operands and no global is initialised on first use.

    /// `tchar` (RFC 9110 § 5.6.2): field names.
    @inlinable @inline(__always)
    public static var token: ByteClass { ByteClass(low: 0x03FF_6CFA_0000_0000, high: 0x57FF_FFFF_C7FF_FFFE) }
    /// `tchar` without lower-case letters: methods. They are case-sensitive, and no registered one has such a letter (RFC 9110
    /// § 9.1, § 16.1); what takes `delete` for DELETE would pass by every rule about DELETE.
    @inlinable @inline(__always)
    public static var method: ByteClass { ByteClass(low: 0x03FF_6CFA_0000_0000, high: 0x5000_0001_C7FF_FFFE) }
    /// `tchar` without upper-case letters: field names of HTTP/2 (RFC 9113 § 8.2.1).
    @inlinable @inline(__always)
    public static var lowercaseToken: ByteClass { ByteClass(low: 0x03FF_6CFA_0000_0000, high: 0x57FF_FFFF_C000_0000) }
    /// `unreserved` (RFC 3986 § 2.3): the bytes whose escape means the same as they do.
    @inlinable @inline(__always)
    public static var unreserved: ByteClass { ByteClass(low: 0x03FF_6000_0000_0000, high: 0x47FF_FFFE_87FF_FFFE) }
    /// `reg-name` (RFC 3986 § 3.2.2) without escapes, and without `,` and `;`, which split the lists that hosts are put into.
    @inlinable @inline(__always)
    public static var hostName: ByteClass { ByteClass(low: 0x23FF_6FD2_0000_0000, high: 0x47FF_FFFE_87FF_FFFE) }
    /// `pchar` and `/` (RFC 3986 § 3.3) without escapes.
    @inlinable @inline(__always)
    public static var path: ByteClass { ByteClass(low: 0x2FFF_FFD2_0000_0000, high: 0x47FF_FFFE_87FF_FFFF) }
}

/// ASCII as HTTP uses it.
public enum ASCII {
    @inlinable @inline(__always)
    public static func lowercased(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }

    @inlinable @inline(__always)
    public static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

    /// 0 to 15, `nil` if it is no hexadecimal digit.
    @inlinable @inline(__always)
    public static func hexValue(_ byte: UInt8) -> UInt8? {
        let digit = byte &- 0x30
        if digit < 10 { return digit }
        let letter = (byte | 0x20) &- 0x61
        return letter < 6 ? letter + 10 : nil
    }

    /// The upper-case digit of 0 to 15.
    @inlinable @inline(__always)
    public static func hexDigit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x37 + value }

    /// The lower-case digit of 0 to 15.
    @inlinable @inline(__always)
    public static func lowercaseHexDigit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }

    /// The same bytes, upper and lower case being one; `lowercase` is in lower case.
    public static func equal(_ bytes: Span<UInt8>, ignoringCaseOf lowercase: Span<UInt8>) -> Bool {
        guard bytes.count == lowercase.count else { return false }
        for index in bytes.indices where lowercased(bytes[index]) != lowercase[index] { return false }
        return true
    }

    public static func equal(_ bytes: Span<UInt8>, _ other: Span<UInt8>) -> Bool {
        guard bytes.count == other.count else { return false }
        var index = 0
        if bytes.count >= 8 {
            let last = bytes.count - 8
            while index < last {
                guard bytes.word(at: index) == other.word(at: index) else { return false }
                index += 8
            }
            return bytes.word(at: last) == other.word(at: last)
        }
        while index < bytes.count {
            guard bytes[index] == other[index] else { return false }
            index += 1
        }
        return true
    }
}
