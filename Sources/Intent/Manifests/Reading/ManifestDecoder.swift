import Diagnostics
import YAMLSyntax

/// Bytes of a manifest file to typed resources.
package enum ManifestDecoder {
    /// Kinds of the specification. Those that this version has are found first.
    static let specifiedKinds = [
        "RequestAuthentication", "TrafficPolicy", "Store", "Topic", "Subscription", "Lock", "PolicyTest",
    ]

    /// Reads every document of a file. A mistake is reported and reading goes on, so that one run finds all of them.
    /// - Parameters:
    ///   - path: the name that positions carry.
    ///   - kinds: what there may be in it.
    package static func decode(_ bytes: [UInt8], path: String, kinds: KindRegistry = Kinds.all) -> ManifestFile {
        var problems = Problems()
        var resources: [any Resource] = []
        do throws(Diagnostic) {
            var reader = try YAMLReader(bytes, file: path)
            while let document = reader.next({ problems.report($0) }) {
                if case .scalar(let scalar) = document.content, scalar.kind == .null { continue }
                if let resource = resource(document, kinds, &problems) { resources.append(resource) }
            }
        } catch {
            problems.report(error)
        }
        return ManifestFile(path: path, resources: resources, diagnostics: problems.diagnostics.sortedByPosition())
    }

    private static func resource(
        _ document: YAMLNode, _ kinds: KindRegistry, _ problems: inout Problems
    ) -> (any Resource)? {
        guard var fields = document.fields(of: "a resource", &problems) else { return nil }
        let current = ResourceKind.apiVersion
        if let version = fields.required("apiVersion", located(Scalar.text), &problems), version.value != current {
            problems.report(
                .unknownVersion, at: version.position, found: Diagnostic.quoted(version.value),
                expected: Diagnostic.quoted(current), remedy: "change it to \"\(current)\"")
        }
        let kindName = fields.required("kind", located(Scalar.text), &problems)
        guard let kindName, let kind = kind(kindName, among: kinds, &problems) else { return nil }
        let metadata = fields.required("metadata", { Metadata.decode($0, of: kind.kind, &$1) }, &problems)
        let spec = fields.entry("spec", &problems)?.value
        if spec == nil, !fields.has("spec") { fields.reportMissing("spec", &problems) }
        fields.reportUnknownFields(&problems, below: "spec")
        guard let spec else { return nil }
        // Without a name there is no resource, but the mistakes in its spec are found all the same.
        let unnamed = Metadata(name: ResourceName(namespace: "default", name: "unnamed"), position: document.position)
        let resource = kind.decode(metadata ?? unnamed, spec, &problems)
        return metadata == nil ? nil : resource
    }

    private static func kind(
        _ name: Located<String>, among kinds: KindRegistry, _ problems: inout Problems
    ) -> KindDescriptor? {
        if let kind = kinds.descriptor(named: name.value) { return kind }
        let names = kinds.kinds.map(\.rawValue)
        if specifiedKinds.contains(name.value) {
            // Who relies on tokens being verified must not be led to take the demand away, and think that all is well.
            let remedy =
                name.value == "RequestAuthentication"
                ? "let the workload verify tokens: nothing else does" : "remove this document"
            problems.reportUnavailable("kind \"\(name.value)\"", at: name.position, remedy: remedy)
            return nil
        }
        let near = NearestName(to: name.value, among: names)
        problems.report(
            .unknownKind, at: name.position, found: Diagnostic.quoted(name.value),
            expected: "one of \(names.joined(separator: ", "))",
            remedy: near?.remedy ?? "name one of these kinds")
        return nil
    }
}
