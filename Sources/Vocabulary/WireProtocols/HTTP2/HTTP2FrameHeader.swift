import HTTPSemantics

/// What stands before a frame's payload (RFC 9113 § 4.1).
struct HTTP2FrameHeader {
    static let byteCount = 9
    /// Bytes of a payload at most: nobody is told of another SETTINGS_MAX_FRAME_SIZE (§ 6.5.2), and nobody needs to be sent
    /// more.
    static let payloadByteLimit = 16_384

    /// Frame types (§ 6).
    enum FrameType {
        static let data: UInt8 = 0x0
        static let headers: UInt8 = 0x1
        static let priority: UInt8 = 0x2
        static let resetStream: UInt8 = 0x3
        static let settings: UInt8 = 0x4
        static let pushPromise: UInt8 = 0x5
        static let ping: UInt8 = 0x6
        static let goAway: UInt8 = 0x7
        static let windowUpdate: UInt8 = 0x8
        static let continuation: UInt8 = 0x9
    }

    enum Flag {
        static let endStream: UInt8 = 0x1
        static let acknowledgement: UInt8 = 0x1
        static let endHeaders: UInt8 = 0x4
        static let padded: UInt8 = 0x8
        static let priority: UInt8 = 0x20
    }

    var payloadByteCount = 0
    var type: UInt8 = 0
    var flags: UInt8 = 0
    /// 0: the connection.
    var streamID: Int32 = 0

    var endsStream: Bool { flags & Flag.endStream != 0 }
    var isAcknowledgement: Bool { flags & Flag.acknowledgement != 0 }
    var endsHeaders: Bool { flags & Flag.endHeaders != 0 }
    var isPadded: Bool { flags & Flag.padded != 0 }
    var hasPriority: Bool { flags & Flag.priority != 0 }

    init(payloadByteCount: Int, type: UInt8, flags: UInt8 = 0, streamID: Int32 = 0) {
        self.payloadByteCount = payloadByteCount
        self.type = type
        self.flags = flags
        self.streamID = streamID
    }

    /// - Parameters: the nine bytes, the first one highest. The highest bit of a stream's number means nothing.
    init(high: UInt64, low: UInt8) {
        payloadByteCount = Int(truncatingIfNeeded: high >> 40)
        type = UInt8(truncatingIfNeeded: high >> 32)
        flags = UInt8(truncatingIfNeeded: high >> 24)
        streamID = Int32(truncatingIfNeeded: (high << 8 | UInt64(low)) & 0x7FFF_FFFF)
    }

    /// The header at an offset; nine bytes are there.
    @inline(__always)
    init(_ bytes: Span<UInt8>, at offset: Int) {
        self.init(high: bytes.word(at: offset).byteSwapped, low: bytes[offset + 8])
    }

    /// As it is written.
    @inline(__always)
    var bytes: InlineArray<9, UInt8> {
        let id = UInt32(bitPattern: streamID)
        return [
            UInt8(truncatingIfNeeded: payloadByteCount >> 16), UInt8(truncatingIfNeeded: payloadByteCount >> 8),
            UInt8(truncatingIfNeeded: payloadByteCount), type, flags, UInt8(truncatingIfNeeded: id >> 24),
            UInt8(truncatingIfNeeded: id >> 16), UInt8(truncatingIfNeeded: id >> 8), UInt8(truncatingIfNeeded: id),
        ]
    }
}
