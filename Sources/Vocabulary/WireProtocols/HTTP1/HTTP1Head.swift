import HTTPSemantics

/// What the heads of requests and responses have in common (RFC 9112 § 2).
enum HTTP1Head {
    /// Reads the field lines and takes the head over once it is whole.
    /// - Parameters:
    ///   - start: The end of the start line; `nil` if that has not come.
    ///   - head: Empty; filled with fields if the result is not `nil`.
    ///   - isStartLineLimited: A start line that has not come may be no longer than a target may be.
    /// - Returns: The end of the head; `nil` if it is not whole.
    static func read(
        _ bytes: Span<UInt8>, from start: Int?, into head: inout MessageHead, limits: HTTP1Limits,
        scan: inout HTTP1ScanState, isStartLineLimited: Bool
    ) throws(HTTP1Error) -> Int? {
        guard let start,
            let end = try HTTP1FieldLines.scan(bytes, from: start, into: &head, fieldLimit: limits.fieldCount)
        else {
            try scan.wait(bytes, limits: limits, isStartLineWhole: start != nil || !isStartLineLimited)
            return nil
        }
        guard end <= limits.headByteCount else { throw .headTooLarge }
        head.fill(bytes.extracting(0..<end))
        return end
    }

    /// The offset after the CRLF that must stand at `cursor`; `nil` if it has not come.
    /// - Parameter error: For anything in its place that is no end of a line.
    @inline(__always)
    static func endOfLine(
        _ bytes: Span<UInt8>, _ cursor: Int, otherwise error: HTTP1Error
    ) throws(HTTP1Error) -> Int? {
        guard cursor < bytes.count else { return nil }
        guard bytes[cursor] == UInt8(ascii: "\r") else {
            throw bytes[cursor] == UInt8(ascii: "\n") ? .invalidLineEnd : error
        }
        guard cursor + 1 < bytes.count else { return nil }
        guard bytes[cursor + 1] == UInt8(ascii: "\n") else { throw .invalidLineEnd }
        return cursor + 2
    }
}

extension HTTP1Framing {
    /// What version and fields say in either direction; the body is the caller's to add.
    init(_ fields: HTTP1MessageFields, minorVersion: UInt8) throws(HTTP1Error) {
        let isHTTP10 = minorVersion == 0
        guard !isHTTP10 || !fields.hasTransferEncoding else { throw .transferEncodingInHTTP10 }
        self.init()
        self.minorVersion = minorVersion
        keepsAlive = !fields.closes && !isHTTP10
        expectsContinue = fields.expectsContinue && !isHTTP10
        keepAliveSeconds = fields.keepAliveSeconds
        isUpgrade = fields.isUpgrade && !isHTTP10
        upgradesToWebSocket = isUpgrade && fields.asksForWebSocket
    }
}
