/// One frame as bytes (RFC 9113 § 4.1), right or wrong.
package struct HTTP2Frame: Equatable, Sendable {
    package enum Kind: UInt8 {
        case data, headers, priority, resetStream, settings, pushPromise, ping, goAway, windowUpdate, continuation
    }

    package static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
    package static let endStream: UInt8 = 0x1
    package static let acknowledgement: UInt8 = 0x1
    package static let endHeaders: UInt8 = 0x4
    package static let padded: UInt8 = 0x8
    package static let priority: UInt8 = 0x20

    package var type: UInt8
    package var flags: UInt8
    package var id: UInt32
    package var payload: [UInt8]

    package init(type: UInt8, flags: UInt8 = 0, id: UInt32 = 0, payload: [UInt8] = []) {
        self.type = type
        self.flags = flags
        self.id = id
        self.payload = payload
    }

    package init(_ kind: Kind, flags: UInt8 = 0, id: UInt32 = 0, _ payload: [UInt8] = []) {
        self.init(type: kind.rawValue, flags: flags, id: id, payload: payload)
    }

    package var kind: Kind? { Kind(rawValue: type) }
    package var endsStream: Bool { flags & Self.endStream != 0 && (kind == .data || kind == .headers) }

    /// The code of RST_STREAM or GOAWAY.
    package var code: UInt32? {
        switch kind {
        case .resetStream where payload.count == 4: Self.number(payload[0..<4])
        case .goAway where payload.count >= 8: Self.number(payload[4..<8])
        default: nil
        }
    }

    package var bytes: [UInt8] {
        let count = payload.count
        let header =
            [
                UInt8(truncatingIfNeeded: count >> 16), UInt8(truncatingIfNeeded: count >> 8),
                UInt8(truncatingIfNeeded: count),
            ]
            + [type, flags] + Self.bytes(id)
        return header + payload
    }

    /// The frames of some bytes; what is no whole one is left out.
    package static func parse(_ bytes: [UInt8]) -> [HTTP2Frame] {
        var frames: [HTTP2Frame] = []
        var rest = bytes[...]
        if rest.starts(with: preface) { rest = rest.dropFirst(preface.count) }
        while rest.count >= 9 {
            let start = rest.startIndex
            let count = Int(number(rest[start..<(start + 3)]))
            guard rest.count >= 9 + count else { break }
            frames.append(
                HTTP2Frame(
                    type: rest[start + 3], flags: rest[start + 4], id: number(rest[(start + 5)..<(start + 9)]),
                    payload: Array(rest[(start + 9)..<(start + 9 + count)])))
            rest = rest.dropFirst(9 + count)
        }
        return frames
    }

    package static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 { bytes.reduce(0) { $0 << 8 | UInt32($1) } }

    package static func bytes(_ number: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> UInt32($0)) }
    }

    // MARK: Frames that are often wanted

    package static func settings(_ entries: [(UInt16, UInt32)] = []) -> HTTP2Frame {
        HTTP2Frame(
            .settings,
            entries.flatMap { [UInt8(truncatingIfNeeded: $0.0 >> 8), UInt8(truncatingIfNeeded: $0.0)] + bytes($0.1) })
    }

    package static func headers(
        _ id: UInt32, _ fields: [(String, String)], endsStream: Bool = true
    ) -> HTTP2Frame {
        HTTP2Frame(.headers, flags: endHeaders | (endsStream ? endStream : 0), id: id, HPACK.literals(fields))
    }

    package static func data(_ id: UInt32, _ text: String, endsStream: Bool = false) -> HTTP2Frame {
        HTTP2Frame(.data, flags: endsStream ? endStream : 0, id: id, Array(text.utf8))
    }

    package static func reset(_ id: UInt32, _ code: UInt32) -> HTTP2Frame {
        HTTP2Frame(.resetStream, id: id, bytes(code))
    }

    package static func windowUpdate(_ id: UInt32, _ increment: UInt32) -> HTTP2Frame {
        HTTP2Frame(.windowUpdate, id: id, bytes(increment))
    }
}

/// Header blocks written in the plainest way (RFC 7541).
package enum HPACK {
    /// An integer with a prefix (§ 5.1).
    package static func integer(_ value: Int, prefix: Int, _ high: UInt8) -> [UInt8] {
        let limit = 1 << prefix - 1
        guard value >= limit else { return [high | UInt8(value)] }
        var bytes = [high | UInt8(limit)]
        var rest = value - limit
        while rest >= 128 {
            bytes.append(UInt8(rest & 127 | 128))
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    package static func string(_ bytes: [UInt8]) -> [UInt8] { integer(bytes.count, prefix: 7, 0) + bytes }

    /// A literal without indexing, its name a literal too (§ 6.2.2).
    package static func literal(_ name: [UInt8], _ value: [UInt8]) -> [UInt8] { [0] + string(name) + string(value) }

    /// Text is one byte a character.
    package static func literals(_ fields: [(String, String)]) -> [UInt8] {
        fields.flatMap { literal(latin1($0.0), latin1($0.1)) }
    }

    private static func latin1(_ text: String) -> [UInt8] {
        text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
    }
}
