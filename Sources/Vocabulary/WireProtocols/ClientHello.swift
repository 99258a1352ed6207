import HTTPSemantics

/// Reads the name that a TLS connection asks for, from its first message (RFC 8446 § 4.1.2, RFC 6066 § 3), and nothing else: the
/// connection is somebody else's to end.
package enum ClientHello {
    package enum Reading: Hashable, Sendable {
        /// Call again with the same bytes and more.
        case needsMore
        /// In lower case, without a trailing dot; `nil`: it asks for none.
        case serverName([UInt8]?)
        /// Not the beginning of TLS, or longer than anybody's is.
        case malformed
    }

    /// Bytes of a ClientHello, with its records' headers: 16 KiB and a bit.
    package static let byteLimit = 16 * 1024 + 512

    private static let recordHeaderByteCount = 5
    private static let handshakeRecord: UInt8 = 22
    private static let clientHelloMessage: UInt8 = 1
    private static let serverNameExtension = 0
    private static let hostNameType: UInt8 = 0

    /// - Parameter bytes: The connection's, from its first on.
    package static func read(_ bytes: Span<UInt8>) -> Reading {
        var message: [UInt8] = []
        var cursor = 0
        while true {
            // The message may come in several records.
            guard cursor + recordHeaderByteCount <= bytes.count else {
                return isPlausible(bytes, from: cursor) ? wait(bytes) : .malformed
            }
            guard isPlausible(bytes, from: cursor) else { return .malformed }
            let length = Int(bytes[cursor + 3]) << 8 | Int(bytes[cursor + 4])
            guard length > 0, length <= 16 * 1024 else { return .malformed }
            cursor += recordHeaderByteCount
            let end = min(cursor + length, bytes.count)
            message.append(copying: bytes.extracting(cursor..<end))
            if message.count >= 1, message[0] != clientHelloMessage { return .malformed }
            if message.count >= 4 {
                let count = Int(message[1]) << 16 | Int(message[2]) << 8 | Int(message[3])
                guard count + 4 <= byteLimit else { return .malformed }
                if message.count >= count + 4 {
                    return serverName(in: message.span.extracting(4..<(count + 4)))
                }
            }
            guard end == cursor + length else { return wait(bytes) }
            cursor = end
        }
    }

    private static func wait(_ bytes: Span<UInt8>) -> Reading { bytes.count < byteLimit ? .needsMore : .malformed }

    /// A record's header, or the beginning of one: handshake, version 3.x.
    private static func isPlausible(_ bytes: Span<UInt8>, from start: Int) -> Bool {
        if start < bytes.count, bytes[start] != handshakeRecord { return false }
        if start + 1 < bytes.count, bytes[start + 1] != 3 { return false }
        return true
    }

    private static func serverName(in hello: Span<UInt8>) -> Reading {
        var reader = Reader(position: 0, end: hello.count)
        // Version, random, session id, cipher suites, compression methods.
        guard reader.skip(2 + 32), let session = reader.length(1, hello), reader.skip(session),
            let suites = reader.length(2, hello), reader.skip(suites),
            let methods = reader.length(1, hello), reader.skip(methods)
        else { return .malformed }
        // TLS 1.2 without extensions.
        guard reader.position < reader.end else { return .serverName(nil) }
        guard let extensions = reader.length(2, hello), reader.position + extensions == reader.end else {
            return .malformed
        }
        while reader.position < reader.end {
            guard let type = reader.length(2, hello), let count = reader.length(2, hello) else { return .malformed }
            let start = reader.position
            guard reader.skip(count) else { return .malformed }
            guard type == serverNameExtension else { continue }
            guard let name = hostName(hello, start..<(start + count)) else { return .malformed }
            return .serverName(name)
        }
        return .serverName(nil)
    }

    private static func hostName(_ hello: Span<UInt8>, _ range: Range<Int>) -> [UInt8]? {
        var reader = Reader(position: range.lowerBound, end: range.upperBound)
        guard let list = reader.length(2, hello), reader.position + list == reader.end,
            let type = reader.length(1, hello), type == Int(hostNameType),
            let count = reader.length(2, hello), count > 0, count <= 255, reader.position + count == reader.end
        else { return nil }
        var name: [UInt8] = []
        for index in reader.position..<reader.end {
            switch hello[index] {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): name.append(hello[index] | 0x20)
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
                UInt8(ascii: "."), UInt8(ascii: "_"):
                name.append(hello[index])
            default: return nil
            }
        }
        if name.last == UInt8(ascii: ".") { name.removeLast() }
        return name.isEmpty ? nil : name
    }

    /// Steps through length-prefixed parts, never past its end.
    private struct Reader {
        var position: Int
        let end: Int

        mutating func skip(_ count: Int) -> Bool {
            guard position + count <= end else { return false }
            position += count
            return true
        }

        mutating func length(_ width: Int, _ bytes: Span<UInt8>) -> Int? {
            guard position + width <= end else { return nil }
            var value = 0
            for _ in 0..<width {
                value = value << 8 | Int(bytes[position])
                position += 1
            }
            return value
        }
    }
}
