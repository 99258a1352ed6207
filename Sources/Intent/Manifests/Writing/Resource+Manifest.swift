package import Diagnostics
import YAMLSyntax

extension Resource {
    /// The resource as a manifest has it: `apiVersion`, `kind`, `metadata`, `spec`, every default written out. Names in a
    /// namespace other than the resource's own say so.
    package var manifestJSON: JSONValue {
        var metadata = JSONMembers()
        metadata.add("name", .string(self.metadata.name.name))
        metadata.add("namespace", .string(self.metadata.name.namespace))
        if !self.metadata.labels.isEmpty {
            metadata.add(
                "labels", .object(self.metadata.labels.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
        }
        return [
            "apiVersion": .string(ResourceKind.apiVersion), "kind": .string(kind.rawValue),
            "metadata": metadata.json,
            "spec": specJSON,
        ]
    }

    /// The same, with `source`: where the resource stands.
    package var json: JSONValue {
        guard case .object(let members) = manifestJSON else { return .null }
        return .object(members + [(key: "source", value: metadata.position.json)])
    }

    /// The resource as a manifest that says the same, after a comment that says where it stands.
    package var yamlText: String { "# \(metadata.position)\n" + YAMLText.rendered(manifestJSON) }
}
