import HTTPSemantics

/// Reads what may stand between a chunk's size and its CRLF (RFC 9112 § 7.1.1), byte by byte. Nothing of it is kept, for nobody
/// here knows any; what is not written as the RFC has it is refused, for two could read its end differently.
struct HTTP1ChunkExtension: Hashable {
    private enum Part: Hashable {
        /// White space, which only `;` may follow.
        case beforeSemicolon
        case beforeName
        case name
        /// White space, which only `=` or `;` may follow.
        case afterName
        case beforeValue
        case token
        case quoted
        case escaped
        /// The quote that ends a value.
        case afterQuote
    }

    private var part: Part

    /// - Parameter byte: What stands after the size.
    /// - Returns: `nil` if no extension begins with it.
    init?(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: ";"): part = .beforeName
        case UInt8(ascii: " "), UInt8(ascii: "\t"): part = .beforeSemicolon
        default: return nil
        }
    }

    /// CR may come next.
    var mayEnd: Bool {
        switch part {
        case .name, .token, .afterQuote: true
        case .beforeSemicolon, .beforeName, .afterName, .beforeValue, .quoted, .escaped: false
        }
    }

    /// - Returns: `false` if the byte may not stand there.
    mutating func take(_ byte: UInt8) -> Bool {
        guard let next = next(byte) else { return false }
        part = next
        return true
    }

    private func next(_ byte: UInt8) -> Part? {
        let isSpace = byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
        switch part {
        case .beforeSemicolon: return isSpace ? .beforeSemicolon : byte == UInt8(ascii: ";") ? .beforeName : nil
        case .beforeName: return isSpace ? .beforeName : Self.isToken(byte) ? .name : nil
        case .name: return Self.isToken(byte) ? .name : isSpace ? .afterName : Self.afterName(byte)
        case .afterName: return isSpace ? .afterName : Self.afterName(byte)
        case .beforeValue:
            if isSpace { return .beforeValue }
            return byte == UInt8(ascii: "\"") ? .quoted : Self.isToken(byte) ? .token : nil
        case .token:
            if Self.isToken(byte) { return .token }
            return isSpace ? .beforeSemicolon : byte == UInt8(ascii: ";") ? .beforeName : nil
        case .quoted:
            switch byte {
            case UInt8(ascii: "\""): return .afterQuote
            case UInt8(ascii: "\\"): return .escaped
            default: return Self.isText(byte) ? .quoted : nil
            }
        case .escaped: return Self.isText(byte) ? .quoted : nil
        case .afterQuote: return isSpace ? .beforeSemicolon : byte == UInt8(ascii: ";") ? .beforeName : nil
        }
    }

    private static func afterName(_ byte: UInt8) -> Part? {
        byte == UInt8(ascii: "=") ? .beforeValue : byte == UInt8(ascii: ";") ? .beforeName : nil
    }

    private static func isToken(_ byte: UInt8) -> Bool { ByteClass.token.contains(byte) }

    /// HTAB, SP, what is printed, and obs-text (RFC 9110 § 5.6.4).
    private static func isText(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "\t") || (byte >= 0x20 && byte != 0x7F) }
}
