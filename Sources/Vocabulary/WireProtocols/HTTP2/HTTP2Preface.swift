import HTTPSemantics

/// What every HTTP/2 client says first (RFC 9113 § 3.4).
package enum HTTP2Preface {
    private static let text: StaticString = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    static var bytes: Span<UInt8> {
        @_lifetime(immortal) get { text.bytes }
    }
    static var byteCount: Int { text.utf8CodeUnitCount }
    /// Bytes that tell it from any HTTP/1.1 request: only `OPTIONS` asks for `*`.
    private static let tellingByteCount = 6

    /// - Returns: `false` also as long as there are too few bytes to tell.
    package static func begins(_ input: Span<UInt8>) -> Bool {
        let preface = text
        guard input.count >= tellingByteCount, input[0] == UInt8(ascii: "P") else { return false }
        let count = min(input.count, preface.bytes.count)
        for index in 0..<count where input[index] != preface.bytes[index] { return false }
        return true
    }
}
