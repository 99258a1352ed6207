import ConfigValues
import Diagnostics

/// Which keywords mean something in a schema, by its metaschema's `$vocabulary` (core, § 8.1.2).
struct SchemaDialect: Hashable, Sendable {
    /// Of the metaschema.
    let uri: String
    let vocabularies: Set<SchemaVocabulary>

    static let standard = SchemaDialect(
        uri: Metaschemas.standard, vocabularies: Set(SchemaVocabulary.allCases).subtracting([.formatAssertion]))

    func knows(_ keyword: SchemaKeyword) -> Bool {
        guard let vocabulary = keyword.vocabulary, vocabulary != .core else { return true }
        return vocabularies.contains(vocabulary)
            || vocabulary == .formatAnnotation && vocabularies.contains(.formatAssertion)
    }

    /// - Parameter name: What `$schema` says.
    /// - Returns: `nil`: it is told.
    init?(_ name: ConfigValue, in registry: SchemaRegistry, _ problems: inout SchemaProblems) {
        guard case .string(let text) = name.content else { return nil }
        let uri = SchemaURI(text).withoutFragment
        if uri.text == Metaschemas.standard {
            self = .standard
            return
        }
        guard case .document(let document) = registry.find(uri) else {
            problems.report(
                .schemaUnknownDialect, name,
                expected: "\"\(Metaschemas.standard)\", or a metaschema of one's own among the files at hand",
                remedy: text.contains("json-schema.org")
                    ? "write the schema as draft 2020-12 has it, and name that; other drafts mean other things"
                    : "name draft 2020-12, or put the metaschema into a file; nothing is fetched")
            return nil
        }
        guard let vocabularies = Self.vocabularies(of: document, namedAt: name, &problems) else { return nil }
        self.init(uri: uri.text, vocabularies: vocabularies)
    }

    private init(uri: String, vocabularies: Set<SchemaVocabulary>) {
        self.uri = uri
        self.vocabularies = vocabularies
    }

    private static func vocabularies(
        of document: SchemaRegistry.Document, namedAt name: ConfigValue, _ problems: inout SchemaProblems
    ) -> Set<SchemaVocabulary>? {
        guard let value = document.schema.map?[SchemaKeyword.vocabulary.rawValue] else { return standard.vocabularies }
        guard let named = value.map else {
            SchemaShape.vocabularies.check(value, of: .vocabulary, &problems)
            return nil
        }
        var known: Set<SchemaVocabulary> = []
        var areAllKnown = true
        for entry in named.entries {
            let vocabulary = SchemaVocabulary.allCases.first { $0.uri == entry.key }
            let isRequired = if case .boolean(true) = entry.value.content { true } else { false }
            if let vocabulary, vocabulary != .formatAssertion || !isRequired {
                known.insert(vocabulary)
            } else if isRequired {
                let isFormat = vocabulary == .formatAssertion
                problems.report(
                    .schemaUnknownDialect, entry.value,
                    found: "the vocabulary \(Diagnostic.quoted(entry.key)), which is required",
                    expected: "vocabularies of draft 2020-12",
                    remedy: isFormat
                        ? "set it to false: \"format\" says what a string is for, and nothing checks it"
                        : "set it to false, if its keywords may go without meaning")
                areAllKnown = false
            }
        }
        return areAllKnown ? known : nil
    }
}
