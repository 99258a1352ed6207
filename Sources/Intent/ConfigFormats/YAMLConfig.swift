import ConfigValues
import Diagnostics
import YAMLSyntax

/// YAML 1.2 with its core schema, one document.
enum YAMLConfig {
    static func read(_ bytes: [UInt8], of origin: TextOrigin, _ limits: ConfigLimits) throws(InvalidText) -> ConfigValue
    {
        var problems: [Diagnostic] = []
        var mistakes = Mistakes(origin)
        var value: ConfigValue?
        do throws(Diagnostic) {
            try origin.check(bytes.span, limits)
            var reader = try YAMLReader(bytes, file: origin.file, limits: YAMLLimits(limits), keys: .texts)
            if let node = reader.next({ mistakes.note($0) }) {
                value = mistakes.value(node)
                if let other = reader.next({ mistakes.note($0) }) { mistakes.note(Self.second(other)) }
            }
        } catch {
            mistakes.note(error)
        }
        problems = mistakes.all
        guard problems.isEmpty else { throw InvalidText(problems) }
        // Nothing at all is YAML, and says null.
        return value ?? origin.value(.null, at: origin.position(line: 1, column: 1))
    }

    private static func second(_ node: YAMLNode) -> Diagnostic {
        Diagnostic(
            .formatDocuments, at: node.position, found: "a second document", expected: "one document",
            remedy: "remove the line \"---\" before it, or make the two of them two sources")
    }

    static func text(_ value: ConfigValue) -> String { YAMLText.rendered(JSONValue(value)) }

    private struct Mistakes {
        private static let maximumCount = 100

        private let origin: TextOrigin
        private(set) var all: [Diagnostic] = []

        init(_ origin: TextOrigin) { self.origin = origin }

        mutating func note(_ mistake: Diagnostic) {
            if all.count < Self.maximumCount { all.append(origin.isSecret ? Self.redacted(mistake) : mistake) }
        }

        /// What is told of a place, without what stands there.
        private static func redacted(_ mistake: Diagnostic) -> Diagnostic {
            switch mistake.code {
            case .yamlDuplicateKey, .yamlTab, .yamlTooLarge, .yamlTooDeep, .yamlTooManyValues, .formatDocuments,
                .formatNumber,
                .formatEncoding, .formatTooLarge:
                mistake
            default:
                Diagnostic(
                    mistake.code, at: mistake.position, found: "what YAML or a config does not have there",
                    expected: "YAML of the core schema", remedy: "correct it; nothing of it is shown, for it is secret")
            }
        }

        mutating func value(_ node: YAMLNode) -> ConfigValue {
            let content: ConfigValue.Content =
                switch node.content {
                case .scalar(let scalar): self.scalar(scalar, at: node.position)
                case .sequence(let items): .list(items.map { value($0) })
                case .mapping(let entries):
                    // Keys that stand twice are told of by the reader.
                    .map(
                        ConfigMap(
                            entries.map { ConfigMap.Entry($0.key, value($0.value), keyPosition: $0.keyPosition) },
                            duplicates: { _, _ in }))
                }
            return origin.value(content, at: node.position)
        }

        private mutating func scalar(_ scalar: YAMLScalar, at position: SourcePosition) -> ConfigValue.Content {
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
}

extension YAMLLimits {
    fileprivate init(_ limits: ConfigLimits) {
        self.init()
        fileByteCount = limits.byteCount
        depth = limits.depth
        valueCount = limits.valueCount
        brokenDocumentCount = 1
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

extension JSONValue {
    fileprivate init(_ value: ConfigValue) {
        self =
            switch value.content {
            case .null: .null
            case .boolean(let value): .bool(value)
            case .number(.integer(let value)): .integer(Int(value))
            case .number(.fraction(let value)):
                if let whole = Int(exactly: value) { .integer(whole) } else { .double(value) }
            case .string(let text): .string(text)
            case .list(let items): .array(items.map { JSONValue($0) })
            case .map(let map): .object(map.entries.map { ($0.key, JSONValue($0.value)) })
            }
    }
}
