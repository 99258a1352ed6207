package import ConfigValues

/// The schemas that references may lead to, beside the metaschemas of draft 2020-12: nothing is ever fetched.
package struct SchemaRegistry: Sendable {
    package struct Document: Sendable {
        /// Where it was found. It stands for the schema, and its references are relative to it, unless `$id` says another.
        package let uri: String
        package let schema: ConfigValue

        package init(at uri: String, _ schema: ConfigValue) {
            self.uri = uri
            self.schema = schema
        }
    }

    enum Answer {
        case nothing
        case document(Document)
        /// Two claim to be it.
        case several(Document, Document)
    }

    private let documents: [Document]
    /// By what they are called: where they were found, and what their `$id` says.
    private let byURI: [String: [Int]]

    package init(_ documents: [Document] = []) {
        self.documents = documents
        var byURI: [String: [Int]] = [:]
        for (number, document) in documents.enumerated() {
            let place = SchemaURI(document.uri).withoutFragment
            var names = [place]
            if case .string(let id)? = document.schema.map?[SchemaKeyword.id.rawValue]?.content {
                names.append(SchemaURI(id).resolved(against: place).withoutFragment)
            }
            for name in Set(names) { byURI[name.text, default: []].append(number) }
        }
        self.byURI = byURI
    }

    func find(_ uri: SchemaURI) -> Answer {
        if let metaschema = Metaschemas.document(at: uri.text) {
            return .document(Document(at: uri.text, metaschema))
        }
        guard let numbers = byURI[uri.text], let first = numbers.first else { return .nothing }
        return numbers.count == 1 ? .document(documents[first]) : .several(documents[first], documents[numbers[1]])
    }
}
