/// Methods with a bit of their own in a program's method set (RFC 9110 § 9, RFC 5789).
public enum KnownMethod: UInt8, Sendable, CaseIterable {
    case other, get, head, post, put, delete, connect, options, trace, patch

    /// As it is sent; empty for `.other`.
    package var name: StaticString {
        switch self {
        case .other: ""
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .delete: "DELETE"
        case .connect: "CONNECT"
        case .options: "OPTIONS"
        case .trace: "TRACE"
        case .patch: "PATCH"
        }
    }

    /// The method of these bytes, upper and lower case being two; `.other` if it is not a known one.
    package init(_ bytes: Span<UInt8>) {
        let candidate = Self.candidate(bytes)
        self = candidate == .other || !ASCII.equal(bytes, candidate.name.bytes) ? .other : candidate
    }

    private static func candidate(_ bytes: Span<UInt8>) -> KnownMethod {
        switch bytes.count {
        case 3: bytes[0] == UInt8(ascii: "G") ? .get : .put
        case 4: bytes[0] == UInt8(ascii: "P") ? .post : .head
        case 5: bytes[0] == UInt8(ascii: "P") ? .patch : .trace
        case 6: .delete
        case 7: bytes[0] == UInt8(ascii: "C") ? .connect : .options
        default: .other
        }
    }

    /// Twice is as good as once (RFC 9110 § 9.2.2).
    @inlinable
    public var isIdempotent: Bool {
        switch self {
        case .get, .head, .put, .delete, .options, .trace: true
        case .other, .post, .connect, .patch: false
        }
    }
}
