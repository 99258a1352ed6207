import HTTPSemantics

/// One header block on its way in (RFC 9113 § 8.2, § 8.3): its fields go straight into a head, each checked as it comes.
/// Checks go on to the end, for the decoder has to; the first mistake is kept.
struct HTTP2FieldBlock: ~Copyable {
    enum Kind {
        case request, response, trailers
        /// Of a stream that is over: read, for the blocks after it, and thrown away.
        case discarded
    }

    var head = MessageHead()
    private(set) var kind = Kind.request
    private(set) var error: HTTP2Error?
    /// Which limit it is over, `headerListTooLarge` or `tooManyFields`; only its content type is kept since.
    private(set) var exceeded: HTTP2Error?
    /// More than anybody sends by mistake.
    private(set) var isBomb = false

    // Pseudo-header fields; `nil`: not there. They stand in the head's bytes.
    private var method: ByteRange?
    private var scheme: ByteRange?
    private var authority: ByteRange?
    private var path: ByteRange?
    /// `:protocol`.
    private var upgrade: ByteRange?

    private var hasFields = false
    private var fieldCount = 0
    private var cookieCount = 0
    private var hostIndex: Int?
    /// RFC 9113 § 6.5.2.
    private var listByteCount = 0

    mutating func begin(_ kind: Kind) {
        head.removeAll()
        self.kind = kind
        error = nil
        exceeded = nil
        isBomb = false
        method = nil
        scheme = nil
        authority = nil
        path = nil
        upgrade = nil
        hasFields = false
        fieldCount = 0
        cookieCount = 0
        hostIndex = nil
        listByteCount = 0
    }

    /// Gives its memory back, and forgets what it had.
    mutating func releaseMemory() {
        head = MessageHead(byteCapacity: 0, fieldCapacity: 0)
        begin(kind)
    }

    /// - Parameters:
    ///   - known: The name, interned.
    ///   - isWellFormed: That has been found out already.
    ///   - isNeverIndexed: As it was encoded: whoever sends it on does the same (RFC 7541 § 7.1.3).
    mutating func add(
        _ name: Span<UInt8>, _ value: Span<UInt8>, known: KnownField, isWellFormed: Bool, isNeverIndexed: Bool,
        limits: borrowing HTTP2Limits
    ) {
        listByteCount += name.count + value.count + 32
        if listByteCount > limits.headerListByteCount || max(name.count, value.count) > HTTP2Limits.fieldByteLimit {
            exceeded = exceeded ?? .headerListTooLarge
            if listByteCount > 4 * limits.headerListByteCount { isBomb = true }
        }
        guard exceeded == nil else { return keepType(name, value, known) }
        guard error == nil, kind != .discarded else { return }
        if Self.isPseudo(name) {
            error = isWellFormed || Self.isValue(value) ? addPseudoField(name, value) : .invalidFieldValue
        } else {
            error = isWellFormed ? nil : Self.fieldError(name, value, known)
            if error == nil { error = addField(name, value, known, isNeverIndexed, limits) }
        }
    }

    /// A field of this name and this value may stand in some message.
    static func isWellFormed(_ name: Span<UInt8>, _ value: Span<UInt8>, _ known: KnownField) -> Bool {
        isPseudo(name) ? isValue(value) : fieldError(name, value, known) == nil
    }

    @inline(__always)
    private static func isPseudo(_ name: Span<UInt8>) -> Bool { !name.isEmpty && name[0] == UInt8(ascii: ":") }

    private static func fieldError(_ name: Span<UInt8>, _ value: Span<UInt8>, _ known: KnownField) -> HTTP2Error? {
        guard known != .other || isName(name) else { return .invalidFieldName }
        return isValue(value) ? nil : .invalidFieldValue
    }

    /// Of a head over a limit all that is still of use: how it is to be answered.
    private mutating func keepType(_ name: Span<UInt8>, _ value: Span<UInt8>, _ known: KnownField) {
        guard kind == .request, value.count <= 64, known == .contentType else { return }
        head.addField(name: name, known: .contentType, value: value, isNeverIndexed: false)
    }

    // MARK: Pseudo-header fields

    private mutating func addPseudoField(_ name: Span<UInt8>, _ value: Span<UInt8>) -> HTTP2Error? {
        switch kind {
        case .request: return addRequestPseudoField(name, value)
        case .response:
            guard ASCII.equal(name, (":status" as StaticString).bytes) else { return .unknownPseudoField }
            if let error = placeError(isRepeated: head.status != 0) { return error }
            guard let status = Self.status(value) else { return .invalidStatus }
            head.status = status
            return nil
        case .trailers, .discarded: return .unexpectedPseudoField
        }
    }

