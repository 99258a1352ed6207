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
                value = YAMLTree(origin: origin).value(of: node) { mistakes.note($0) }
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
