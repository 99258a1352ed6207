import Diagnostics
import Manifests

/// One resource with what it means in its mesh: `heddle describe`.
struct ResourceDescription {
    let resource: any Resource
    let sections: [DescriptionSection]

    init(_ resource: any Resource, _ descriptor: KindDescriptor, in set: ResourceSet) {
        self.resource = resource
        sections = descriptor.sections(resource, in: set)
    }

    /// The manifest, then a section for each relation.
    var text: String {
        var text = resource.yamlText
        for section in sections where !section.lines.isEmpty {
            text += "\n\(section.name):\n" + section.lines.map { "  \($0.printable)\n" }.joined()
        }
        return text
    }

    var json: JSONValue {
        guard case .object(let members) = resource.json else { return .null }
        return .object(
            members + [
                (
                    key: "relations",
                    value: .object(sections.map { ($0.key, .array($0.lines.map(JSONValue.string))) })
                )
            ])
    }
}