    private mutating func addRequestPseudoField(_ name: Span<UInt8>, _ value: Span<UInt8>) -> HTTP2Error? {
        switch name.count {
        case 5 where ASCII.equal(name, (":path" as StaticString).bytes):
            if let error = placeError(isRepeated: path != nil) { return error }
            path = head.append(value)
        case 7 where ASCII.equal(name, (":method" as StaticString).bytes):
            if let error = placeError(isRepeated: method != nil) { return error }
            method = head.append(value)
        case 7 where ASCII.equal(name, (":scheme" as StaticString).bytes):
            if let error = placeError(isRepeated: scheme != nil) { return error }
            scheme = head.append(value)
        case 9 where ASCII.equal(name, (":protocol" as StaticString).bytes):
            if let error = placeError(isRepeated: upgrade != nil) { return error }
            upgrade = head.append(value)
        case 10 where ASCII.equal(name, (":authority" as StaticString).bytes):
            if let error = placeError(isRepeated: authority != nil) { return error }
            authority = head.append(value)
        default: return .unknownPseudoField
        }
        return nil
    }

    private func placeError(isRepeated: Bool) -> HTTP2Error? {
        if isRepeated { return .repeatedPseudoField }
        return hasFields ? .latePseudoField : nil
    }

    private static func status(_ value: Span<UInt8>) -> UInt16? {
        guard value.count == 3 else { return nil }
        var status: UInt16 = 0
        for index in 0..<3 {
            guard ASCII.isDigit(value[index]) else { return nil }
            status = status * 10 + UInt16(value[index] - 0x30)
        }
        return status >= 100 && status != 101 ? status : nil
    }

    // MARK: Fields

    private mutating func addField(
        _ name: Span<UInt8>, _ value: Span<UInt8>, _ known: KnownField, _ isNeverIndexed: Bool,
        _ limits: borrowing HTTP2Limits
    ) -> HTTP2Error? {
        hasFields = true
        switch known {
        case .connection, .keepAlive, .proxyConnection, .transferEncoding, .upgrade: return .connectionSpecificField
        case .te:
            guard ASCII.equal(value, ignoringCaseOf: ("trailers" as StaticString).bytes) else { return .invalidTE }
        case .contentLength where kind != .trailers:
            guard head.contentLength == nil else { return .repeatedContentLength }
            guard let length = ContentLength.parse(value) else { return .invalidContentLength }
            head.contentLength = length
        case .host where kind == .request:
            guard hostIndex == nil else { return .malformedRequest(.repeatedHost) }
            hostIndex = head.fieldCount
        case .expect where kind == .request:
            guard ASCII.equal(value, ignoringCaseOf: ("100-continue" as StaticString).bytes) else {
                return .unsupportedExpectation
            }
        case .cookie: cookieCount += 1
        default: break
        }
        if known != .cookie { fieldCount += 1 }
        guard fieldCount <= limits.fieldCount else {
            exceeded = .tooManyFields
            return nil
        }
        head.addField(name: name, known: known, value: value, isNeverIndexed: isNeverIndexed)
        return nil
    }

    /// A token without upper-case letters (RFC 9113 § 8.2.1).
    private static func isName(_ name: Span<UInt8>) -> Bool {
        guard !name.isEmpty else { return false }
        for index in name.indices where !ByteClass.lowercaseToken.contains(name[index]) { return false }
        return true
    }

    /// As strict as values of HTTP/1.1 are read, and without white space around them.
    private static func isValue(_ value: Span<UInt8>) -> Bool {
        guard !value.isEmpty else { return true }
        guard !isWhiteSpace(value[0]), !isWhiteSpace(value[value.count - 1]) else { return false }
        return HTTP1FieldLines.endOfValue(value, 0) == value.count
    }

    private static func isWhiteSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

    // MARK: The whole

    /// The block has ended.
    /// - Parameter keepsReason: Of trailers: see `TrailerFields`.
    /// - Returns: What it misses, or the first mistake in it.
    mutating func finish(keepsReason: Bool = false) -> HTTP2Error? {
        if let error { return error }
        switch kind {
        case .request: return requestError()
        case .response: return head.status == 0 ? .missingPseudoField : nil
        case .trailers:
            TrailerFields.removeForbidden(&head, keepsReason: keepsReason)
            return nil
        case .discarded: return nil
        }
    }

