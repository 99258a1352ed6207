package import HTTPSemantics

/// Reads the head of an HTTP/1.1 response (RFC 9112 § 4, § 5, § 6), as strictly as requests are read.
package enum HTTP1ResponseParser {
    /// Reads a head from the start of `bytes`, in one go: nothing of it is used while it is not whole. A 1xx head is a
    /// message of its own; another follows it.
    /// - Parameters:
    ///   - head: Emptied first; filled if the result is not `nil`.
    ///   - framing: Set if the result is not `nil`.
    ///   - scan: Kept by the caller between calls for the same head; a fresh one for the next.
    ///   - requestMethod: What the response answers: to `HEAD` it has no body.
    /// - Returns: The bytes used; `nil` if the head is not whole: call again with the same bytes and more.
    package static func parse(
        _ bytes: Span<UInt8>, into head: inout MessageHead, framing: inout HTTP1Framing, limits: HTTP1Limits,
        scan: inout HTTP1ScanState, requestMethod: KnownMethod
    ) throws(HTTP1Error) -> Int? {
        guard scan.isWorthParsing(bytes, limits: limits) else { return nil }
        head.removeAll()
        let statusLine = try statusLine(bytes)
        guard
            let end = try HTTP1Head.read(
                bytes, from: statusLine?.end, into: &head, limits: limits, scan: &scan, isStartLineLimited: false),
            let line = statusLine
        else { return nil }
        head.status = line.status
        framing = try interpret(line, &head, requestMethod)
        return end
    }

    private struct StatusLine {
        var status: UInt16
        var minorVersion: UInt8
        var end: Int
    }

    /// Reads `HTTP-version SP status-code [SP [reason-phrase]] CRLF`: many servers leave out the space before no reason.
    private static func statusLine(_ bytes: Span<UInt8>) throws(HTTP1Error) -> StatusLine? {
        let minorVersion: UInt8
        do {
            guard let minor = try HTTP1Version.minor(bytes, 0) else { return nil }
            minorVersion = minor
        } catch {
            throw error == .invalidRequestLine ? .invalidStatusLine : error
        }
        let codeStart = HTTP1Version.byteCount + 1
        let codeEnd = codeStart + 3
        guard bytes.count > codeEnd else {
            for index in HTTP1Version.byteCount..<bytes.count {
                let isRight = index < codeStart ? bytes[index] == UInt8(ascii: " ") : ASCII.isDigit(bytes[index])
                guard isRight else { throw .invalidStatusLine }
            }
            return nil
        }
        guard bytes[codeStart - 1] == UInt8(ascii: " ") else { throw .invalidStatusLine }
        var status: UInt16 = 0
        for index in codeStart..<codeEnd {
            guard ASCII.isDigit(bytes[index]) else { throw .invalidStatusLine }
            status = status * 10 + UInt16(bytes[index] - 0x30)
        }
        guard status >= 100 else { throw .invalidStatusLine }

        var cursor = codeEnd
        if bytes[cursor] == UInt8(ascii: " ") { cursor = HTTP1FieldLines.endOfValue(bytes, cursor) }
        guard let end = try HTTP1Head.endOfLine(bytes, cursor, otherwise: .invalidStatusLine) else { return nil }
        return StatusLine(status: status, minorVersion: minorVersion, end: end)
    }

    /// RFC 9112 § 6.3, save that a framing the RFC asks to be read until the connection closes, because two fields
    /// contradict each other or a coding is not `chunked`, is refused.
    private static func interpret(
        _ line: StatusLine, _ head: inout MessageHead, _ requestMethod: KnownMethod
    ) throws(HTTP1Error) -> HTTP1Framing {
        let fields = try HTTP1MessageFields(head, isRequest: false)
        var framing = try HTTP1Framing(fields, minorVersion: line.minorVersion)
        head.contentLength = fields.contentLength
        if !ResponseBody.isPossible(status: line.status, answering: requestMethod) {
            framing.body = .none
        } else if fields.isChunked {
            framing.body = .chunked
        } else if let length = fields.contentLength {
            framing.body = length > 0 ? .length(length) : .none
        } else {
            framing.body = .untilClose
            framing.keepsAlive = false
        }
        return framing
    }
}
