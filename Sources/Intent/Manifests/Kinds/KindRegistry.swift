import Diagnostics

/// Kinds there are, in the order that people are shown them.
package struct KindRegistry: Sendable {
    package let descriptors: [KindDescriptor]
    private let numbers: [String: Int]

    package init(_ descriptors: [KindDescriptor]) {
        self.descriptors = descriptors
        numbers = Dictionary(
            uniqueKeysWithValues: descriptors.enumerated().map { ($0.element.kind.rawValue, $0.offset) })
    }

    package var kinds: [ResourceKind] { descriptors.map(\.kind) }

    package subscript(kind: ResourceKind) -> KindDescriptor? { descriptor(named: kind.rawValue) }

    /// By what manifests write.
    func descriptor(named name: String) -> KindDescriptor? { numbers[name].map { descriptors[$0] } }

    /// A kind as people type it: in any case, singular, plural or short.
    /// - Returns: `nil` if no kind is called so.
    package func descriptor(typed name: String) -> KindDescriptor? {
        let wanted = name.lowercased()
        return descriptors.first { $0.typedNames.contains(wanted) }
    }

    /// `there is no kind "servise"; did you mean "service"?`, or what kinds there are.
    package func unknownKindMessage(_ name: String) -> String {
        let near = NearestName(to: name, among: descriptors.flatMap(\.typedNames))
        let kinds = kinds.map(\.rawValue).joined(separator: ", ")
        return "there is no kind \(Diagnostic.quoted(name))"
            + (near.map { "; \($0.question)" } ?? "; kinds are \(kinds)")
    }

    /// Resources of many files as one set. Those of kinds that are not among these are left out.
    /// - Returns: the set, and what it has once though the files have it several times.
    package func set(of files: [ManifestFile]) -> (set: ResourceSet, duplicates: [DuplicateResource]) {
        var given: [ResourceKind: [any Resource]] = [:]
        for file in files {
            for resource in file.resources { given[resource.kind, default: []].append(resource) }
        }
        var duplicates: [DuplicateResource] = []
        let lists = descriptors.map { (kind: $0.kind, list: $0.list(given[$0.kind] ?? [], &duplicates)) }
        return (ResourceSet(lists), duplicates)
    }
}
