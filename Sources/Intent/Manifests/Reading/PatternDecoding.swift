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
        case .present: return pattern
        case .suffix(let text): if SPIFFEID.canEnd(with: text) { return pattern }
        case .prefix(let text):
            if scheme.hasPrefix(text) { return pattern }
            let id = text.hasPrefix(scheme) ? text : scheme + text
            if SPIFFEID.canBegin(with: id) { return .prefix(id) }
        case .exact(let text):
            let id = text.hasPrefix(scheme) ? text : scheme + text
            if SPIFFEID(id) != nil { return .exact(id) }
        }
        problems.report(
            .invalidValue, node,
            expected: "a SPIFFE ID, such as \"spiffe://mesh.local/ns/shop/sa/web\", or part of one with a \"*\"",
            remedy: LookAlikes(in: pattern.literal)?.remedy ?? "correct it, or use serviceAccounts: [shop/web]")
        return nil
    }

    /// A namespace, or part of one.
    static func namespace(_ node: YAMLNode, _ problems: inout Problems) -> StringPattern? {
        text(
            node, in: .label, expected: "a namespace, or part of one: lower-case letters, digits and \"-\", 63 at most",
            remedy: { $0.contains("/") ? "name accounts in serviceAccounts, and the namespace alone here" : nil },
            &problems)
    }

    /// The name of a trust domain, or part of one.
    static func trustDomain(_ node: YAMLNode, _ problems: inout Problems) -> StringPattern? {
        text(
            node, in: .trustDomain, expected: "a trust domain, or part of one: \(TrustDomain.rule)",
            remedy: { TrustDomain.meant(by: $0).map { "change it to \"\($0.name)\"" } }, &problems)
    }

    /// The value of a header. Whitespace around it is no part of it.
    static func fieldValue(_ node: YAMLNode, _ problems: inout Problems) -> StringPattern? {
        text(
            node, in: .fieldValue,
            expected: "a value that a header can have: without control characters, and without spaces around it",
            remedy: { _ in "write it without them" }, &problems)
    }

    /// - Parameter remedy: By the pattern's literal; `nil` where it has none.
    private static func text(
        _ node: YAMLNode, in language: ValueLanguage, expected: String, remedy: (String) -> String?,
        _ problems: inout Problems
    ) -> StringPattern? {
        guard let pattern = text(node, &problems) else { return nil }
        if language.canMatch(pattern) { return pattern }
        problems.report(
            .invalidValue, node, expected: expected,
            remedy: remedy(pattern.literal) ?? LookAlikes(in: pattern.literal)?.remedy
                ?? "write what can be there: this matches nothing")
        return nil
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
