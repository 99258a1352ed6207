import CNghttp2
import HTTPSemantics

/// Lays a head's fields out for nghttp2, which copies them when they are submitted. Its memory is kept for the next head.
///
/// SAFETY: the pointers in `fields` are to literals, to `scratch`, which does not move while a head is laid out, and to the
/// head's own bytes; `withFields` ends before any of them does.
@safe
struct HTTP2FieldEncoder: ~Copyable {
    enum Kind {
        case request, response, trailers
    }

    private var fields: UnsafeMutableBufferPointer<nghttp2_nv>
    private var count = 0
    /// Values that stand in no head as they are sent.
    private var scratch: UnsafeMutableBufferPointer<UInt8>
    private var scratchCount = 0

    init() {
        unsafe fields = .allocate(capacity: 64)
        unsafe scratch = .allocate(capacity: 1024)
    }

    deinit {
        unsafe fields.deallocate()
        unsafe scratch.deallocate()
    }

    /// Calls `body` with the fields of a head as HTTP/2 has them (RFC 9113 § 8.2, § 8.3): pseudo-header fields first, none
    /// that are for one connection, cookies in crumbs, `content-length` as the head has it.
    mutating func withFields<Result>(
        _ kind: Kind, _ head: borrowing MessageHead, endsStream: Bool,
        _ body: (UnsafeMutablePointer<nghttp2_nv>, Int) -> Result
    ) -> Result {
        reserve(head)
        let storage = head.storage.span
        return unsafe storage.withUnsafeBufferPointer { bytes in
            let bytes = unsafe Bytes(
                start: UnsafeMutablePointer(mutating: bytes.baseAddress ?? UnsafePointer(scratch.baseAddress!)))
            switch kind {
            case .request: addRequest(head, bytes)
            case .response: addStatus(head.status)
            case .trailers: break
            }
            for index in 0..<head.fieldCount { addField(head.fields[index], head, bytes, kind) }
            if kind != .trailers, let length = head.contentLength, isSent(length, head, kind, endsStream) {
                add(KnownField.contentLength.name, decimal: length)
            }
            return unsafe body(fields.baseAddress!, count)
        }
    }

    /// Calls `body` with the request of a tunnel (RFC 9113 § 8.5).
    mutating func withTunnel<Result>(
        to authority: Span<UInt8>, _ body: (UnsafeMutablePointer<nghttp2_nv>, Int) -> Result
    ) -> Result {
        count = 0
        return unsafe authority.withUnsafeBufferPointer { bytes in
            add(":method", KnownMethod.connect.name)
            unsafe append(
                ":authority", UnsafeMutablePointer(mutating: bytes.baseAddress ?? UnsafePointer(scratch.baseAddress!)),
                bytes.count)
            return unsafe body(fields.baseAddress!, count)
        }
    }

    /// The bytes of a head, for as long as it is laid out.
    @safe
    private struct Bytes {
        let start: UnsafeMutablePointer<UInt8>

        init(start: UnsafeMutablePointer<UInt8>) { unsafe self.start = unsafe start }
    }

    private mutating func reserve(_ head: borrowing MessageHead) {
        count = 0
        scratchCount = 0
        var needed = head.fieldCount + 8
        if head.hasField(.cookie) {
            for index in 0..<head.fieldCount where head.fields[index].known == .cookie {
                needed += Int(head.fields[index].value.count) / 2
            }
        }
        if unsafe needed > fields.count {
            unsafe fields.deallocate()
            unsafe fields = .allocate(capacity: needed * 2)
        }
        let byteCount = Int(head.host.count) + Int(head.path.count) + Int(head.query.count) + 64
        if unsafe byteCount > scratch.count {
            unsafe scratch.deallocate()
            unsafe scratch = .allocate(capacity: byteCount * 2)
        }
    }

    private func isSent(
        _ length: UInt64, _ head: borrowing MessageHead, _ kind: Kind, _ endsStream: Bool
    ) -> Bool {
        if kind == .response { return head.status >= 200 && head.status != 204 }
        // A request without a body cannot announce one; a tunnel's bytes are none.
        return head.upgrade == .none && head.knownMethod != .connect && (!endsStream || length == 0)
    }

    // MARK: Pseudo-header fields

    private mutating func addRequest(_ head: borrowing MessageHead, _ bytes: Bytes) {
        let isTunnel = head.upgrade == .none && head.knownMethod == .connect
        if head.upgrade != .none {
            add(":method", KnownMethod.connect.name)
            add(":protocol", head.upgrade.name)
        } else {
            add(":method", head.method, bytes)
        }
        if !isTunnel {
            add(":scheme", head.scheme.name)
        }
        addAuthority(head, bytes)
        if !isTunnel { addPath(head, bytes) }
    }

    private mutating func addAuthority(_ head: borrowing MessageHead, _ bytes: Bytes) {
        guard head.hostPort != 0 else { return add(":authority", head.host, bytes) }
        let start = scratchCount
        copy(head.host, bytes)
        appendByte(UInt8(ascii: ":"))
        appendDecimal(UInt64(head.hostPort))
        addScratch(":authority", from: start)
    }

    private mutating func addPath(_ head: borrowing MessageHead, _ bytes: Bytes) {
        guard head.hasQuery else { return add(":path", head.path, bytes) }
        let path = head.path.bounds
        let query = head.query.bounds
        if query.lowerBound == path.upperBound + 1, head.storage[path.upperBound] == UInt8(ascii: "?") {
            let target = ByteRange(offset: path.lowerBound, count: query.upperBound - path.lowerBound)
            return add(":path", target, bytes)
        }
        let start = scratchCount
        copy(head.path, bytes)
        appendByte(UInt8(ascii: "?"))
        copy(head.query, bytes)
        addScratch(":path", from: start)
    }

