import HTTPSemantics

/// A header block as it is decoded: checked field by field (RFC 9113 § 8.2, § 8.3), and collected where the message's reader will
/// have it.
struct HTTP2HeaderBlock: ~Copyable {
    enum Kind {
        case request, response, trailers
    }

    var head = MessageHead()
    private(set) var kind = Kind.request
    /// The first thing that was wrong with it.
    private(set) var error: HTTP2Error?
    /// As RFC 9113 § 6.5.2 counts: names, values, and 32 for each field.
    private(set) var listByteCount = 0
    private(set) var fieldCount = 0

    private(set) var method: ByteRange?
    private(set) var scheme: ByteRange?
    private(set) var authority: ByteRange?
    private(set) var path: ByteRange?
    private(set) var `protocol`: ByteRange?
    private var hostIndex: Int?
    private var cookieCount = 0
    private var hasRegularField = false

    mutating func begin(_ kind: Kind) {
        head.removeAll()
        self.kind = kind
        error = nil
        listByteCount = 0
        fieldCount = 0
        method = nil
        scheme = nil
        authority = nil
        path = nil
        `protocol` = nil
        hostIndex = nil
        cookieCount = 0
        hasRegularField = false
    }

    mutating func fail(_ error: HTTP2Error) {
        if self.error == nil { self.error = error }
    }

    // MARK: Fields

    mutating func append(name: Span<UInt8>, value: Span<UInt8>) {
        listByteCount += name.count + value.count + 32
        fieldCount += 1
        guard error == nil else { return }
        do throws(HTTP2Error) {
            guard Self.isValue(value) else { throw .invalidFieldValue }
            if !name.isEmpty, name[0] == UInt8(ascii: ":") {
                try appendPseudoHeader(name, value)
            } else {
                try appendField(name, value)
            }
        } catch {
            fail(error)
        }
    }

    private mutating func appendPseudoHeader(_ name: Span<UInt8>, _ value: Span<UInt8>) throws(HTTP2Error) {
        guard !hasRegularField else { throw .invalidPseudoHeader }
        switch kind {
        case .trailers: throw .invalidPseudoHeader
        case .response:
            guard Self.equal(name, ":status"), head.status == 0 else { throw .invalidPseudoHeader }
            head.status = try Self.status(value)
        case .request:
            if Self.equal(name, ":method") {
                method = try taking(value, unless: method)
            } else if Self.equal(name, ":path") {
                path = try taking(value, unless: path)
            } else if Self.equal(name, ":scheme") {
                scheme = try taking(value, unless: scheme)
            } else if Self.equal(name, ":authority") {
                authority = try taking(value, unless: authority)
            } else if Self.equal(name, ":protocol") {
                `protocol` = try taking(value, unless: `protocol`)
            } else {
                throw .invalidPseudoHeader
            }
        }
    }

    private mutating func taking(_ value: Span<UInt8>, unless known: ByteRange?) throws(HTTP2Error) -> ByteRange {
        guard known == nil else { throw .invalidPseudoHeader }
        return head.append(value)
    }

    private mutating func appendField(_ name: Span<UInt8>, _ value: Span<UInt8>) throws(HTTP2Error) {
        hasRegularField = true
        guard Self.isName(name) else { throw .invalidFieldName }
        let index = head.fieldCount
        head.addField(name: name, value: value)
        switch head.fields[index].known {
        case .connection, .keepAlive, .proxyConnection, .transferEncoding, .upgrade, .http2Settings:
            throw .connectionSpecificField
        case .te:
            guard ASCII.equal(value, ignoringCaseOf: ("trailers" as StaticString).bytes) else {
                throw .connectionSpecificField
            }
        case .host where kind == .request:
            guard hostIndex == nil else { throw .malformedRequest(.repeatedHost) }
            hostIndex = index
        case .contentLength where kind != .trailers:
            guard head.contentLength == nil else { throw .invalidContentLength }
            head.contentLength = try Self.length(value)
        case .cookie:
            cookieCount += 1
        default: break
        }
    }

    // MARK: The whole

    /// The block is whole: what can only be said of all its fields.
    mutating func end() {
        guard error == nil else { return }
        do throws(HTTP2Error) {
            switch kind {
            case .request: try checkRequest()
            case .response: guard head.status != 0 else { throw .invalidPseudoHeader }
            case .trailers: TrailerFields.removeForbidden(&head)
            }
        } catch {
            fail(error)
        }
        if cookieCount > 1 { head.joinFields(.cookie, with: "; ") }
    }

    /// Which pseudo-headers a request has to have (RFC 9113 § 8.3.1, § 8.5; RFC 8441 § 4).
    private func checkRequest() throws(HTTP2Error) {
        guard let method else { throw .invalidPseudoHeader }
        if Self.equal(head.bytes(method), "CONNECT"), `protocol` == nil {
            guard scheme == nil, path == nil, authority != nil else { throw .invalidPseudoHeader }
            return
        }
        guard let scheme, let path, !path.isEmpty else { throw .invalidPseudoHeader }
        guard Self.equal(head.bytes(scheme), "http") || Self.equal(head.bytes(scheme), "https") else {
            throw .invalidPseudoHeader
        }
        if let `protocol` {
            guard Self.equal(head.bytes(method), "CONNECT"), !`protocol`.isEmpty, authority != nil else {
                throw .invalidPseudoHeader
            }
        }
    }

