package import ConfigValues
package import Diagnostics
package import YAMLSyntax

/// What YAML's nodes are as values of a config.
package struct YAMLTree {
    private let origin: TextOrigin

    package init(origin: TextOrigin) { self.origin = origin }

    /// - Parameter note: Told of each number that no config holds; null stands in its place.
    package func value(of node: YAMLNode, _ note: (Diagnostic) -> Void) -> ConfigValue {
        let content: ConfigValue.Content =
            switch node.content {
            case .scalar(let scalar): self.scalar(scalar, at: node.position, note)
            case .sequence(let items): .list(items.map { value(of: $0, note) })
            case .mapping(let entries):
                // Keys that stand twice are told of by the reader.
                .map(
                    ConfigMap(
                        entries.map { ConfigMap.Entry($0.key, value(of: $0.value, note), keyPosition: $0.keyPosition) },
                        duplicates: { _, _ in }))
            }
        return origin.value(content, at: node.position)
    }

    private func scalar(
        _ scalar: YAMLScalar, at position: SourcePosition, _ note: (Diagnostic) -> Void
    ) -> ConfigValue.Content {
        switch scalar.kind {
        case .null: return .null
        case .boolean(let value): return .boolean(value)
        case .string: return .string(scalar.text)
        case .number:
            if let number = ConfigNumber(coreSchema: scalar.text) { return .number(number) }
            note(origin.unfitNumber(scalar.text, at: position))
            return .null
        }
    }
}

extension ConfigNumber {
    /// - Parameter text: A number of YAML's core schema (YAML 1.2.2 § 10.3.2).
    /// - Returns: `nil`: no config holds it.
    fileprivate init?(coreSchema text: String) {
        let digits = text.hasPrefix("+") ? text.dropFirst() : text[...]
        if text.hasPrefix("0x") || text.hasPrefix("0o") {
            guard let value = Int64(text.dropFirst(2), radix: text.hasPrefix("0x") ? 16 : 8) else { return nil }
            self = .integer(value)
        } else if digits.utf8.allSatisfy({
            $0 == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
        }) {
            guard let value = Int64(digits) else { return nil }
            self = .integer(value)
        } else {
            guard let value = Double(digits), value.isFinite else { return nil }
            self.init(value)
        }
    }
}
