import HTTPSemantics

/// Writes a head's fields as HTTP/2 has them (RFC 9113 § 8.2, § 8.3): pseudo-header fields first, none that are for one
/// connection, cookies in crumbs, `content-length` as the head has it. Its memory is kept for the next head.
struct HTTP2FieldEncoder: ~Copyable {
    enum Kind {
        case request, response, trailers
    }

    /// The block that was written last.
    private(set) var block = ByteBuffer(capacity: 1024)
    /// A value that stands in no head as it is sent.
    private var scratch = ByteBuffer(capacity: 256)

    mutating func encode(
        _ kind: Kind, _ head: borrowing MessageHead, endsStream: Bool, with encoder: inout HPACKEncoder
    ) {
        begin(&encoder)
        switch kind {
        case .request: addRequest(head, &encoder)
        case .response: addStatus(head.status, &encoder)
        case .trailers: break
        }
        for index in 0..<head.fieldCount { addField(head.fields[index], head, kind, &encoder) }
        if kind != .trailers, let length = head.contentLength, isSent(length, head, kind, endsStream) {
            addLength(length, &encoder)
        }
    }

    /// The request of a tunnel (RFC 9113 § 8.5).
    /// - Parameter head: Whose fields it has.
    mutating func encodeTunnel(
        to authority: Span<UInt8>, _ head: borrowing MessageHead, with encoder: inout HPACKEncoder
    ) {
        begin(&encoder)
        addMethod(KnownMethod.connect.name.bytes, &encoder)
        addAuthority(authority, &encoder)
        for index in 0..<head.fieldCount { addField(head.fields[index], head, .request, &encoder) }
    }

    private mutating func begin(_ encoder: inout HPACKEncoder) {
        block.removeAll()
        encoder.begin(&block)
    }

    private func isSent(
        _ length: UInt64, _ head: borrowing MessageHead, _ kind: Kind, _ endsStream: Bool
    ) -> Bool {
        if kind == .response { return head.status >= 200 && head.status != 204 }
        // A request without a body cannot announce one; a tunnel's bytes are none.
        return head.upgrade == .none && head.knownMethod != .connect && (!endsStream || length == 0)
    }

    // MARK: Pseudo-header fields

    /// Where the static table has their names.
    private enum PseudoField {
        static let authority = 1
        static let method = 2
        static let path = 4
        static let status = 8
    }

    private mutating func addRequest(_ head: borrowing MessageHead, _ encoder: inout HPACKEncoder) {
        let isTunnel = head.upgrade == .none && head.knownMethod == .connect
        if head.upgrade != .none {
            addMethod(KnownMethod.connect.name.bytes, &encoder)
            encoder.append(
                (":protocol" as StaticString).bytes, nameIndex: 0, head.upgrade.name.bytes, .added, to: &block)
        } else {
            switch head.knownMethod {
            case .get: encoder.append(index: PseudoField.method, to: &block)
            case .post: encoder.append(index: PseudoField.method + 1, to: &block)
            default: addMethod(head.bytes(head.method), &encoder)
            }
        }
        if !isTunnel { encoder.append(index: head.scheme == .https ? 7 : 6, to: &block) }
        if head.hostPort == 0 {
            addAuthority(head.bytes(head.host), &encoder)
        } else {
            scratch.removeAll()
            scratch.append(copying: head.bytes(head.host))
            scratch.append(UInt8(ascii: ":"))
            scratch.append(decimal: UInt64(head.hostPort))
            encoder.append(
                (":authority" as StaticString).bytes, nameIndex: PseudoField.authority, scratch, .added,
                to: &block)
        }
        if !isTunnel { addPath(head, &encoder) }
    }

    private mutating func addMethod(_ method: Span<UInt8>, _ encoder: inout HPACKEncoder) {
        encoder.append((":method" as StaticString).bytes, nameIndex: PseudoField.method, method, .added, to: &block)
    }

    private mutating func addAuthority(_ authority: Span<UInt8>, _ encoder: inout HPACKEncoder) {
        encoder.append(
            (":authority" as StaticString).bytes, nameIndex: PseudoField.authority, authority, .added, to: &block)
    }

    /// No table is to have it: there are too many, and some are secret.
    private mutating func addPath(_ head: borrowing MessageHead, _ encoder: inout HPACKEncoder) {
        let path = head.bytes(head.path)
        guard head.hasQuery else {
            if path.count == 1, path[0] == UInt8(ascii: "/") {
                return encoder.append(index: PseudoField.path, to: &block)
            }
            encoder.appendName(index: PseudoField.path, valueByteCount: path.count, to: &block)
            return block.append(copying: path)
        }
        let query = head.bytes(head.query)
        encoder.appendName(index: PseudoField.path, valueByteCount: path.count + 1 + query.count, to: &block)
        block.append(copying: path)
        block.append(UInt8(ascii: "?"))
        block.append(copying: query)
    }