    /// Brings a request into the canonical form that one over HTTP/1.1 has, by the same rules.
    /// - Parameter listenerScheme: What `:scheme` says is the caller's word only.
    mutating func canonicalize(scheme listenerScheme: Scheme) throws(HTTP2Error) -> HTTP2RequestFraming.Tunnel {
        head.scheme = listenerScheme
        let methodBytes = method ?? .empty
        let isConnect = Self.equal(head.bytes(methodBytes), "CONNECT")
        var tunnel = HTTP2RequestFraming.Tunnel.none
        do throws(MalformedRequest) {
            try setMethod(methodBytes)
            if isConnect, let `protocol` {
                // As HTTP/1.1 asks for it: one form for the rules, whatever the call came in on.
                guard Self.equal(head.bytes(`protocol`), UpgradeProtocol.webSocket.name) else {
                    return .unknownProtocol
                }
                head.setMethod(("GET" as StaticString).bytes)
                head.upgrade = .webSocket
                tunnel = .webSocket
            } else if isConnect {
                tunnel = .connection
            }
            try setHost()
            if tunnel == .connection {
                guard head.hostPort != 0 else { throw .invalidTarget }
                return tunnel
            }
            try setPath()
        } catch {
            throw .malformedRequest(error)
        }
        return tunnel
    }

    private mutating func setMethod(_ range: ByteRange) throws(MalformedRequest) {
        guard range.count > 0, range.count <= HTTP1RequestParser.methodByteLimit else { throw .invalidMethod }
        for index in range.bounds where !ByteClass.token.contains(head.storage[index]) { throw .invalidMethod }
        head.method = range
        head.knownMethod = KnownMethod(head.bytes(range))
    }

    /// `:authority`, or `host` where there is none; both only if they name the same.
    private mutating func setHost() throws(MalformedRequest) {
        if let hostIndex {
            let value = head.fields[hostIndex].value
            try head.setHost(canonicalizing: value)
            guard let authority, !authority.isEmpty else { return }
            let host = head.host
            let port = head.hostPort
            try head.setHost(canonicalizing: authority)
            guard ASCII.equal(head.bytes(host), head.bytes(head.host)), port == head.hostPort else {
                throw .hostMismatch
            }
            return
        }
        guard let authority, !authority.isEmpty else { throw .missingHost }
        // Those who match fields find it where HTTP/1.1 has it.
        let name = head.append(KnownField.host.name.bytes)
        head.appendField(MessageHead.Field(name: name, value: authority, known: .host))
        try head.setHost(canonicalizing: authority)
    }

    private mutating func setPath() throws(MalformedRequest) {
        guard let path else { throw .invalidTarget }
        let isAsterisk = path.count == 1 && head.storage[Int(path.offset)] == UInt8(ascii: "*")
        if isAsterisk {
            guard head.knownMethod == .options else { throw .invalidTarget }
            head.path = path
            return
        }
        // gRPC's authorization was once got around without it (CVE-2026-33186).
        guard head.storage[Int(path.offset)] == UInt8(ascii: "/") else { throw .invalidTarget }
        guard path.count <= Self.targetByteLimit else { throw .invalidTarget }
        try head.setPath(canonicalizing: path)
    }

    /// 64 KiB: a header list has no more.
    private static let targetByteLimit = 64 * 1024

    // MARK: Bytes

    private static func equal(_ bytes: Span<UInt8>, _ text: StaticString) -> Bool { ASCII.equal(bytes, text.bytes) }

    /// A token without upper case.
    private static func isName(_ bytes: Span<UInt8>) -> Bool {
        guard !bytes.isEmpty else { return false }
        for index in bytes.indices {
            let byte = bytes[index]
            guard ByteClass.token.contains(byte), byte &- 0x41 >= 26 else { return false }
        }
        return true
    }

    private static func isValue(_ bytes: Span<UInt8>) -> Bool {
        guard !bytes.isEmpty else { return true }
        guard !isWhiteSpace(bytes[0]), !isWhiteSpace(bytes[bytes.count - 1]) else { return false }
        for index in bytes.indices {
            let byte = bytes[index]
            guard byte >= 0x20 ? byte != 0x7F : byte == 0x09 else { return false }
        }
        return true
    }

    private static func isWhiteSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == 0x09 }

    private static func status(_ bytes: Span<UInt8>) throws(HTTP2Error) -> UInt16 {
        guard bytes.count == 3 else { throw .invalidStatus }
        var status: UInt16 = 0
        for index in bytes.indices {
            guard ASCII.isDigit(bytes[index]) else { throw .invalidStatus }
            status = status * 10 + UInt16(bytes[index] - 0x30)
        }
        guard status >= 100 else { throw .invalidStatus }
        return status
    }

    private static func length(_ digits: Span<UInt8>) throws(HTTP2Error) -> UInt64 {
        guard !digits.isEmpty, digits.count <= 18 else { throw .invalidContentLength }
        var length: UInt64 = 0
        for index in digits.indices {
            guard ASCII.isDigit(digits[index]) else { throw .invalidContentLength }
            length = length * 10 + UInt64(digits[index] - 0x30)
        }
        return length
    }
}

/// What a request's head says of what follows it.
package struct HTTP2RequestFraming {
    /// What the stream becomes.
    package enum Tunnel {
        case none
        /// CONNECT (RFC 9113 § 8.5).
        case connection
        /// Extended CONNECT for a WebSocket (RFC 8441).
        case webSocket
        /// Extended CONNECT for something else: 501 (RFC 9220 § 3).
        case unknownProtocol
    }

    package let tunnel: Tunnel
    package let endsStream: Bool
    /// `nil`: it was not said.
    package let contentLength: UInt64?
}
