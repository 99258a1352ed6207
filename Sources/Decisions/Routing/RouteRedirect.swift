package import HTTPSemantics
import Manifests

/// Gateway API's RequestRedirect, ready to answer with.
package struct RouteRedirect: Sendable {
    /// 301, 302, 303, 307 or 308.
    package let status: UInt16
    private let scheme: Scheme?
    /// Empty: the request's.
    private let hostname: [UInt8]
    /// 0: not set.
    private let port: UInt16
    private let path: CompiledPathModifier?

    init(_ redirect: RequestRedirect) {
        status = UInt16(redirect.statusCode)
        scheme =
            switch redirect.scheme {
            case .http: .http
            case .https: .https
            case nil: nil
            }
        hostname = Array((redirect.hostname ?? "").utf8)
        port = redirect.port ?? 0
        path = redirect.path.map(CompiledPathModifier.init)
    }

    /// Writes the value of `Location` for a request: absolute, with the request's query.
    ///
    /// The port is the filter's; else the well-known one of the filter's scheme; else the listener's. It is left out where
    /// it is the well-known one of the scheme that is written.
    /// - Parameters:
    ///   - prefixByteCount: The match's.
    ///   - listenerPort: The port the gateway's listener has in its manifest. For a call to a service, which has no
    ///     listener, the port its `Host` named, 0 for none.
    ///   - location: What is written is added at its end.
    package func appendLocation(
        for head: borrowing MessageHead, prefixByteCount: Int, listenerPort: UInt16, to location: inout [UInt8]
    ) {
        let scheme = scheme ?? head.scheme
        switch scheme {
        case .http: location.append("http://")
        case .https: location.append("https://")
        }
        if hostname.isEmpty {
            location.append(copying: head.bytes(head.host))
        } else {
            location.append(copying: hostname.span)
        }

        let wellKnown: UInt16 = scheme == .https ? 443 : 80
        var port = port
        if port == 0 { port = self.scheme == nil ? listenerPort : wellKnown }
        if port != 0, port != wellKnown {
            location.append(UInt8(ascii: ":"))
            location.appendDecimal(port)
        }
        appendPath(of: head, prefixByteCount: prefixByteCount, to: &location)
        if head.hasQuery {
            location.append(UInt8(ascii: "?"))
            location.append(copying: head.bytes(head.query))
        }
    }

    private func appendPath(of head: borrowing MessageHead, prefixByteCount: Int, to location: inout [UInt8]) {
        let original = head.bytes(head.path)
        guard !original.isEmpty, original[0] == UInt8(ascii: "/") else {
            // `OPTIONS *` and `CONNECT` have no path that a Location could have.
            location.append(UInt8(ascii: "/"))
            return
        }
        switch path {
        case nil: location.append(copying: original)
        case .full(let bytes): location.append(copying: bytes.span)
        case .prefix(let bytes):
            let rest = original.extracting(prefixByteCount..<original.count)
            location.append(copying: bytes.span)
            location.append(copying: rest)
            if bytes.isEmpty, rest.isEmpty { location.append(UInt8(ascii: "/")) }
        }
    }
}

extension [UInt8] {
    fileprivate mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { unsafe append(contentsOf: $0) }
    }

    fileprivate mutating func appendDecimal(_ number: UInt16) {
        var divisor: UInt16 = 10_000
        while divisor > 1, number < divisor { divisor /= 10 }
        while divisor > 0 {
            append(UInt8(ascii: "0") + UInt8(number / divisor % 10))
            divisor /= 10
        }
    }
}
