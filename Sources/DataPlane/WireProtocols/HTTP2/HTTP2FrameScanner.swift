/// Finds the frames in a peer's bytes ahead of nghttp2, which tells of some of them too late and of others not at all.
struct HTTP2FrameScanner {
    struct Header {
        /// Bytes after the header.
        var payloadByteCount: Int
        var type: UInt8
        var flags: UInt8
        var streamID: Int32

        /// What it may do depends on the state of its stream.
        var dependsOnState: Bool {
            type == FrameType.data || type == FrameType.headers || type == FrameType.settings
        }
    }

    /// Frame types (RFC 9113 § 6).
    enum FrameType {
        static let data: UInt8 = 0x0
        static let headers: UInt8 = 0x1
        static let priority: UInt8 = 0x2
        static let resetStream: UInt8 = 0x3
        static let settings: UInt8 = 0x4
        static let pushPromise: UInt8 = 0x5
        static let ping: UInt8 = 0x6
        static let goAway: UInt8 = 0x7
        static let continuation: UInt8 = 0x9
    }

    enum Flag {
        static let endStream: UInt8 = 0x1
        static let acknowledgement: UInt8 = 0x1
        static let endHeaders: UInt8 = 0x4
    }

    /// Bytes after a header at most: nobody is told of another SETTINGS_MAX_FRAME_SIZE (RFC 9113 § 6.5.2).
    static let payloadByteLimit = 16_384

    private static let headerByteCount = 9

    /// Bytes to leave out before the next header: the preface, or the rest of a payload.
    private var skipped: Int
    /// The bytes of a header that came in parts, so far; the first one highest.
    private var partial: (high: UInt64, low: UInt8) = (0, 0)
    private var partialCount = 0

    // What was begun has to be finished.
    /// Things begun so far: the preface, a header block with all of its frames, any other frame.
    private(set) var begunCount = 0
    /// A header block goes on with the next frame.
    private var isBlockOpen = false
    /// What is left out is a body's, and takes as long as it takes.
    private var isData = false
    private let hasPreface: Bool

    init(isServer: Bool) {
        hasPreface = isServer
        skipped = isServer ? HTTP2Preface.byteCount : 0
    }

    /// The first byte of something that has to be whole soon has come, and not its last: of anything but DATA.
    var isUnfinished: Bool {
        guard begunCount > 0 else { return false }
        return partialCount > 0 || isBlockOpen || (skipped > 0 && !isData)
    }

    /// The next header that is whole.
    /// - Parameter offset: Moved on to the byte after the header, or to the end if there is none.
    mutating func next(_ bytes: Span<UInt8>, _ offset: inout Int) -> Header? {
        let step = min(skipped, bytes.count - offset)
        if hasPreface, begunCount == 0, step > 0 { begunCount = 1 }
        offset += step
        skipped -= step
        guard skipped == 0 else { return nil }
        while offset < bytes.count {
            let byte = bytes[offset]
            offset += 1
            partialCount += 1
            if partialCount == 1, !isBlockOpen { begunCount &+= 1 }
            guard partialCount == Self.headerByteCount else {
                partial.high = partial.high << 8 | UInt64(byte)
                continue
            }
            partialCount = 0
            let header = Header(
                payloadByteCount: Int(truncatingIfNeeded: partial.high >> 40),
                type: UInt8(truncatingIfNeeded: partial.high >> 32),
                flags: UInt8(truncatingIfNeeded: partial.high >> 24),
                streamID: Int32(truncatingIfNeeded: (partial.high << 8 | UInt64(byte)) & 0x7FFF_FFFF))
            partial.high = 0
            skipped = header.payloadByteCount
            isData = header.type == FrameType.data
            isBlockOpen =
                header.flags & Flag.endHeaders == 0
                && (header.type == FrameType.headers || header.type == FrameType.continuation)
            return header
        }
        return nil
    }
}
