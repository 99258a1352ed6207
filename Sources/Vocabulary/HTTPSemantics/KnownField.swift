/// Field names that Heddle itself reads or writes, interned so that comparing them is comparing a byte.
public enum KnownField: UInt8, Sendable, CaseIterable {
    case other
    case host, connection, contentLength, transferEncoding, te, trailer, upgrade, expect, keepAlive
    case proxyConnection, proxyAuthenticate, proxyAuthorization, http2Settings
    case date, server, via, cookie, authorization, contentType, location
    case forwardedFor, forwardedProto, forwardedHost, forwardedClientCert
    case requestID, traceparent, traceState
    case grpcTimeout, grpcStatus
    case maxForwards
    case heddleCaller, heddleReason, heddleHops, heddleCopy

    /// In lower case; empty for `.other`.
    @inlinable
    public var name: StaticString {
        switch self {
        case .other: ""
        case .host: "host"
        case .connection: "connection"
        case .contentLength: "content-length"
        case .transferEncoding: "transfer-encoding"
        case .te: "te"
        case .trailer: "trailer"
        case .upgrade: "upgrade"
        case .expect: "expect"
        case .keepAlive: "keep-alive"
        case .proxyConnection: "proxy-connection"
        case .proxyAuthenticate: "proxy-authenticate"
        case .proxyAuthorization: "proxy-authorization"
        case .http2Settings: "http2-settings"
        case .date: "date"
        case .server: "server"
        case .via: "via"
        case .cookie: "cookie"
        case .authorization: "authorization"
        case .contentType: "content-type"
        case .location: "location"
        case .forwardedFor: "x-forwarded-for"
        case .forwardedProto: "x-forwarded-proto"
        case .forwardedHost: "x-forwarded-host"
        case .forwardedClientCert: "x-forwarded-client-cert"
        case .requestID: "x-request-id"
        case .traceparent: "traceparent"
        case .traceState: "tracestate"
        case .grpcTimeout: "grpc-timeout"
        case .grpcStatus: "grpc-status"
        case .maxForwards: "max-forwards"
        case .heddleCaller: "x-heddle-caller"
        case .heddleReason: "x-heddle-reason"
        case .heddleHops: "x-heddle-hops"
        case .heddleCopy: "x-heddle-copy"
        }
    }

    /// The field of this name, `.other` if it is not a known one.
    /// - Parameter lowercase: The name, in lower case.
    package init(_ lowercase: Span<UInt8>) {
        let candidate = Self.candidate(lowercase)
        self = candidate == .other || !ASCII.equal(lowercase, candidate.name.bytes) ? .other : candidate
    }

    /// The only known field that this name can be, told by its length and one byte.
    private static func candidate(_ name: Span<UInt8>) -> KnownField {
        switch name.count {
        case 2: .te
        case 3: .via
        case 4: name[0] == UInt8(ascii: "h") ? .host : .date
        case 6: name[0] == UInt8(ascii: "c") ? .cookie : name[0] == UInt8(ascii: "s") ? .server : .expect
        case 7: name[0] == UInt8(ascii: "t") ? .trailer : .upgrade
        case 8: .location
        case 10:
            name[0] == UInt8(ascii: "c") ? .connection : name[0] == UInt8(ascii: "k") ? .keepAlive : .traceState
        case 11: name[0] == UInt8(ascii: "t") ? .traceparent : .grpcStatus
        case 12:
            switch name[0] {
            case UInt8(ascii: "c"): .contentType
            case UInt8(ascii: "x"): .requestID
            case UInt8(ascii: "m"): .maxForwards
            default: .grpcTimeout
            }
        case 13:
            name[0] == UInt8(ascii: "a") ? .authorization : name[9] == UInt8(ascii: "c") ? .heddleCopy : .heddleHops
        case 14: name[0] == UInt8(ascii: "c") ? .contentLength : .http2Settings
        case 15:
            name[2] == UInt8(ascii: "f") ? .forwardedFor : name[9] == UInt8(ascii: "c") ? .heddleCaller : .heddleReason
        case 16: name[0] == UInt8(ascii: "x") ? .forwardedHost : .proxyConnection
        case 17: name[0] == UInt8(ascii: "x") ? .forwardedProto : .transferEncoding
        case 18: .proxyAuthenticate
        case 19: .proxyAuthorization
        case 23: .forwardedClientCert
        default: .other
        }
    }
}
