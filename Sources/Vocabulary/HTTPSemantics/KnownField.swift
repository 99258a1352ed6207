/// Field names that Heddle itself reads or writes, interned so that comparing them is comparing a byte.
package enum KnownField: UInt8, Sendable, CaseIterable {
    case other
    case host, connection, contentLength, transferEncoding, te, trailer, upgrade, expect, keepAlive
    case proxyConnection, proxyAuthenticate, proxyAuthorization, http2Settings
    case date, server, via, cookie, authorization, contentType, location
    case forwardedFor, forwardedProto, forwardedHost, forwardedClientCert
    case requestID, traceparent, traceState
    case heddleCaller, heddleReason

    /// In lower case; empty for `.other`.
    package var name: StaticString {
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
        case .heddleCaller: "x-heddle-caller"
        case .heddleReason: "x-heddle-reason"
        }
    }
}

/// Methods with a bit of their own in a program's method set (RFC 9110 § 9, RFC 5789).
package enum KnownMethod: UInt8, Sendable, CaseIterable {
    case other, get, head, post, put, delete, connect, options, trace, patch
}