    private mutating func requestError() -> HTTP2Error? {
        guard let method else { return .missingPseudoField }
        guard Self.isMethod(head.bytes(method)) else { return .malformedRequest(.invalidMethod) }
        let knownMethod = KnownMethod(head.bytes(method))
        head.method = method
        head.knownMethod = knownMethod
        if head.knownMethod == .connect, upgrade == nil {
            guard authority != nil else { return .missingPseudoField }
            return scheme != nil || path != nil ? .unexpectedPseudoField : nil
        }
        guard let scheme, let path else { return .missingPseudoField }
        if upgrade != nil {
            guard head.knownMethod == .connect else { return .unexpectedPseudoField }
            guard authority != nil else { return .missingPseudoField }
        }
        guard Self.isHTTP(head.bytes(scheme)) else { return .invalidScheme }
        let target = head.bytes(path)
        guard !target.isEmpty else { return .invalidPath }
        if target[0] == UInt8(ascii: "/") { return nil }
        return target.count == 1 && target[0] == UInt8(ascii: "*") && head.knownMethod == .options ? nil : .invalidPath
    }

    /// Of a request: what follows it is no body.
    var isTunnel: Bool { head.knownMethod == .connect }

    private static func isMethod(_ bytes: Span<UInt8>) -> Bool {
        guard !bytes.isEmpty, bytes.count <= HTTP1RequestParser.methodByteLimit else { return false }
        for index in bytes.indices where !ByteClass.method.contains(bytes[index]) { return false }
        return true
    }

    private static func isHTTP(_ scheme: Span<UInt8>) -> Bool {
        ASCII.equal(scheme, ignoringCaseOf: Scheme.https.bytes)
            || ASCII.equal(scheme, ignoringCaseOf: Scheme.http.bytes)
    }

    /// Brings a request that `finish` found nothing wrong with to canonical form, by what brings one of HTTP/1.1 to it.
    /// - Parameter scheme: The listener's.
    mutating func canonicalize(
        scheme: Scheme, endsStream: Bool, limits: HTTP2Limits
    ) throws(HTTP2Error) -> HTTP2RequestFraming {
        var framing = HTTP2RequestFraming()
        framing.endsStream = endsStream
        head.scheme = scheme
        if let path, path.count > limits.targetByteCount { throw .targetTooLong }
        do throws(MalformedRequest) {
            try setHost()
            if let path {
                if head.bytes(path)[0] == UInt8(ascii: "*") {
                    head.path = path
                } else {
                    try head.setPath(canonicalizing: path)
                }
            }
        } catch {
            throw .malformedRequest(error)
        }
        if cookieCount > 1 { head.joinFields(.cookie, with: "; ") }
        if head.knownMethod == .connect {
            // What a tunnel carries is no body, and no length counts it.
            head.contentLength = nil
            framing.tunnel = .connection
            if let upgrade {
                guard ASCII.equal(head.bytes(upgrade), ignoringCaseOf: UpgradeProtocol.webSocket.name.bytes) else {
                    throw .unsupportedProtocol
                }
                head.upgrade = .webSocket
                head.setMethod(KnownMethod.get.name.bytes)
                framing.tunnel = .webSocket
            } else if head.hostPort == 0 {
                throw .malformedRequest(.invalidTarget)
            }
        }
        framing.contentLength = head.contentLength
        return framing
    }

    /// Takes the host from `:authority` and `host`, which must agree where both are there (RFC 9113 § 8.3.1).
    private mutating func setHost() throws(MalformedRequest) {
        guard let hostIndex else {
            guard let authority else { throw .missingHost }
            try head.setHost(canonicalizing: authority)
            return head.addHostField()
        }
        try head.setHost(canonicalizing: head.fields[hostIndex].value)
        guard let authority else { return }
        let host = head.host
        let port = head.hostPort
        try head.setHost(canonicalizing: authority)
        guard ASCII.equal(head.bytes(host), head.bytes(head.host)) else { throw .hostMismatch }
        let defaultPort: UInt16 = head.scheme == .https ? 443 : 80
        guard (port == 0 ? defaultPort : port) == (head.hostPort == 0 ? defaultPort : head.hostPort) else {
            throw .hostMismatch
        }
    }
}
