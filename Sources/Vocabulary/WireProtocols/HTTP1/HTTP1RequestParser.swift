package import HTTPSemantics

/// Reads the head of an HTTP/1.1 request (RFC 9112 § 3, § 5, § 6) to the letter: what the RFC lets a recipient forgive is
/// refused, for two that forgive differently see two different messages. `docs/reference/http1.md` lists it.
package enum HTTP1RequestParser {
    /// Bytes of a method.
    package static let methodByteLimit = 32

    /// Reads a head from the start of `bytes`, in one go: nothing of it is used while it is not whole.
    /// - Parameters:
    ///   - head: Emptied first; filled in canonical form if the result is not `nil`.
    ///   - framing: Set if the result is not `nil`.
    ///   - scan: Kept by the caller between calls for the same head; a fresh one for the next.
    ///   - scheme: The listener's.
    ///   - allowsNoHost: One of HTTP/1.0 for a path may come without `Host`: the head's host is then empty, and the caller's to set.
    /// - Returns: The bytes used; `nil` if the head is not whole: call again with the same bytes and more.
    package static func parse(
        _ bytes: Span<UInt8>, into head: inout MessageHead, framing: inout HTTP1Framing, limits: HTTP1Limits,
        scan: inout HTTP1ScanState, scheme: Scheme, allowsNoHost: Bool = false
    ) throws(HTTP1Error) -> Int? {
        guard scan.isWorthParsing(bytes, limits: limits) else { return nil }
        head.removeAll()
        let startLine = try startLine(bytes, limits: limits)
        guard
            let end = try HTTP1Head.read(
                bytes, from: startLine?.end, into: &head, limits: limits, scan: &scan, isStartLineLimited: true),
            let line = startLine
        else { return nil }
        head.scheme = scheme
        head.method = line.method
        head.knownMethod = KnownMethod(bytes.extracting(line.method.bounds))
        framing = try interpret(line, &head, allowsNoHost: allowsNoHost)
        return end
    }

    /// The method of a head that cannot be taken, whole or not, for its answer is framed by it, too (RFC 9112 § 6.3).
    /// - Returns: `.other` where there is no telling.
    package static func method(of bytes: Span<UInt8>) -> KnownMethod {
        let hasEmptyLine = bytes.count > 1 && bytes[0] == UInt8(ascii: "\r") && bytes[1] == UInt8(ascii: "\n")
        let start = hasEmptyLine ? 2 : 0
        var end = start
        while end < bytes.count, end - start < methodByteLimit, ByteClass.method.contains(bytes[end]) { end += 1 }
        guard end < bytes.count, bytes[end] == UInt8(ascii: " ") else { return .other }
        return KnownMethod(bytes.extracting(start..<end))
    }

    // MARK: Start line

    private struct StartLine {
        var method: ByteRange
        var target: ByteRange
        var minorVersion: UInt8
        var end: Int
    }

    /// Reads `method SP request-target SP HTTP-version CRLF` after at most one empty line (RFC 9112 § 2.2).
    private static func startLine(_ bytes: Span<UInt8>, limits: HTTP1Limits) throws(HTTP1Error) -> StartLine? {
        let count = bytes.count
        var cursor = 0
        if count > 0, bytes[0] == UInt8(ascii: "\r") {
            guard count > 1 else { return nil }
            guard bytes[1] == UInt8(ascii: "\n") else { throw .invalidLineEnd }
            cursor = 2
        }

        let methodStart = cursor
        while cursor < count, ByteClass.method.contains(bytes[cursor]) { cursor += 1 }
        guard cursor - methodStart <= methodByteLimit else { throw .malformedRequest(.invalidMethod) }
        guard cursor < count else { return nil }
        guard bytes[cursor] == UInt8(ascii: " "), cursor > methodStart else {
            throw methodError(bytes[cursor], cursor > methodStart)
        }
        let method = ByteRange(offset: methodStart, count: cursor - methodStart)
        cursor += 1

        let targetStart = cursor
        cursor = endOfTarget(bytes, cursor)
        guard cursor - targetStart <= limits.targetByteCount else { throw .targetTooLong }
        guard cursor < count else { return nil }
        guard bytes[cursor] == UInt8(ascii: " "), cursor > targetStart else { throw targetError(bytes[cursor]) }
        let target = ByteRange(offset: targetStart, count: cursor - targetStart)
        cursor += 1

        guard let minorVersion = try HTTP1Version.minor(bytes, cursor) else { return nil }
        cursor += HTTP1Version.byteCount
        guard let end = try HTTP1Head.endOfLine(bytes, cursor, otherwise: .invalidRequestLine) else { return nil }
        return StartLine(method: method, target: target, minorVersion: minorVersion, end: end)
    }

    private static func methodError(_ byte: UInt8, _ hasMethod: Bool) -> HTTP1Error {
        switch byte {
        case UInt8(ascii: "\r"), UInt8(ascii: "\n"), UInt8(ascii: " "), UInt8(ascii: "\t"): .invalidRequestLine
        // A lower-case letter is one of a token, and of no method.
        default:
            hasMethod || ByteClass.token.contains(byte) ? .malformedRequest(.invalidMethod) : .invalidRequestLine
        }
    }

    private static func targetError(_ byte: UInt8) -> HTTP1Error {
        switch byte {
        case UInt8(ascii: "\r"), UInt8(ascii: "\n"), UInt8(ascii: " "): .invalidRequestLine
        default: .malformedRequest(.invalidPathByte)
        }
    }

    /// The first byte that no target holds, as a rule the space after it; the count of the bytes if there is none.
    private static func endOfTarget(_ bytes: Span<UInt8>, _ start: Int) -> Int {
        var cursor = start
        while cursor + 8 <= bytes.count {
            let hits = ByteWord.outsideTargets(bytes.word(at: cursor))
            if hits != 0 { return cursor + (hits.trailingZeroBitCount >> 3) }
            cursor += 8
        }
        while cursor < bytes.count, bytes[cursor] > 0x20, bytes[cursor] < 0x7F { cursor += 1 }
        return cursor
    }

    // MARK: Meaning

    private static func interpret(
        _ line: StartLine, _ head: inout MessageHead, allowsNoHost: Bool
    ) throws(HTTP1Error) -> HTTP1Framing {
        let fields = try HTTP1MessageFields(head, isRequest: true)
        guard fields.hostIndex != nil || (allowsNoHost && mayLackHost(line, head)) else {
            throw .malformedRequest(.missingHost)
        }
        var framing = try HTTP1Framing(fields, minorVersion: line.minorVersion)
        do {
            if let hostIndex = fields.hostIndex { try head.setHost(canonicalizing: head.fields[hostIndex].value) }
            try setTarget(line.target, &head)
        } catch {
            throw .malformedRequest(error)
        }

        head.contentLength = fields.contentLength
        if fields.isChunked {
            framing.body = .chunked
        } else if let length = fields.contentLength, length > 0 {
            framing.body = .length(length)
        }
        // One with a body is a request like any other: what follows its head is no WebSocket.
        if framing.upgradesToWebSocket, head.knownMethod == .get, framing.body == .none { head.upgrade = .webSocket }
        return framing
    }

    private static func mayLackHost(_ line: StartLine, _ head: borrowing MessageHead) -> Bool {
        line.minorVersion == 0 && head.storage[Int(line.target.offset)] == UInt8(ascii: "/")
    }

    /// Reads the four forms of RFC 9112 § 3.2.
    private static func setTarget(_ target: ByteRange, _ head: inout MessageHead) throws(MalformedRequest) {
        if head.knownMethod == .connect { return try setAuthority(target, &head) }
        switch head.storage[Int(target.offset)] {
        case UInt8(ascii: "/"):
            try head.setPath(canonicalizing: target)
        case UInt8(ascii: "*"):
            guard target.count == 1, head.knownMethod == .options else { throw .invalidTarget }
            head.path = target
        default:
            try setAbsoluteForm(target, &head)
        }
    }

    private static func setAuthority(_ target: ByteRange, _ head: inout MessageHead) throws(MalformedRequest) {
        try matchHost(target, defaultPort: 0, &head)
        guard head.hostPort != 0 else { throw .invalidTarget }
    }

    private static func setAbsoluteForm(_ target: ByteRange, _ head: inout MessageHead) throws(MalformedRequest) {
        guard let form = absoluteForm(head.bytes(target)) else { throw .invalidTarget }
        let start = Int(target.offset)
        let end = start + Int(target.count)
        let authorityEnd = start + form.authority.upperBound
        let authority = ByteRange(offset: start + form.authority.lowerBound, count: form.authority.count)
        try matchHost(authority, defaultPort: form.defaultPort, &head)

        if authorityEnd < end, isSlash(head.storage[authorityEnd]) {
            try head.setPath(canonicalizing: ByteRange(offset: authorityEnd, count: end - authorityEnd))
        } else if authorityEnd == end, head.knownMethod == .options {
            let asterisk = head.append(("*" as StaticString).bytes)
            head.path = asterisk
        } else {
            // No path: the root, with the query if there is one.
            let path = head.end
            head.appendByte(UInt8(ascii: "/"))
            for index in authorityEnd..<end { head.appendByte(head.storage[index]) }
            let count = head.end - path
            try head.setPath(canonicalizing: ByteRange(offset: path, count: count))
        }
    }

    /// Where the authority of an absolute URI stands, and the port that its scheme means by none. Nothing else is taken
    /// from the scheme: the listener's is the request's.
    private static func absoluteForm(_ bytes: Span<UInt8>) -> (authority: Range<Int>, defaultPort: UInt16)? {
        let isSecure = hasPrefix("https://", bytes)
        guard isSecure || hasPrefix("http://", bytes) else { return nil }
        let start = isSecure ? 8 : 7
        var end = start
        while end < bytes.count, !endsAuthority(bytes[end]) { end += 1 }
        return (start..<end, isSecure ? 443 : 80)
    }

    private static func isSlash(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "/") || byte == UInt8(ascii: "\\") }

    private static func endsAuthority(_ byte: UInt8) -> Bool {
        isSlash(byte) || byte == UInt8(ascii: "?") || byte == UInt8(ascii: "#")
    }

    private static func hasPrefix(_ lowercase: StaticString, _ bytes: Span<UInt8>) -> Bool {
        let prefix = lowercase.bytes
        return bytes.count >= prefix.count && ASCII.equal(bytes.extracting(0..<prefix.count), ignoringCaseOf: prefix)
    }

    /// The authority of a target and `Host` must name the same (policy: two differing are refused).
    private static func matchHost(
        _ authority: ByteRange, defaultPort: UInt16, _ head: inout MessageHead
    ) throws(MalformedRequest) {
        let host = head.host
        let port = head.hostPort
        try head.setHost(canonicalizing: authority)
        guard ASCII.equal(head.bytes(host), head.bytes(head.host)) else { throw .hostMismatch }
        let isSamePort = (port == 0 ? defaultPort : port) == (head.hostPort == 0 ? defaultPort : head.hostPort)
        guard isSamePort || (defaultPort == 0 && port == 0) else { throw .hostMismatch }
    }
}
