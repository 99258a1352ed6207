package import HTTPSemantics

/// Writes heads and chunk framing as HTTP/1.1 (RFC 9112), to the end of a buffer that the caller keeps and empties.
///
/// Framing comes from the `body` argument alone: `content-length`, `transfer-encoding`, `connection`, `upgrade` and `te` among a head's
/// fields are never written, so that no edit of them can disagree with the body that follows.
package enum HTTP1Serializer {
    /// Writes a request: the target in origin-form (`CONNECT`: authority-form), `host` first.
    package static func appendRequest(
        _ head: borrowing MessageHead, body: HTTP1Framing.Body, to output: inout ByteBuffer
    ) {
        output.reserve(head.end + 4 * head.fieldCount + overhead)
        output.append(copying: head.bytes(head.method))
        output.append(UInt8(ascii: " "))
        if head.path.isEmpty {
            appendHost(head, to: &output)
        } else {
            output.append(copying: head.bytes(head.path))
            if head.hasQuery {
                output.append(UInt8(ascii: "?"))
                output.append(copying: head.bytes(head.query))
            }
        }
        output.append(copying: (" HTTP/1.1\r\nhost: " as StaticString).bytes)
        appendHost(head, to: &output)
        output.append(copying: lineEnd.bytes)
        appendFields(head, isRequest: true, to: &output)
        if head.upgrade != .none { appendUpgrade(head.upgrade, to: &output) }
        switch body {
        case .none:
            // RFC 9110 § 8.6: a method that usually has content says that this one has none.
            if head.contentLength != nil || head.knownMethod.usuallyHasContent {
                output.append(copying: ("content-length: 0\r\n" as StaticString).bytes)
            }
        case .length, .chunked, .untilClose:
            // A request cannot end with its connection: chunks say where it ends.
            appendFraming(body == .untilClose ? .chunked : body, to: &output)
        }
        output.append(copying: lineEnd.bytes)
    }

    /// Writes a final response.
    /// - Parameters:
    ///   - body: Also says the status, so that it cannot be another one's. Where there never is a body, `head.contentLength` is
    ///     written if there is one and there may be: it tells the length that another answer would have.
    ///   - keepsAlive: Else `connection: close` is written.
    ///   - minorVersion: The request's. HTTP/1.0 knows no chunks: to it a body of unknown length ends with the connection.
    package static func appendResponse(
        _ head: borrowing MessageHead, body: ResponseBody, keepsAlive: Bool, minorVersion: UInt8,
        to output: inout ByteBuffer
    ) {
        output.reserve(head.end + 4 * head.fieldCount + overhead)
        appendStatusLine(body.status, to: &output)
        appendFields(head, isRequest: false, to: &output)
        switch body.length {
        case .none where body.isImpossible:
            if let length = head.contentLength, body.mayTellLength { appendFraming(.length(length), to: &output) }
        case .none: appendFraming(.length(0), to: &output)
        case .bytes(let count): appendFraming(.length(count), to: &output)
        case .unknown: if minorVersion > 0 { appendFraming(.chunked, to: &output) }
        }
        if !keepsAlive { output.append(copying: ("connection: close\r\n" as StaticString).bytes) }
        output.append(copying: lineEnd.bytes)
    }

    /// Writes a 1xx response; the final one follows.
    package static func appendInterimResponse(_ head: borrowing MessageHead, to output: inout ByteBuffer) {
        output.reserve(head.end + 4 * head.fieldCount + overhead)
        appendStatusLine(head.status, to: &output)
        appendFields(head, isRequest: false, to: &output)
        output.append(copying: lineEnd.bytes)
    }

    /// Writes the acceptance of an upgrade (RFC 9110 § 15.2.2): what follows is no HTTP.
    /// - Parameter accept: `Sec-WebSocket-Accept`.
    package static func appendSwitchingProtocols(
        _ head: borrowing MessageHead, to upgrade: UpgradeProtocol, accept: Span<UInt8>, output: inout ByteBuffer
    ) {
        output.reserve(head.end + 4 * head.fieldCount + overhead)
        appendStatusLine(101, to: &output)
        appendFields(head, isRequest: false, to: &output)
        appendUpgrade(upgrade, to: &output)
        output.append(copying: ("sec-websocket-accept: " as StaticString).bytes)
        output.append(copying: accept)
        output.append(copying: lineEnd.bytes)
        output.append(copying: lineEnd.bytes)
    }

    private static func appendUpgrade(_ upgrade: UpgradeProtocol, to output: inout ByteBuffer) {
        output.append(copying: ("connection: Upgrade\r\nupgrade: " as StaticString).bytes)
        output.append(copying: upgrade.name.bytes)
        output.append(copying: lineEnd.bytes)
    }

    /// Writes the line before a chunk's data; `chunkEnd` follows the data.
    /// - Parameter byteCount: At least 1: a chunk of 0 bytes would end the body.
    package static func appendChunkHead(byteCount: Int, to output: inout ByteBuffer) {
        precondition(byteCount > 0)
        var shift = (Int.bitWidth - 1 - byteCount.leadingZeroBitCount) / 4 * 4
        while shift >= 0 {
            output.append(ASCII.hexDigit(UInt8(truncatingIfNeeded: byteCount >> shift) & 15))
            shift -= 4
        }
        output.append(copying: lineEnd.bytes)
    }

    /// What follows a chunk's data.
    package static var chunkEnd: Span<UInt8> {
        @_lifetime(immortal) get { lineEnd.bytes }
    }

    /// Writes the last chunk, the trailers and the end of the body.
    package static func appendLastChunk(trailers: borrowing MessageHead, to output: inout ByteBuffer) {
        output.append(copying: ("0\r\n" as StaticString).bytes)
        appendFields(trailers, isRequest: true, to: &output)
        output.append(copying: lineEnd.bytes)
    }

    // MARK: Parts

    /// Bytes that a head needs beside those of its storage: start line, framing, port.
    private static let overhead = 160
    private static var lineEnd: StaticString { "\r\n" }

    private static func appendHost(_ head: borrowing MessageHead, to output: inout ByteBuffer) {
        output.append(copying: head.bytes(head.host))
        guard head.hostPort != 0 else { return }
        output.append(UInt8(ascii: ":"))
        output.append(decimal: UInt64(head.hostPort))
    }

    private static func appendStatusLine(_ status: UInt16, to output: inout ByteBuffer) {
        output.append(copying: ("HTTP/1.1 " as StaticString).bytes)
        output.append(decimal: UInt64(status))
        output.append(UInt8(ascii: " "))
        output.append(copying: StatusReason.phrase(status).bytes)
        output.append(copying: lineEnd.bytes)
    }

    private static func appendFraming(_ body: HTTP1Framing.Body, to output: inout ByteBuffer) {
        switch body {
        case .length(let count):
            output.append(copying: ("content-length: " as StaticString).bytes)
            output.append(decimal: count)
            output.append(copying: lineEnd.bytes)
        case .chunked:
            output.append(copying: ("transfer-encoding: chunked\r\n" as StaticString).bytes)
        case .none, .untilClose: break
        }
    }

    /// Writes the fields, those that stand in the storage as lines one after the other in one piece.
    private static func appendFields(_ head: borrowing MessageHead, isRequest: Bool, to output: inout ByteBuffer) {
        let storage = head.storage.span
        var run = 0..<0
        for index in 0..<head.fieldCount {
            let field = head.fields[index]
            guard isWritten(field.known, isRequest) else { continue }
            let name = field.name.bounds
            let value = field.value.bounds
            let isLine =
                value.lowerBound == name.upperBound + 2 && value.upperBound + 2 <= storage.count
                && storage[name.upperBound] == UInt8(ascii: ":") && storage[name.upperBound + 1] == UInt8(ascii: " ")
                && storage[value.upperBound] == UInt8(ascii: "\r")
                && storage[value.upperBound + 1] == UInt8(ascii: "\n")
            if isLine, name.lowerBound == run.upperBound, !run.isEmpty {
                run = run.lowerBound..<(value.upperBound + 2)
                continue
            }
            if !run.isEmpty { output.append(copying: storage.extracting(run)) }
            if isLine {
                run = name.lowerBound..<(value.upperBound + 2)
            } else {
                run = 0..<0
                output.append(copying: storage.extracting(name))
                output.append(copying: (": " as StaticString).bytes)
                output.append(copying: storage.extracting(value))
                output.append(copying: lineEnd.bytes)
            }
        }
        if !run.isEmpty { output.append(copying: storage.extracting(run)) }
    }

    @inline(__always)
    private static func isWritten(_ known: KnownField, _ isRequest: Bool) -> Bool {
        switch known {
        case .contentLength, .transferEncoding, .connection, .te, .upgrade: false
        case .host: !isRequest
        default: true
        }
    }
}

extension KnownMethod {
    /// A request with this method has content as a rule.
    fileprivate var usuallyHasContent: Bool {
        switch self {
        case .post, .put, .patch: true
        case .other, .get, .head, .delete, .connect, .options, .trace: false
        }
    }
}
