import COpenSSL

/// The proof, in a WebSocket's opening handshake over HTTP/1.1, that both sides mean a WebSocket (RFC 6455 § 1.3). Each HTTP/1.1
/// hop has its own: HTTP/2 needs none (RFC 8441 § 5).
package struct WebSocketKey {
    /// `Sec-WebSocket-Key`: 24 bytes of Base64.
    package let value: [UInt8]

    /// What the other side answers with: `Sec-WebSocket-Accept`.
    package var accept: [UInt8] {
        let input = value + Self.suffix
        let digest = unsafe [UInt8](unsafeUninitializedCapacity: 20) { buffer, count in
            unsafe input.withUnsafeBufferPointer { bytes in
                _ = unsafe SHA1(bytes.baseAddress, bytes.count, buffer.baseAddress)
            }
            count = 20
        }
        return Base64.text(of: digest)
    }

    /// A new one.
    package static func random() -> WebSocketKey {
        var generator = SystemRandomNumberGenerator()
        return WebSocketKey(value: Base64.text(of: (0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) }))
    }

    /// As a caller sent it.
    /// - Returns: `nil` if it is no Base64 of 16 bytes.
    package init?(_ value: Span<UInt8>) {
        guard value.count == 24, value[22] == UInt8(ascii: "="), value[23] == UInt8(ascii: "=") else { return nil }
        var copy: [UInt8] = []
        for index in value.indices {
            switch value[index] {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
                guard index < 22 else { return nil }
            default: guard index >= 22 else { return nil }
            }
            copy.append(value[index])
        }
        self.value = copy
    }

    private init(value: [UInt8]) { self.value = value }

    private static let suffix = Array("258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8)
}
