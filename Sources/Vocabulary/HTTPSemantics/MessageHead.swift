/// The head of a request or response, whatever version of HTTP it came in: one buffer of bytes and a table of ranges
/// into it. Made to be kept and filled again, so that a steady state allocates nothing.
///
/// Field names are stored in lower case; names and values hold no CR, LF or NUL, values no surrounding white space.
/// Whoever fills a head answers for that.
public struct MessageHead: ~Copyable {
    public struct Field {
        public var name: ByteRange
        public var value: ByteRange
        /// The interned name, `.other` where it is not a common one.
        public var known: KnownField
        /// Whoever encoded it wants it in no table of a compressor, on any hop (RFC 7541 § 7.1.3).
        public var isNeverIndexed = false

        @inlinable
        public init(name: ByteRange, value: ByteRange, known: KnownField) {
            self.name = name
            self.value = value
            self.known = known
        }
    }

    /// All bytes of the head; the ranges below point into it.
    public internal(set) var storage: ByteBuffer
    /// A request's `host` is one of them, for those who match fields: its value is the canonical host.
    public internal(set) var fields: [Field] = []

    /// Which known names there are: a bit of `KnownField.bit` each, so that what is not there is not looked for. And whether there
    /// may be others that are guarded.
    @usableFromInline
    var names: UInt64 = 0

    /// A token without lower-case letters, as it came (RFC 9110 § 9.1: methods are case-sensitive). Requests only.
    public var method = ByteRange.empty
    public var knownMethod = KnownMethod.other
    public var scheme = Scheme.http
    /// Canonical host: lower case, without port and without one trailing dot. Requests only.
    public var host = ByteRange.empty
    /// The port that `Host` named, 0 where it named none.
    public var hostPort: UInt16 = 0
    /// Canonical path, without query; `*` for `OPTIONS *`; empty for `CONNECT`. Requests only.
    public var path = ByteRange.empty
    /// Without the `?`; meaningful only if `hasQuery`.
    public var query = ByteRange.empty
    public var hasQuery = false
    /// The path holds `%2F` or `%5C`: what they mean depends on the service it goes to.
    public var hasEscapedSlash = false
    /// What `Content-Length` said, `nil` where there was none. Kept beside the fields, so that no edit of them reaches the
    /// framing, and that a response to `HEAD` can still say it.
    public var contentLength: UInt64?
    /// What a request asks to go on with on its connection, or its stream. In canonical form its method is `GET`.
    public var upgrade = UpgradeProtocol.none
    /// 100 to 999. Responses only.
    public var status: UInt16 = 0

    /// - Parameters: what to make room for at once; it grows as messages need it, and stays.
    package init(byteCapacity: Int = 4096, fieldCapacity: Int = 64) {
        storage = ByteBuffer(capacity: byteCapacity)
        fields.reserveCapacity(fieldCapacity)
    }

    /// Forgets the message, keeps the memory.
    package mutating func removeAll() {
        storage.removeAll()
        if !fields.isEmpty { fields.removeAll(keepingCapacity: true) }
        names = 0
        method = .empty
        knownMethod = .other
        scheme = .http
        host = .empty
        hostPort = 0
        path = .empty
        query = .empty
        hasQuery = false
        hasEscapedSlash = false
        contentLength = nil
        upgrade = .none
        status = 0
    }

    /// The bytes of a range of this head.
    @inlinable @inline(__always)
    @_lifetime(borrow self)
    public func bytes(_ range: ByteRange) -> Span<UInt8> {
        storage.span.extracting(range.bounds)
    }

    @inlinable
    public var fieldCount: Int { fields.count }

    /// Adds bytes to the head's storage and says where they stand.
    package mutating func append(_ bytes: Span<UInt8>) -> ByteRange {
        let start = storage.count
        storage.append(copying: bytes)
        return ByteRange(offset: start, count: bytes.count)
    }

    package mutating func append(_ bytes: some Sequence<UInt8>) -> ByteRange {
        let start = storage.count
        storage.append(contentsOf: bytes)
        return ByteRange(offset: start, count: storage.count - start)
    }

    package mutating func appendByte(_ byte: UInt8) { storage.append(byte) }

    /// Where the next byte will stand.
    public var end: Int { storage.count }

    package mutating func truncate(to end: Int) { storage.removeLast(storage.count - end) }

    /// - Parameter field: Its bytes are in the head already, its name interned.
    @inline(__always)
    package mutating func appendField(_ field: Field) {
        fields.append(field)
        names |= Self.bits(field.known, bytes(field.name))
    }
}

/// What a request may ask to go on with (RFC 9110 § 7.8, RFC 8441). Never `h2c`.
public enum UpgradeProtocol: UInt8, Sendable {
    case none, webSocket

    /// As `Upgrade` and `:protocol` name it.
    public var name: StaticString {
        switch self {
        case .none: ""
        case .webSocket: "websocket"
        }
    }
}

/// The scheme of a request: from the listener it came in on, never from its bytes.
public enum Scheme: UInt8, Sendable {
    case http, https

    /// `http` or `https`.
    public var name: StaticString {
        switch self {
        case .http: "http"
        case .https: "https"
        }
    }

    public var bytes: Span<UInt8> {
        @_lifetime(immortal) get { name.bytes }
    }
}

extension [UInt8] {
    /// Appends the bytes of a span, all at once.
    @inlinable
    public mutating func append(copying bytes: Span<UInt8>) {
        // SAFETY: the pointer does not leave the closure.
        unsafe bytes.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
    }
}
