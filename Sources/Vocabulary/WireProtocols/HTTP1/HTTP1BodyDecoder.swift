package import HTTPSemantics

/// Takes a body's bytes as they come and says what they are (RFC 9112 § 6, § 7). It copies none of them, and keeps none
/// save those of a trailer section that comes in parts.
package struct HTTP1BodyDecoder {
    package enum Event: Hashable, Sendable {
        /// Body bytes: this range of the input. Everything before its upper bound is used.
        case data(Range<Int>)
        /// So many bytes are used, all there were; more must come.
        case needsMore(Int)
        /// The body ended after so many bytes; the trailers are filled in.
        case end(Int)
    }

    private enum State: Hashable {
        /// Bytes of a length-delimited body, or of a chunk, still to come.
        case data(left: UInt64)
        case untilClose
        case chunkSize(value: UInt64, digits: UInt8)
        case chunkExtension(HTTP1ChunkExtension, size: UInt64)
        case chunkSizeLineFeed(size: UInt64)
        case chunkEnd
        case chunkEndLineFeed
        case trailers
        case ended
    }

    private var state: State
    private let isChunked: Bool
    /// Bytes of chunk extensions that may still come; bytes of the body make up for them.
    private var extensionBytesLeft = extensionByteLimit
    /// A trailer section that came in parts, as far as it has come.
    private var partialTrailers: [UInt8] = []

    /// 16 hexadecimal digits, of which the sign bit must not be one.
    private static let chunkSizeDigits: UInt8 = 16

    /// Bytes of chunk extensions that a body may have more than it has bytes of its own: 16 KiB.
    package static let extensionByteLimit = 16 * 1024

    /// A decoder of no body at all.
    package init() { self.init(.none) }

    package init(_ body: HTTP1Framing.Body) {
        switch body {
        case .none: state = .ended
        case .length(let count): state = count == 0 ? .ended : .data(left: count)
        case .chunked: state = .chunkSize(value: 0, digits: 0)
        case .untilClose: state = .untilClose
        }
        isChunked = body == .chunked
    }

    /// The body's last byte has been given out: `next` answers `.end(0)`, even for no bytes. To be asked after every
    /// `.data`, for no more bytes may come.
    package var isComplete: Bool { state == .ended }

    /// The body ends with its connection: nothing tells a whole one from one that was cut.
    package var endsWithConnection: Bool { state == .untilClose }

    /// Says what the next bytes are.
    /// - Parameters:
    ///   - bytes: What follows the bytes used so far. After `.needsMore` only bytes that came later.
    ///   - trailers: Emptied and filled at `.end`, without fields that a trailer section may not have.
    package mutating func next(
        _ bytes: Span<UInt8>, trailers: inout MessageHead, limits: HTTP1Limits
    ) throws(HTTP1Error) -> Event {
        var cursor = 0
        while true {
            if state == .ended {
                if cursor == 0 { trailers.removeAll() }
                return .end(cursor)
            }
            guard cursor < bytes.count else { return .needsMore(cursor) }
            switch state {
            case .data(let left):
                let step = Int(min(left, UInt64(bytes.count - cursor)))
                let rest = left - UInt64(step)
                state = rest > 0 ? .data(left: rest) : isChunked ? .chunkEnd : .ended
                if extensionBytesLeft < Self.extensionByteLimit {
                    extensionBytesLeft = min(extensionBytesLeft + step, Self.extensionByteLimit)
                }
                return .data(cursor..<(cursor + step))
            case .untilClose:
                return .data(cursor..<bytes.count)
            case .chunkSize(let value, let digits):
                state = try Self.afterSizeByte(bytes[cursor], value, digits)
                cursor += 1
            case .chunkExtension(let part, let size):
                state = try afterExtensionByte(bytes[cursor], part, size: size)
                cursor += 1
            case .chunkSizeLineFeed(let size):
                guard bytes[cursor] == UInt8(ascii: "\n") else { throw .invalidLineEnd }
                state = size == 0 ? .trailers : .data(left: size)
                cursor += 1
            case .chunkEnd:
                guard bytes[cursor] == UInt8(ascii: "\r") else { throw .invalidChunkEnd }
                state = .chunkEndLineFeed
                cursor += 1
            case .chunkEndLineFeed:
                guard bytes[cursor] == UInt8(ascii: "\n") else { throw .invalidChunkEnd }
                state = .chunkSize(value: 0, digits: 0)
                cursor += 1
            case .trailers:
                cursor = try readTrailers(bytes, cursor, &trailers, limits)
                if state == .ended { return .end(cursor) }
            case .ended:
                return .end(cursor)
            }
        }
    }

    private static func afterSizeByte(_ byte: UInt8, _ value: UInt64, _ digits: UInt8) throws(HTTP1Error) -> State {
        if let digit = ASCII.hexValue(byte) {
            guard digits < chunkSizeDigits, value < 1 << 59 else { throw .invalidChunkSize }
            return .chunkSize(value: value << 4 | UInt64(digit), digits: digits + 1)
        }
        guard digits > 0 else { throw .invalidChunkSize }
        switch byte {
        case UInt8(ascii: "\r"): return .chunkSizeLineFeed(size: value)
        case UInt8(ascii: "\n"): throw .invalidLineEnd
        default:
            guard let part = HTTP1ChunkExtension(byte) else { throw .invalidChunkSize }
            return .chunkExtension(part, size: value)
        }
    }

    private mutating func afterExtensionByte(
        _ byte: UInt8, _ part: HTTP1ChunkExtension, size: UInt64
    ) throws(HTTP1Error) -> State {
        if byte == UInt8(ascii: "\r"), part.mayEnd { return .chunkSizeLineFeed(size: size) }
        guard extensionBytesLeft > 0 else { throw .chunkExtensionsTooLarge }
        extensionBytesLeft -= 1
        var part = part
        guard part.take(byte) else { throw byte == UInt8(ascii: "\n") ? .invalidLineEnd : .chunkExtension }
        return .chunkExtension(part, size: size)
    }

    // MARK: Trailers

    /// - Returns: The offset after the bytes used: after the section, or all.
    private mutating func readTrailers(
        _ bytes: Span<UInt8>, _ start: Int, _ trailers: inout MessageHead, _ limits: HTTP1Limits
    ) throws(HTTP1Error) -> Int {
        let kept = partialTrailers.count
        if kept == 0, let end = try Self.parseTrailers(bytes.extracting(start...), &trailers, limits) {
            state = .ended
            return start + end
        }
        let end = min(bytes.count, start + limits.trailerByteCount - kept)
        // Byte by byte it would be read again with each: only once a line has ended can there be news.
        var hasLineEnd = false
        for index in start..<end {
            hasLineEnd = hasLineEnd || bytes[index] == UInt8(ascii: "\n")
            partialTrailers.append(bytes[index])
        }
        if kept > 0, hasLineEnd, let used = try Self.parseTrailers(partialTrailers.span, &trailers, limits) {
            partialTrailers = []
            state = .ended
            return start + used - kept
        }
        guard end == bytes.count else { throw .trailersTooLarge }
        return end
    }

    /// - Returns: The offset after the section; `nil` if it is not whole.
    private static func parseTrailers(
        _ bytes: Span<UInt8>, _ trailers: inout MessageHead, _ limits: HTTP1Limits
    ) throws(HTTP1Error) -> Int? {
        trailers.removeAll()
        guard let end = try HTTP1FieldLines.scan(bytes, from: 0, into: &trailers, fieldLimit: limits.fieldCount) else {
            guard bytes.count <= limits.trailerByteCount else { throw .trailersTooLarge }
            return nil
        }
        guard end <= limits.trailerByteCount else { throw .trailersTooLarge }
        guard trailers.fieldCount > 0 else { return end }
        trailers.fill(bytes.extracting(0..<end))
        TrailerFields.removeForbidden(&trailers)
        return end
    }
}
