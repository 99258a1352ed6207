import Diagnostics
import YAMLSyntax

extension Metadata {
    static func decode(_ node: YAMLNode, of kind: ResourceKind, _ problems: inout Problems) -> Metadata? {
        guard var fields = node.fields(of: "metadata", &problems) else { return nil }
        let name = fields.required("name", located(Scalar.label), &problems)
        let namespace = fields.optional("namespace", namespace, default: "default", &problems)
        let labels = fields.optional("labels", Self.labels, default: [:], &problems)
        fields.reportUnknownFields(&problems) { kind == .authorizationPolicy && reportDryRun($0, &$1) }
        guard let name else { return nil }
        return Metadata(
            name: ResourceName(namespace: namespace, name: name.value), labels: labels, position: name.position)
    }

    private static func namespace(_ node: YAMLNode, _ problems: inout Problems) -> String? {
        guard let name = Scalar.label(node, &problems) else { return nil }
        if name == ReservedNames.namespace {
            problems.report(
                .reservedName, node, expected: "another namespace: this one is for what Heddle answers itself",
                remedy: "choose another namespace")
        }
        return name
    }

    /// Istio's way to say that a policy is only tried. Who merely took it away would enforce the policy.
    private static func reportDryRun(_ field: YAMLEntry, _ problems: inout Problems) -> Bool {
        guard field.key == "annotations", case .mapping(let annotations) = field.value.content,
            let dryRun = annotations.first(where: { $0.key == "istio.io/dry-run" })
        else { return false }
        var isOff = false
        if case .scalar(let value) = dryRun.value.content { isOff = value.text == "false" }
        problems.report(
            .unknownField, at: dryRun.keyPosition, found: "the annotation \(Diagnostic.quoted(dryRun.key))",
            expected: "mode: Shadow in spec, for a policy that is tried and not enforced; metadata has no annotations",
            remedy: isOff
                ? "remove annotations: it says \"false\", and a policy without mode is enforced"
                : "write mode: Shadow in spec, and only then remove annotations")
        return true
    }

    /// Keys and values as Kubernetes has them: an optional `prefix/` and 63 letters, digits, `-`, `_` and `.`.
    private static func labels(_ node: YAMLNode, _ problems: inout Problems) -> [String: String]? {
        guard case .mapping(let entries) = node.content else {
            problems.report(.wrongType, node, expected: "a mapping of labels", remedy: "write them as \"key: value\"")
            return nil
        }
        var labels: [String: String] = [:]
        for entry in entries {
            let key = entry.key.split(separator: "/", omittingEmptySubsequences: false)
            let isKey = key.count <= 2 && key.last?.isLabelText == true && (key.count == 1 || key[0].isDNSName)
            if !isKey {
                problems.report(
                    .invalidValue, at: entry.keyPosition, found: Diagnostic.quoted(entry.key),
                    expected:
                        "a label's key: 1 to 63 letters, digits, \"-\", \"_\" and \".\", after an optional \"prefix/\"",
                    remedy: "choose another key")
            }
            guard let value = Scalar.possiblyEmptyText(entry.value, &problems) else { continue }
            if !value.isEmpty && !value.isLabelText {
                problems.report(
                    .invalidValue, entry.value,
                    expected: "a label's value: at most 63 letters, digits, \"-\", \"_\" and \".\"",
                    remedy: "choose another value")
            }
            labels[entry.key] = value
        }
        return labels
    }
}

extension StringProtocol where UTF8View: BidirectionalCollection {
    fileprivate var isLabelText: Bool {
        func isAlphanumeric(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"): true
            default: false
            }
        }
        guard let first = utf8.first, let last = utf8.last, utf8.count <= 63 else { return false }
        return isAlphanumeric(first) && isAlphanumeric(last)
            && utf8.allSatisfy { isAlphanumeric($0) || "-_.".utf8.contains($0) }
    }
}
