import CommonValues
import Diagnostics
import SPIFFE
import YAMLSyntax

extension StringPattern {
    /// `abc`, `abc*`, `*abc` or `*`.
    /// - Returns: `nil` if `text` is empty, or has a `*` elsewhere.
    package init?(_ text: String) {
        let star = UInt8(ascii: "*")
        if text == "*" {
            self = .present
        } else if text.utf8.last == star {
            self = .prefix(String(text.dropLast()))
        } else if text.utf8.first == star {
            self = .suffix(String(text.dropFirst()))
        } else {
            self = .exact(text)
        }
        guard !text.isEmpty, !literal.utf8.contains(star) else { return nil }
    }

    /// The text without the `*`.
    var literal: String {
        switch self {
        case .exact(let text), .prefix(let text), .suffix(let text): text
        case .present: ""
        }
    }

    /// With another text.
    func replacingLiteral(with text: String) -> StringPattern {
        switch self {
        case .exact: .exact(text)
        case .prefix: .prefix(text)
        case .suffix: .suffix(text)
        case .present: .present
        }
    }

    static func text(_ node: YAMLNode, _ problems: inout Problems) -> StringPattern? {
        guard let text = Scalar.text(node, &problems) else { return nil }
        if let pattern = StringPattern(text) { return pattern }
        problems.report(
            .invalidValue, node, expected: "a text, or one with a single \"*\" at its beginning or its end",
            remedy: "list each text, or move the \"*\" to the beginning or the end: there are no other wildcards")
        return nil
    }

    /// A SPIFFE ID. Istio's form without `spiffe://` means the same.
    static func principal(_ node: YAMLNode, _ problems: inout Problems) -> StringPattern? {
        guard let pattern = text(node, &problems) else { return nil }
        let scheme = "spiffe://"
        switch pattern {
        case .present, .suffix: return pattern
        case .prefix(let text):
            return text.hasPrefix(scheme) || scheme.hasPrefix(text) ? pattern : .prefix(scheme + text)
        case .exact(let text):
            let id = text.hasPrefix(scheme) ? text : scheme + text
            if SPIFFEID(id) != nil { return .exact(id) }
            problems.report(
                .invalidValue, node, expected: "a SPIFFE ID, such as \"spiffe://mesh.local/ns/shop/sa/web\"",
                remedy: LookAlikes(in: text)?.remedy ?? "correct it, or use serviceAccounts: [shop/web]")
            return nil
        }
    }

    /// A canonical host: lower case, no port, no dot at the end.
    static func host(_ node: YAMLNode, _ problems: inout Problems) -> StringPattern? {
        guard let pattern = text(node, &problems) else { return nil }
        let literal = pattern.literal.lowercased()
        var isExactOrSuffix = true
        if case .prefix = pattern { isExactOrSuffix = false }
        let hasPort = isExactOrSuffix && !literal.hasSuffix("]") && literal.contains(":") && IPAddress(literal) == nil
        guard !hasPort, !(isExactOrSuffix && literal.hasSuffix(".")) else {
            problems.report(
                .invalidValue, node, expected: "a host as it is compared: without port and without \".\" at the end",
                remedy: hasPort ? "move the port to ports" : "remove the \".\" at the end")
            return nil
        }
        return pattern.replacingLiteral(with: literal)
    }

    static func method(_ node: YAMLNode, _ problems: inout Problems) -> StringPattern? {
        guard let pattern = text(node, &problems) else { return nil }
        let literal = pattern.literal
        guard pattern == .present || literal.isToken, literal == literal.uppercased() else {
            problems.report(
                .invalidValue, node, expected: "a method in upper case: methods are case-sensitive",
                remedy: literal.isToken
                    ? "change it to \"\(literal.uppercased())\""
                    : LookAlikes(in: literal)?.remedy ?? "name a method, such as GET")
            return nil
        }
        return pattern
    }
}

extension PathPattern {
    /// A string pattern over canonical paths, or a template. What no canonical path can match is refused: in a DENY rule
    /// it would be a hole.
    static func decode(_ node: YAMLNode, _ problems: inout Problems) -> PathPattern? {
        guard let text = Scalar.text(node, &problems) else { return nil }
        if text.contains("{") || text.contains("}") { return template(text, node, &problems) }
        guard let pattern = StringPattern.text(node, &problems) else { return nil }
        let literal = pattern.literal
        do throws(ManifestPath.Refusal) {
            let canonical: String
            switch pattern {
            case .present: return .string(.present)
            case .exact: canonical = try ManifestPath.canonical(literal)
            case .prefix:
                guard literal.hasPrefix("/") else { throw .noSlash }
                canonical = try ManifestPath.fragment(literal)
            case .suffix: canonical = try ManifestPath.fragment(literal)
            }
            if hasDotSegment(canonical, pattern) { throw .dotSegment }
            return .string(pattern.replacingLiteral(with: canonical))
        } catch {
            problems.report(
                .invalidValue, node, expected: "a path, or part of one, that a request can have", remedy: error.remedy)
            return nil
        }
    }

    /// Whether a segment that is whole in the pattern is `.` or `..`.
    private static func hasDotSegment(_ text: String, _ pattern: StringPattern) -> Bool {
        var segments = text.split(separator: "/", omittingEmptySubsequences: false)[...]
        if case .prefix = pattern { segments = segments.dropLast() }
        if case .suffix = pattern { segments = segments.dropFirst() }
        return segments.contains(".") || segments.contains("..")
    }

    private static func template(_ text: String, _ node: YAMLNode, _ problems: inout Problems) -> PathPattern? {
        var segments: [Segment] = []
        var matchesRest = false
        do throws(TemplateMistake) {
            guard text.utf8.first == UInt8(ascii: "/") else { throw TemplateMistake(remedy: "begin it with \"/\"") }
            for part in text.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
                if matchesRest { throw TemplateMistake(remedy: "move {**} to the end: it stands for all that follows") }
                switch part {
                case "{*}": segments.append(.any)
                case "{**}": matchesRest = true
                case "": throw TemplateMistake(remedy: "remove the \"/\" at the end, or the one that is doubled")
                default: segments.append(.literal(try literal(part)))
                }
            }
        } catch {
            problems.report(
                .invalidValue, node,
                expected: "a path template: whole segments, {*} for any one, a final {**} for the rest",
                remedy: error.remedy)
            return nil
        }
        return .template(segments, matchesRest: matchesRest)
    }

    private struct TemplateMistake: Error {
        let remedy: String
    }

    private static func literal(_ segment: Substring) throws(TemplateMistake) -> String {
        if segment.contains("{") || segment.contains("}") {
            throw TemplateMistake(remedy: "write {*} or {**} as a whole segment, and no other name in braces")
        }
        if segment.contains("*") {
            throw TemplateMistake(remedy: "write {*} for a segment: a template has no other \"*\"")
        }
        do throws(ManifestPath.Refusal) {
            return String(try ManifestPath.canonical("/" + segment).dropFirst())
        } catch {
            throw TemplateMistake(remedy: error.remedy)
        }
    }
}
