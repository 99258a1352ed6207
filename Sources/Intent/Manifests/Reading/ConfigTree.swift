import ConfigValues
import Diagnostics
import YAMLSyntax

/// Values of a config that stand in a manifest.
struct ConfigTree {
    /// As of `ValueOrigin`.
    let layer: String
    /// No diagnostic shows one of them, or the line that it stands in.
    var isSecret = false

    /// A map, whatever is in it.
    func map(_ node: YAMLNode, _ problems: inout Problems) -> ConfigValue? {
        guard case .mapping = node.content else {
            report(
                Diagnostic(
                    .wrongType, at: node.position, found: isSecret ? "another value" : node.summary,
                    expected: "a mapping", remedy: "write it as \"key: value\""), &problems)
            return nil
        }
        return value(node, &problems)
    }

    private func value(_ node: YAMLNode, _ problems: inout Problems) -> ConfigValue {
        let content: ConfigValue.Content
        switch node.content {
        case .sequence(let items): content = .list(items.map { value($0, &problems) })
        case .mapping(let entries):
            // The reader of YAML has told of those that stand there twice.
            content = .map(
                ConfigMap(
                    entries.map {
                        ConfigMap.Entry($0.key, value($0.value, &problems), keyPosition: $0.keyPosition)
                    }, duplicates: { _, _ in }))
        case .scalar(let scalar):
            switch scalar.kind {
            case .null: content = .null
            case .boolean(let value): content = .boolean(value)
            case .string: content = .string(scalar.text)
            case .number: content = .number(number(scalar.text, at: node.position, &problems))
            }
        }
        return ConfigValue(content, origin: ValueOrigin(layer: layer, position: node.position, isSecret: isSecret))
    }

    private func number(_ text: String, at position: SourcePosition, _ problems: inout Problems) -> ConfigNumber {
        if let number = ConfigNumber(yaml: text) { return number }
        let origin = TextOrigin(layer: layer, file: position.file, isSecret: isSecret)
        report(origin.unfitNumber(text, at: position), &problems)
        return .integer(0)
    }

    private func report(_ mistake: Diagnostic, _ problems: inout Problems) {
        problems.report(isSecret ? mistake.withoutLine : mistake)
    }
}

extension ConfigNumber {
    /// One of YAML's core schema (YAML 1.2.2 § 10.3.2).
    /// - Returns: `nil` if a config cannot hold it.
    fileprivate init?(yaml text: String) {
        if text.hasPrefix("0x") || text.hasPrefix("0o") {
            guard let whole = Int64(text.dropFirst(2), radix: text.hasPrefix("0x") ? 16 : 8) else { return nil }
            self = .integer(whole)
        } else if text.utf8.allSatisfy({ "+-0123456789".utf8.contains($0) }) {
            guard let whole = Int64(text) else { return nil }
            self = .integer(whole)
        } else {
            guard let value = Double(text), value.isFinite else { return nil }
            self.init(value)
        }
    }
}
