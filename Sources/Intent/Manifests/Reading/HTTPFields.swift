import Diagnostics
import HTTPSemantics
import YAMLSyntax

extension Scalar {
    /// A field name (RFC 9110 § 5.1: a token), in lower case, 256 bytes at most.
    static func headerName(_ node: YAMLNode, _ problems: inout Problems) -> String? {
        guard let text = text(node, &problems) else { return nil }
        guard text.isToken, text.utf8.count <= 256 else {
            problems.report(
                .invalidValue, node, expected: "a header name of at most 256 letters, digits and !#$%&'*+-.^_`|~",
                remedy: text.hasPrefix(":") ? "use the method, path or hostname fields instead" : "correct the name")
            return nil
        }
        return text.lowercased()
    }

    /// A field value (RFC 9110 § 5.5) of 1 to 4,096 bytes, without white space at either end.
    static func headerValue(_ node: YAMLNode, _ problems: inout Problems) -> String? {
        guard let text = text(node, &problems) else { return nil }
        guard ValueLanguage.fieldValue.canMatch(.exact(text)) else {
            problems.report(
                .invalidValue, node, expected: "a header value on one line, without white space at either end",
                remedy: "remove control characters, line breaks and outer white space")
            return nil
        }
        return text
    }

    /// A method (RFC 9110 § 9.1) of those that Gateway API knows.
    static func method(_ node: YAMLNode, _ problems: inout Problems) -> String? {
        guard let text = text(node, &problems) else { return nil }
        guard methods.contains(text) else {
            let near = NearestName(to: text, among: methods)
            problems.report(
                .invalidValue, node, expected: "one of \(methods.joined(separator: ", "))",
                remedy: near?.remedy ?? "name one of these methods")
            return nil
        }
        return text
    }

    private static let methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"]

    /// A name that a filter may set, add or remove: not what frames a message, what ends at each hop, or what Heddle
    /// itself vouches for. Where a call came from, a route may say, as a trusted proxy may.
    static func modifiableHeaderName(_ node: YAMLNode, _ problems: inout Problems) -> String? {
        guard let name = headerName(node, &problems) else { return nil }
        if isModifiable(name) { return name }
        let hyphenated = String(name.map { $0 == "_" ? "-" : $0 })
        let remedy =
            name == "host"
            ? "use a URLRewrite filter with hostname"
            : isModifiable(hyphenated)
                ? "write it with -, as \(hyphenated): many programs take both for one header"
                : "remove it: the proxy answers for this header"
        problems.report(.protectedHeader, node, expected: "a header that is not the proxy's own", remedy: remedy)
        return nil
    }

    /// - Parameter name: In lower case.
    private static func isModifiable(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        let known = KnownField(bytes.span)
        switch known {
        case .host, .contentLength, .trailer: return false
        default: if known.isHopByHop { return false }
        }
        return switch GuardedField(known, bytes.span) {
        case .none, .origin: true
        case .heddle, .alias: false
        }
    }
}

extension String {
    /// RFC 9110 § 5.6.2.
    var isToken: Bool {
        !isEmpty
            && utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
                case UInt8(ascii: "0")...UInt8(ascii: "9"): true
                case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E...0x60, 0x7C, 0x7E: true  // !#$%&'*+-.^_`|~
                default: false
                }
            }
    }
}
