/// What the name of a field says of who may say it. Asked once for each field that is no known one, when it is added: most are
/// told by their first letter, the others by their length.
package enum GuardedField {
    /// Anybody.
    case none
    /// Heddle alone: `x-heddle-*` and `x-forwarded-client-cert`.
    case heddle
    /// Who is trusted to say where a call came from.
    case origin
    /// Nobody: one of the two, or a known one of their kind, with `_` where it has `-`. CGI, WSGI and others make one variable
    /// of both, so that whichever comes last counts.
    case alias

    /// - Parameter name: In lower case.
    package init(_ known: KnownField, _ name: Span<UInt8>) {
        switch known {
        case .forwardedClientCert, .heddleCaller, .heddleReason, .heddleHops, .heddleCopy: self = .heddle
        case .forwardedFor, .forwardedHost, .forwardedProto: self = .origin
        case .other: self.init(name)
        default: self = .none
        }
    }

    /// - Parameter name: No known one, in lower case.
    @inline(__always)
    package init(_ name: Span<UInt8>) {
        guard name.count >= 9, Self.mayBegin(name[0]) else {
            self = .none
            return
        }
        self.init(ofCandidate: name)
    }

    @inline(__always)
    private static func mayBegin(_ letter: UInt8) -> Bool {
        switch letter {
        case UInt8(ascii: "x"), UInt8(ascii: "c"), UInt8(ascii: "f"), UInt8(ascii: "t"), UInt8(ascii: "p"),
            UInt8(ascii: "w"):
            true
        default: false
        }
    }

    private init(ofCandidate name: Span<UInt8>) {
        let kind = Self.kind(name)
        self = kind != .none && Self.hasUnderscore(name) ? .alias : kind
    }

    private static func kind(_ name: Span<UInt8>) -> GuardedField {
        if name[0] == UInt8(ascii: "x") {
            if begins(name, "x-heddle-") { return .heddle }
            if begins(name, "x-forwarded-") || begins(name, "x-original-") { return .origin }
        }
        return isOrigin(name) ? .origin : .none
    }

    /// What proxies and the front ends of providers are known to write, and frameworks to read.
    private static func isOrigin(_ name: Span<UInt8>) -> Bool {
        switch name.count {
        case 9: equal(name, "forwarded") || equal(name, "x-real-ip") || equal(name, "client-ip")
        case 11: equal(name, "x-client-ip") || equal(name, "x-remote-ip") || equal(name, "x-forwarded")
        case 12: equal(name, "x-url-scheme")
        case 13: equal(name, "x-remote-addr") || equal(name, "x-rewrite-url")
        case 14: equal(name, "true-client-ip")
        case 15: equal(name, "proxy-client-ip") || equal(name, "front-end-https")
        case 16:
            equal(name, "cf-connecting-ip") || equal(name, "fastly-client-ip") || equal(name, "x-originating-ip")
                || equal(name, "x-envoy-internal") || equal(name, "x-azure-clientip") || equal(name, "x-azure-socketip")
        case 18: equal(name, "cf-connecting-ipv6") || equal(name, "wl-proxy-client-ip")
        case 19: equal(name, "x-cluster-client-ip") || equal(name, "x-appengine-user-ip")
        case 24: equal(name, "x-envoy-external-address")
        default: false
        }
    }

    private static func hasUnderscore(_ name: Span<UInt8>) -> Bool {
        for index in name.indices where name[index] == UInt8(ascii: "_") { return true }
        return false
    }

    private static func equal(_ name: Span<UInt8>, _ other: StaticString) -> Bool {
        name.count == other.utf8CodeUnitCount && begins(name, other)
    }

    /// With `_` read as `-`.
    private static func begins(_ name: Span<UInt8>, _ prefix: StaticString) -> Bool {
        let prefix = prefix.bytes
        guard name.count >= prefix.count else { return false }
        for index in prefix.indices {
            let byte = name[index] == UInt8(ascii: "_") ? UInt8(ascii: "-") : name[index]
            guard byte == prefix[index] else { return false }
        }
        return true
    }
}
