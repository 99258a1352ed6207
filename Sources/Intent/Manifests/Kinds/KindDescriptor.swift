package import Diagnostics
import YAMLSyntax

/// All there is to say of a kind besides its struct, for what treats all kinds alike: reading, checking, listing, showing.
package struct KindDescriptor: Sendable {
    package let kind: ResourceKind
    /// As people type it, in lower case: singular, plural, then short forms.
    package let typedNames: [String]
    /// Heads of the columns that its table has besides those of every kind.
    package let columns: [String]

    let decode: @Sendable (Metadata, YAMLNode, inout Problems) -> (any Resource)?
    let list: @Sendable ([any Resource], inout [DuplicateResource]) -> any ResourceListing
    private let findMistakes: @Sendable (ResourceSet) -> [Diagnostic]
    private let makeCells: @Sendable (any Resource, ResourceSet) -> [String]
    private let makeSections: @Sendable (any Resource, ResourceSet) -> [DescriptionSection]

    /// - Parameters:
    ///   - plural: in lower case; `nil`: the kind with an s.
    ///   - short: what else it is called on the command line, in lower case.
    ///   - standard: the one there is where no manifest has any.
    ///   - decode: `nil` if there is too little to go on with; mistakes are reported.
    ///   - columns: what its table shows.
    ///   - sections: what it means among the others, for `heddle describe`.
    ///   - mistakes: what is wrong with those of this kind together, besides references to what is not there.
    init<Value: Resource>(
        _ type: Value.Type, plural: String? = nil, short: [String] = [], standard: Value? = nil,
        decode: @escaping @Sendable (Metadata, YAMLNode, inout Problems) -> Value?, columns: [Column<Value>] = [],
        sections: @escaping @Sendable (Value, ResourceSet) -> [DescriptionSection] = { _, _ in [] },
        mistakes: @escaping @Sendable (ResourceSet) -> [Diagnostic] = { _ in [] }
    ) {
        kind = Value.kind
        let singular = Value.kind.rawValue.lowercased()
        typedNames = [singular, plural ?? singular + "s"] + short
        self.columns = columns.map(\.head)
        self.decode = { decode($0, $1, &$2) }
        list = { resources, duplicates in
            let given = resources.compactMap(Value.init(erased:))
            return ResourceList(given.isEmpty ? [standard].compactMap { $0 } : given, &duplicates)
        }
        findMistakes = mistakes
        makeCells = { resource, set in
            Value(erased: resource).map { resource in columns.map { $0.cell(resource, set) } } ?? []
        }
        makeSections = { resource, set in Value(erased: resource).map { sections($0, set) } ?? [] }
    }

    /// What is wrong with those of this kind together.
    package func mistakes(in set: ResourceSet) -> [Diagnostic] { findMistakes(set) }

    /// What stands in `columns` for a resource of this kind; an empty text where there is nothing.
    package func cells(_ resource: any Resource, in set: ResourceSet) -> [String] { makeCells(resource, set) }

    package func sections(_ resource: any Resource, in set: ResourceSet) -> [DescriptionSection] {
        makeSections(resource, set)
    }
}

extension Resource {
    /// - Returns: `nil` if it is of another kind.
    fileprivate init?(erased resource: any Resource) {
        guard let resource = resource as? Self else { return nil }
        self = resource
    }
}

/// A column of the table of one kind.
struct Column<Value: Resource>: Sendable {
    let head: String
    let cell: @Sendable (Value, ResourceSet) -> String

    init(_ head: String, _ cell: @escaping @Sendable (Value, ResourceSet) -> String) {
        self.head = head
        self.cell = cell
    }

    init(_ head: String, _ cell: @escaping @Sendable (Value) -> String) {
        self.init(head) { value, _ in cell(value) }
    }
}

/// What a resource means among the others: one of the lists below its manifest.
package struct DescriptionSection: Sendable {
    /// In JSON.
    package let key: String
    /// For people.
    package let name: String
    package let lines: [String]
}
