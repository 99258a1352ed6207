/// Finds the frames in a peer's bytes, in pieces of any size.
struct HTTP2FrameReader {
    enum Part {
        /// What came is no client of HTTP/2 (RFC 9113 § 3.4).
        case badPreface
        /// A frame begins: `header` tells what it is.
        case header
        /// Bytes of the payload under way; also an empty one's. The frame ends with the last.
        case payload(Range<Int>, isLast: Bool)
    }

    /// Of the frame under way.
    private(set) var header = HTTP2FrameHeader(payloadByteCount: 0, type: 0)
    private var payloadLeft = 0
    private var isInPayload = false
    private var prefaceLeft: Int
    /// The bytes of a header that came in parts, so far; the first one highest.
    private var partial: UInt64 = 0
    private var partialCount = 0

    // What was begun has to be finished.
    /// Things begun so far: the preface, a header block with all of its frames, any other frame.
    private(set) var begunCount = 0
    /// A header block goes on with the next frame.
    private(set) var isBlockOpen = false

    init(isServer: Bool) {
        prefaceLeft = isServer ? HTTP2Preface.byteCount : 0
    }

    /// The first byte of something that has to be whole soon has come, and not its last: of anything but DATA.
    var isUnfinished: Bool {
        guard begunCount > 0 else { return false }
        return partialCount > 0 || isBlockOpen || prefaceLeft > 0
            || (isInPayload && header.type != HTTP2FrameHeader.FrameType.data)
    }

    /// The next part; `nil`: there is none until more bytes come.
    /// - Parameter offset: Moved on behind it.
    @inline(__always)
    mutating func next(_ bytes: Span<UInt8>, _ offset: inout Int) -> Part? {
        if isInPayload { return payload(bytes, &offset) }
        if prefaceLeft > 0, !takePreface(bytes, &offset) { return .badPreface }
        guard offset < bytes.count else { return nil }
        if partialCount == 0, !isBlockOpen { begunCount &+= 1 }
        if partialCount == 0, bytes.count - offset >= HTTP2FrameHeader.byteCount {
            header = HTTP2FrameHeader(bytes, at: offset)
            offset += HTTP2FrameHeader.byteCount
        } else {
            guard takeHeader(bytes, &offset) else { return nil }
        }
        payloadLeft = header.payloadByteCount
        isInPayload = true
        if header.type == HTTP2FrameHeader.FrameType.headers || header.type == HTTP2FrameHeader.FrameType.continuation {
            isBlockOpen = !header.endsHeaders
        }
        return .header
    }

    @inline(__always)
    private mutating func payload(_ bytes: Span<UInt8>, _ offset: inout Int) -> Part? {
        let step = min(payloadLeft, bytes.count - offset)
        guard step > 0 || payloadLeft == 0 else { return nil }
        let start = offset
        offset += step
        payloadLeft -= step
        isInPayload = payloadLeft > 0
        return .payload(start..<offset, isLast: !isInPayload)
    }

    /// - Returns: `false` if a byte is not the preface's.
    private mutating func takePreface(_ bytes: Span<UInt8>, _ offset: inout Int) -> Bool {
        if offset < bytes.count, begunCount == 0 { begunCount = 1 }
        while prefaceLeft > 0, offset < bytes.count {
            guard bytes[offset] == HTTP2Preface.bytes[HTTP2Preface.byteCount - prefaceLeft] else { return false }
            offset += 1
            prefaceLeft -= 1
        }
        return true
    }

    /// - Returns: `false` if it is not whole yet.
    private mutating func takeHeader(_ bytes: Span<UInt8>, _ offset: inout Int) -> Bool {
        while offset < bytes.count {
            let byte = bytes[offset]
            offset += 1
            partialCount += 1
            guard partialCount == HTTP2FrameHeader.byteCount else {
                partial = partial << 8 | UInt64(byte)
                continue
            }
            header = HTTP2FrameHeader(high: partial, low: byte)
            partialCount = 0
            partial = 0
            return true
        }
        return false
    }
}
