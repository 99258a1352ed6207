import CommonValues
import Diagnostics
import YAMLSyntax

extension Scalar {
    /// The name of a resource, namespace or account: a DNS label (RFC 1123 § 2.1), 1 to 63 lower-case letters, digits and
    /// hyphens, no hyphen at either end.
    static func label(_ node: YAMLNode, _ problems: inout Problems) -> String? {
        guard let text = text(node, &problems) else { return nil }
        guard text.isDNSLabel else {
            let likeness = LookAlikes(in: text)
            let mended = (likeness?.ascii ?? text).lowercased().replacing("_", with: "-")
            let why = likeness.map { ": \($0.note)" } ?? ""
            problems.report(
                .invalidValue, node,
                expected: "a DNS label: 1 to 63 lower-case letters, digits and \"-\", no \"-\" at either end",
                remedy: mended.isDNSLabel
                    ? "change it to \"\(mended)\"\(why)" : nameAlone(text) ?? "choose another name")
            return nil
        }
        return text
    }

    /// What to do with `namespace/name`, as commands and other fields have it; `nil` for anything else.
    private static func nameAlone(_ text: String) -> String? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ String($0).isDNSLabel }) else { return nil }
        return "change it to \"\(parts[1])\": here a name stands without its namespace"
    }

    /// A service by a name that it is called by: `name`, `name.namespace` or `name.namespace.mesh`.
    /// - Parameter namespace: where `name` alone is looked for.
    static func serviceName(_ node: YAMLNode, namespace: String, _ problems: inout Problems) -> ResourceName? {
        guard let text = text(node, &problems) else { return nil }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 3, parts.allSatisfy(\.isDNSLabel), parts.count < 3 || parts[2] == "mesh" else {
            let labels = parts.prefix(2).filter(\.isDNSLabel)
            let example = "\(labels.first ?? "database").\(labels.count > 1 ? labels[1] : namespace)"
            problems.report(
                .invalidValue, node, expected: "a service as \"name\", \"name.namespace\" or \"name.namespace.mesh\"",
                remedy: LookAlikes(in: text)?.remedy ?? "write it as it is called, such as \"\(example)\"")
            return nil
        }
        return ResourceName(namespace: parts.count > 1 ? parts[1] : namespace, name: parts[0])
    }

    /// A service account as rules name it, literal: `namespace/name`.
    /// - Parameter namespace: Of the policy, which who names none has probably meant.
    static func serviceAccount(
        _ node: YAMLNode, namespace: String, _ problems: inout Problems
    ) -> ResourceName? {
        guard let text = text(node, &problems) else { return nil }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ String($0).isDNSLabel }) else {
            problems.report(
                .invalidValue, node,
                expected: "a service account as \"namespace/name\", each in lower-case letters, digits and \"-\"",
                remedy: LookAlikes(in: text)?.remedy ?? serviceAccountRemedy(text, namespace: namespace))
            return nil
        }
        return ResourceName(namespace: String(parts[0]), name: String(parts[1]))
    }

    private static func serviceAccountRemedy(_ text: String, namespace: String) -> String {
        let lower = text.lowercased()
        let mended = lower.replacing("_", with: "-")
        let parts = mended.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, parts.allSatisfy({ String($0).isDNSLabel }) else {
            return "write it as \"namespace/name\""
        }
        if parts.count == 1 {
            return "name its namespace too: \"\(namespace)/\(mended)\" is the one of this policy's"
                + (mended == text ? "" : ", in lower case")
        }
        // As `heddle init` leaves room for it.
        if text.hasSuffix("/CALLER") {
            return "change it to \"\(mended)\", or whatever account calls: names are in lower case"
        }
        let isUpper = lower != text
        guard mended != lower else { return "change it to \"\(mended)\": names are in lower case" }
        return "change it to \"\(mended)\": a name has \"-\" for \"_\"" + (isUpper ? ", and lower-case letters" : "")
    }

    /// A hostname, or `*.` before one (Gateway API's `Hostname`), in lower case.
    static func hostnamePattern(_ node: YAMLNode, _ problems: inout Problems) -> HostnamePattern? {
        guard let text = text(node, &problems) else { return nil }
        if let pattern = HostnamePattern(text) { return pattern }
        problems.report(
            .invalidValue, node, expected: "a DNS name, or \"*.\" and a DNS name",
            remedy: hostnameRemedy(text, wildcards: true))
        return nil
    }

    /// A hostname without wildcard, in lower case.
    static func hostname(_ node: YAMLNode, _ problems: inout Problems) -> String? {
        guard let text = text(node, &problems) else { return nil }
        if case .exact(let name) = HostnamePattern(text) { return name }
        problems.report(
            .invalidValue, node, expected: "a DNS name without wildcard", remedy: hostnameRemedy(text, wildcards: false)
        )
        return nil
    }

    /// As `hostnamePattern`, of who answers to it.
    static func answeredPattern(_ node: YAMLNode, _ problems: inout Problems) -> HostnamePattern? {
        guard let pattern = hostnamePattern(node, &problems) else { return nil }
        if case .exact(let name) = pattern { reportReserved(name, node, &problems) }
        return pattern
    }

    /// As `hostname`, of who answers to it.
    static func answeredHostname(_ node: YAMLNode, _ problems: inout Problems) -> String? {
        guard let name = hostname(node, &problems) else { return nil }
        reportReserved(name, node, &problems)
        return name
    }

    private static func reportReserved(_ host: String, _ node: YAMLNode, _ problems: inout Problems) {
        guard ReservedNames.has(host: host) else { return }
        problems.report(
            .reservedName, node, expected: "another hostname: Heddle answers to this one itself",
            remedy: "choose another hostname")
    }

    private static func hostnameRemedy(_ text: String, wildcards: Bool) -> String {
        if let likeness = LookAlikes(in: text) { return likeness.remedy }
        if text == "*" { return wildcards ? "leave the field out to match every host" : "name the host" }
        if IPAddress(text) != nil { return "use a DNS name: an IP address is no hostname" }
        if text.hasSuffix(".") { return "remove the \".\" at the end" }
        if text.contains("://") { return "remove what is before the host, and any path" }
        if text.contains(":") { return "remove the port" }
        if text.hasPrefix("*") && !wildcards { return "name one host" }
        return "use letters, digits and \"-\" between the dots, 63 at most each and 253 in all"
    }
}

extension HostnamePattern {
    /// - Returns: `nil` if `text` is neither a DNS name nor `*.` and one, or is an IP address.
    package init?(_ text: String) {
        let name = text.lowercased()
        if name.hasPrefix("*.") {
            guard String(name.dropFirst(2)).isDNSName else { return nil }
            self = .wildcard(suffix: String(name.dropFirst()))
        } else {
            guard name.isDNSName, IPAddress(name) == nil else { return nil }
            self = .exact(name)
        }
    }
}

extension StringProtocol where UTF8View: BidirectionalCollection {
    /// RFC 1123 § 2.1, in lower case.
    var isDNSLabel: Bool {
        guard (1...63).contains(utf8.count), utf8.first != UInt8(ascii: "-"), utf8.last != UInt8(ascii: "-") else {
            return false
        }
        return utf8.allSatisfy(ValueLanguage.labelMayHave)
    }

    /// Labels and dots, in lower case, 253 bytes at most.
    var isDNSName: Bool {
        utf8.count <= 253
            && String(self).split(separator: ".", omittingEmptySubsequences: false).allSatisfy { $0.isDNSLabel }
    }
}
