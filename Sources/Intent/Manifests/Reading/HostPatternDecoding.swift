import CommonValues
import Diagnostics
import YAMLSyntax

extension StringPattern {
    /// A canonical host, or part of one: lower case, no port, no dot at the end. What no host can match is refused.
    static func host(_ node: YAMLNode, _ problems: inout Problems) -> StringPattern? {
        host(node, canBe: \.canBeHost, &problems)
    }

    /// A name in SNI, or part of one, in lower case.
    static func serverName(_ node: YAMLNode, _ problems: inout Problems) -> StringPattern? {
        host(node, canBe: ValueLanguage.serverName.canMatch, &problems)
    }

    private static func host(
        _ node: YAMLNode, canBe isPossible: (StringPattern) -> Bool, _ problems: inout Problems
    ) -> StringPattern? {
        guard let written = text(node, &problems) else { return nil }
        let pattern = written.replacingLiteral(with: written.literal.lowercased())
        if isPossible(pattern) { return pattern }
        problems.report(
            .invalidValue, node,
            expected:
                "a host, or part of one, as it is compared: without scheme, port and path, and without \".\" at the end",
            remedy: HostMeant(by: pattern)?.remedy ?? LookAlikes(in: pattern.literal)?.remedy
                ?? "write the host as callers ask for it")
        return nil
    }
}

/// The host that somebody has probably meant who wrote something around it.
private struct HostMeant {
    let remedy: String

    /// - Returns: `nil` if nobody can tell.
    init?(by pattern: StringPattern) {
        var text = pattern.literal.trimmingPrefix { $0.isWhitespace }
        while text.last?.isWhitespace ?? false { text.removeLast() }
        for scheme in ["https://", "http://"] where text.hasPrefix(scheme) { text.removeFirst(scheme.count) }
        var isCut = false
        if let slash = text.firstIndex(of: "/") {
            text = text[..<slash]
            isCut = true
        }
        var host = String(text)
        var port = ""
        if IPAddress(host) != nil, host.contains(":") {
            host = "[\(host)]"
        } else if !host.hasSuffix("]"), let colon = host.lastIndex(of: ":") {
            port = String(host[host.index(after: colon)...])
            host = String(host[..<colon])
            isCut = true
        }
        // Whatever stood before the "*" is gone: the "*" stood for that.
        var meant = pattern.replacingLiteral(with: host)
        if case .prefix = pattern, isCut { meant = .exact(host) }
        if case .prefix = meant {
        } else if host.hasSuffix(".") {
            meant = meant.replacingLiteral(with: String(host.dropLast()))
        }
        guard !meant.literal.isEmpty, meant.canBeHost else { return nil }
        remedy = "change it to \(Diagnostic.quoted(meant.text))" + (port.isEmpty ? "" : ", and name the port in ports")
    }
}

extension StringPattern {
    /// As it is written.
    fileprivate var text: String {
        switch self {
        case .exact(let text): text
        case .prefix(let text): text + "*"
        case .suffix(let text): "*" + text
        case .present: "*"
        }
    }
}