    private mutating func addStatus(_ status: UInt16) { add(":status", decimal: UInt64(status)) }

    // MARK: Fields

    private mutating func addField(
        _ field: MessageHead.Field, _ head: borrowing MessageHead, _ bytes: Bytes, _ kind: Kind
    ) {
        switch field.known {
        case .connection, .keepAlive, .proxyConnection, .transferEncoding, .upgrade, .http2Settings, .contentLength:
            return
        case .host: if kind == .response { addLine(field, bytes, isNeverIndexed: field.isNeverIndexed) }
        case .te: if kind == .request, Self.namesTrailers(head.bytes(field.value)) { add("te", "trailers") }
        case .cookie: addCookies(field, head, bytes)
        case .authorization, .proxyAuthorization, .requestID, .traceparent, .traceState, .grpcTimeout:
            // Secrets, and what no later message repeats.
            addLine(field, bytes, isNeverIndexed: true)
        case .other:
            let isSecret =
                field.isNeverIndexed
                || (kind == .response && ASCII.equal(head.bytes(field.name), ("set-cookie" as StaticString).bytes))
            addLine(field, bytes, isNeverIndexed: isSecret)
        default: addLine(field, bytes, isNeverIndexed: field.isNeverIndexed)
        }
    }

    private mutating func addLine(_ field: MessageHead.Field, _ bytes: Bytes, isNeverIndexed: Bool) {
        let flags = isNeverIndexed ? UInt8(NGHTTP2_NV_FLAG_NO_INDEX.rawValue) : 0
        guard field.known == .other else { return add(field.known.name, field.value, bytes, flags: flags) }
        unsafe append(
            nghttp2_nv(
                name: bytes.start + Int(field.name.offset), value: bytes.start + Int(field.value.offset),
                namelen: Int(field.name.count), valuelen: Int(field.value.count), flags: flags))
    }

    /// Splits a cookie where cookies are joined, so that those that stay the same are sent as an index (RFC 9113 § 8.2.3).
    private mutating func addCookies(_ field: MessageHead.Field, _ head: borrowing MessageHead, _ bytes: Bytes) {
        let value = field.value.bounds
        let storage = head.storage.span
        var start = value.lowerBound
        var cursor = start
        while cursor + 2 < value.upperBound {
            // No crumb may begin or end with white space.
            if storage[cursor] == UInt8(ascii: ";"), storage[cursor + 1] == UInt8(ascii: " "), cursor > start,
                !Self.isWhiteSpace(storage[cursor - 1]), !Self.isWhiteSpace(storage[cursor + 2])
            {
                addCrumb(start..<cursor, field, bytes)
                cursor += 2
                start = cursor
            } else {
                cursor += 1
            }
        }
        addCrumb(start..<value.upperBound, field, bytes)
    }

    private mutating func addCrumb(_ range: Range<Int>, _ field: MessageHead.Field, _ bytes: Bytes) {
        // One so short could be guessed byte by byte from the size of what is sent (RFC 7541 § 7.1.3).
        let flags = field.isNeverIndexed || range.count < 20 ? UInt8(NGHTTP2_NV_FLAG_NO_INDEX.rawValue) : 0
        add("cookie", ByteRange(offset: range.lowerBound, count: range.count), bytes, flags: flags)
    }

    private static func isWhiteSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

    private static func namesTrailers(_ value: Span<UInt8>) -> Bool {
        var cursor = 0
        while let item = ListItems.next(value, &cursor, value.count) {
            if ASCII.equal(value.extracting(item), ignoringCaseOf: ("trailers" as StaticString).bytes) { return true }
        }
        return false
    }

    // MARK: One line

    private mutating func append(_ field: nghttp2_nv) {
        unsafe fields[count] = unsafe field
        count += 1
    }

    private mutating func append(
        _ name: StaticString, _ value: UnsafeMutablePointer<UInt8>, _ valueCount: Int, flags: UInt8 = 0
    ) {
        unsafe append(
            nghttp2_nv(
                name: UnsafeMutablePointer(mutating: name.utf8Start), value: value, namelen: name.utf8CodeUnitCount,
                valuelen: valueCount, flags: flags | UInt8(NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue)))
    }

    private mutating func add(_ name: StaticString, _ value: ByteRange, _ bytes: Bytes, flags: UInt8 = 0) {
        unsafe append(name, bytes.start + Int(value.offset), Int(value.count), flags: flags)
    }

    private mutating func add(_ name: StaticString, _ value: StaticString) {
        unsafe append(
            name, UnsafeMutablePointer(mutating: value.utf8Start), value.utf8CodeUnitCount,
            flags: UInt8(NGHTTP2_NV_FLAG_NO_COPY_VALUE.rawValue))
    }

    private mutating func add(_ name: StaticString, decimal value: UInt64) {
        let start = scratchCount
        appendDecimal(value)
        addScratch(name, from: start)
    }

    private mutating func addScratch(_ name: StaticString, from start: Int) {
        unsafe append(name, scratch.baseAddress! + start, scratchCount - start)
    }

    // MARK: Scratch

    private mutating func appendByte(_ byte: UInt8) {
        unsafe scratch[scratchCount] = byte
        scratchCount += 1
    }

    private mutating func appendDecimal(_ value: UInt64) {
        var divisor: UInt64 = 1
        while value / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            appendByte(0x30 + UInt8(truncatingIfNeeded: value / divisor % 10))
            divisor /= 10
        }
    }

    private mutating func copy(_ range: ByteRange, _ bytes: Bytes) {
        let count = Int(range.count)
        unsafe (scratch.baseAddress! + scratchCount).update(from: bytes.start + Int(range.offset), count: count)
        scratchCount += count
    }
}