    private mutating func addStatus(_ status: UInt16, _ encoder: inout HPACKEncoder) {
        switch status {
        case 200: encoder.append(index: PseudoField.status, to: &block)
        case 204: encoder.append(index: PseudoField.status + 1, to: &block)
        case 404: encoder.append(index: PseudoField.status + 5, to: &block)
        default:
            scratch.removeAll()
            scratch.append(decimal: UInt64(status))
            encoder.append(
                (":status" as StaticString).bytes, nameIndex: PseudoField.status, scratch, .added, to: &block)
        }
    }

    // MARK: Fields

    private mutating func addField(
        _ field: MessageHead.Field, _ head: borrowing MessageHead, _ kind: Kind, _ encoder: inout HPACKEncoder
    ) {
        switch field.known {
        case .connection, .keepAlive, .proxyConnection, .transferEncoding, .upgrade, .http2Settings, .contentLength:
            return
        case .host: if kind == .response { addLine(field, head, .added, &encoder) }
        case .te:
            guard kind == .request, Self.namesTrailers(head.bytes(field.value)) else { return }
            encoder.append(
                KnownField.te.name.bytes, nameIndex: 0, ("trailers" as StaticString).bytes, .added, to: &block)
        case .cookie: addCookies(field, head, &encoder)
        case .authorization, .proxyAuthorization, .requestID, .traceparent, .traceState, .grpcTimeout,
            .heddleCopy:
            // Secrets, and what no later message repeats.
            addLine(field, head, .neverAdded, &encoder)
        case .location: addLine(field, head, .notAdded, &encoder)
        case .other: addLine(field, head, Self.indexing(head.bytes(field.name)), &encoder)
        default: addLine(field, head, .added, &encoder)
        }
    }

    /// Of a field that is not known.
    private static func indexing(_ name: Span<UInt8>) -> HPACKEncoder.Indexing {
        switch name.count {
        case 10 where ASCII.equal(name, ("set-cookie" as StaticString).bytes): .neverAdded
        // What is another in each message.
        case 3 where ASCII.equal(name, ("age" as StaticString).bytes): .notAdded
        case 4 where ASCII.equal(name, ("etag" as StaticString).bytes): .notAdded
        case 13 where ASCII.equal(name, ("if-none-match" as StaticString).bytes): .notAdded
        case 17 where ASCII.equal(name, ("if-modified-since" as StaticString).bytes): .notAdded
        default: .added
        }
    }

    private mutating func addLine(
        _ field: MessageHead.Field, _ head: borrowing MessageHead, _ indexing: HPACKEncoder.Indexing,
        _ encoder: inout HPACKEncoder
    ) {
        let name = field.known == .other ? head.bytes(field.name) : field.known.name.bytes
        encoder.append(
            name, nameIndex: HPACKStaticTable.index(of: field.known), head.bytes(field.value),
            field.isNeverIndexed ? .neverAdded : indexing, to: &block)
    }

    private mutating func addLength(_ length: UInt64, _ encoder: inout HPACKEncoder) {
        scratch.removeAll()
        scratch.append(decimal: length)
        encoder.append(
            KnownField.contentLength.name.bytes, nameIndex: HPACKStaticTable.index(of: .contentLength), scratch,
            .notAdded, to: &block)
    }

    /// Splits a cookie where cookies are joined, so that those that stay the same are sent as an index (RFC 9113 § 8.2.3).
    private mutating func addCookies(
        _ field: MessageHead.Field, _ head: borrowing MessageHead, _ encoder: inout HPACKEncoder
    ) {
        let value = head.bytes(field.value)
        var start = 0
        var cursor = 0
        while cursor + 2 < value.count {
            // No crumb may begin or end with white space.
            if value[cursor] == UInt8(ascii: ";"), value[cursor + 1] == UInt8(ascii: " "), cursor > start,
                !Self.isWhiteSpace(value[cursor - 1]), !Self.isWhiteSpace(value[cursor + 2])
            {
                addCrumb(value.extracting(start..<cursor), field, &encoder)
                cursor += 2
                start = cursor
            } else {
                cursor += 1
            }
        }
        addCrumb(value.extracting(start..<value.count), field, &encoder)
    }

    private mutating func addCrumb(
        _ crumb: Span<UInt8>, _ field: MessageHead.Field, _ encoder: inout HPACKEncoder
    ) {
        // One so short could be guessed byte by byte from the size of what is sent (RFC 7541 § 7.1.3).
        encoder.append(
            KnownField.cookie.name.bytes, nameIndex: HPACKStaticTable.index(of: .cookie), crumb,
            field.isNeverIndexed || crumb.count < 20 ? .neverAdded : .added, to: &block)
    }

    private static func isWhiteSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

    private static func namesTrailers(_ value: Span<UInt8>) -> Bool {
        var cursor = 0
        while let item = ListItems.next(value, &cursor, value.count) {
            if ASCII.equal(value.extracting(item), ignoringCaseOf: ("trailers" as StaticString).bytes) { return true }
        }
        return false
    }
}
