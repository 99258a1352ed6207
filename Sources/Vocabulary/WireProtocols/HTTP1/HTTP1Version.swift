import HTTPSemantics

/// `HTTP-version` (RFC 9112 § 2.3).
enum HTTP1Version {
    static let byteCount = 8

    /// The minor version, 0 or 1; `nil` if it is not whole.
    static func minor(_ bytes: Span<UInt8>, _ start: Int) throws(HTTP1Error) -> UInt8? {
        let name = ("HTTP/" as StaticString).bytes
        guard start + byteCount <= bytes.count else {
            for index in 0..<min(name.count, bytes.count - start) where bytes[start + index] != name[index] {
                throw .invalidRequestLine
            }
            return nil
        }
        switch bytes.word(at: start) {
        case 0x312E_312F_5054_5448: return 1  // "HTTP/1.1", the first byte lowest
        case 0x302E_312F_5054_5448: return 0  // "HTTP/1.0"
        default:
            guard ASCII.equal(bytes.extracting(start..<(start + name.count)), name), ASCII.isDigit(bytes[start + 5]),
                bytes[start + 6] == UInt8(ascii: "."), ASCII.isDigit(bytes[start + 7])
            else { throw .invalidRequestLine }
            throw .unsupportedVersion
        }
    }
}
