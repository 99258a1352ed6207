import Manifests
import Testing

/// What docs/reference/kinds.md has of each kind.
struct DocumentedKindsTests {
    /// The first example of each section.
    static func examples() throws -> [(kind: String, manifest: String)] {
        let page = try RepositoryText("docs/reference/kinds.md").text
        return page.split(separator: "\n## ").dropFirst().compactMap { section in
            let parts = section.split(separator: "```yaml\n", maxSplits: 1)
            guard parts.count == 2, let example = parts[1].split(separator: "\n```", maxSplits: 1).first else {
                return nil
            }
            return (String(section.prefix { $0 != "\n" }), String(example))
        }
    }

    @Test func `every kind has a section with an example of it, in the order of Kinds`() throws {
        let examples = try Self.examples()
        #expect(examples.map(\.kind) == Kinds.all.kinds.map(\.rawValue))
        for (kind, manifest) in examples {
            let file = ManifestDecoder.decode(Array(manifest.utf8), path: kind)
            #expect(file.diagnostics.isEmpty, "\(file.diagnostics)")
            #expect(file.resources.map(\.kind.rawValue).contains(kind))
        }
    }

    @Test func `every example is shown as a manifest that says the same`() throws {
        for (kind, manifest) in try Self.examples() {
            for resource in ManifestDecoder.decode(Array(manifest.utf8), path: kind).resources {
                let again = ManifestDecoder.decode(Array(resource.yamlText.utf8), path: kind)
                #expect(again.diagnostics.isEmpty, "\(resource.yamlText)\n\(again.diagnostics)")
                #expect(again.resources.map(\.manifestJSON) == [resource.manifestJSON])
            }
        }
    }

    @Test func `every kind is named where commands are explained`() throws {
        let names = Set(try RepositoryText("docs/reference/commands.md").all(/`([a-z]+)`/).map(String.init))
        #expect(Kinds.all.descriptors.map { $0.typedNames[0] }.filter { !names.contains($0) } == [])
    }
}
