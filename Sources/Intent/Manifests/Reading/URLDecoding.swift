import Diagnostics
import YAMLSyntax

extension Scalar {
    /// A URL of `http` or `https`, with whatever path and query.
    static func url(_ node: YAMLNode, _ problems: inout Problems) -> EndpointURL? {
        url(node, expected: "a URL of http or https", &problems)
    }

    /// One without a path: whoever asks knows the paths there.
    static func serverURL(_ node: YAMLNode, _ problems: inout Problems) -> EndpointURL? {
        let expected = "a URL of http or https without a path"
        guard let url = url(node, expected: expected, &problems) else { return nil }
        guard url.target == "/" else {
            problems.report(
                .invalidValue, node, expected: expected, remedy: "remove what follows the host and the port")
            return nil
        }
        return url
    }

    private static func url(_ node: YAMLNode, expected: String, _ problems: inout Problems) -> EndpointURL? {
        guard let text = text(node, &problems) else { return nil }
        do throws(EndpointURL.Refusal) { return try EndpointURL(text) } catch {
            // A password in it is not to be told again.
            let hasUser = error == .userInfo
            problems.report(
                Diagnostic(
                    .invalidValue, at: node.position, found: hasUser ? "a URL with a user" : node.summary,
                    expected: expected, remedy: error.remedy(text), isLineSecret: hasUser))
            return nil
        }
    }
}

extension EndpointURL {
    enum Refusal: Error {
        case scheme, userInfo, fragment, target, host

        func remedy(_ text: String) -> String {
            switch self {
            case .scheme:
                text.contains("://") ? "begin it with \"https://\"" : "write the scheme before it: \"https://\(text)\""
            case .userInfo: "remove what is before the \"@\", and name a file that it is read from"
            case .fragment: "remove \"#\" and what follows: it is never sent"
            case .target: "write what no URL may have as \"%\" and two hexadecimal digits"
            case .host: "write \"https://\", a DNS name or an IP address, and a port from 1 to 65535 if it has one"
            }
        }
    }

    init(_ text: String) throws(Refusal) {
        guard let colon = text.firstRange(of: "://") else { throw .scheme }
        switch text[..<colon.lowerBound].lowercased() {
        case "http": isTLS = false
        case "https": isTLS = true
        default: throw .scheme
        }
        let rest = text[colon.upperBound...]
        guard !rest.contains("#") else { throw .fragment }
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard !authority.contains("@") else { throw .userInfo }
        let hasPort = authority.hasSuffix("]") ? false : authority.contains(":")
        guard case .tcp(let host, let port)? = SocketAddress(hasPort ? String(authority) : "\(authority):1") else {
            throw .host
        }
        self.host = host
        self.port = hasPort ? port : isTLS ? 443 : 80
        let target = rest.dropFirst(authority.count)
        guard target.utf8.allSatisfy(Self.targetMayHave) else { throw .target }
        self.target = target.hasPrefix("/") ? String(target) : "/\(target)"
    }

    /// RFC 3986 § 3.3 and 3.4.
    private static func targetMayHave(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "-._~!$&'()*+,;=:@/?%".utf8.contains(byte)
        }
    }
}
