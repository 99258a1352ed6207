import Diagnostics
import YAMLSyntax

/// Bytes of a manifest file to typed resources.
package enum ManifestDecoder {
    package static let apiVersion = "heddle/v1"

    /// Kinds of the specification that this version does not have.
    private static let unavailableKinds = [
        "PeerAuthentication", "RequestAuthentication", "TrafficPolicy", "ConfigSource", "Config", "Store", "Topic",
        "Subscription", "Lock", "PolicyTest",
    ]

    /// Reads every document of a file. A mistake is reported and reading goes on, so that one run finds all of them.
    /// - Parameter path: the name that positions carry.
    package static func decode(_ bytes: [UInt8], path: String) -> ManifestFile {
        var problems = Problems()
        var resources: [AnyResource] = []
        do throws(Diagnostic) {
            var reader = try YAMLReader(bytes, file: path)
            while let document = reader.next({ problems.report($0) }) {
                if case .scalar(let scalar) = document.content, scalar.kind == .null { continue }
                if let resource = resource(document, &problems) { resources.append(resource) }
            }
        } catch {
            problems.report(error)
        }
        return ManifestFile(path: path, resources: resources, diagnostics: problems.diagnostics.sortedByPosition())
    }

    private static func resource(_ document: YAMLNode, _ problems: inout Problems) -> AnyResource? {
        guard var fields = document.fields(of: "a resource", &problems) else { return nil }
        if let version = fields.required("apiVersion", located(Scalar.text), &problems), version.value != apiVersion {
            problems.report(
                .unknownVersion, at: version.position, found: Diagnostic.quoted(version.value),
                expected: Diagnostic.quoted(apiVersion), remedy: "change it to \"\(apiVersion)\"")
        }
        let kindName = fields.required("kind", located(Scalar.text), &problems)
        guard let kindName, let kind = kind(kindName, &problems) else { return nil }
        let metadata = fields.required("metadata", Metadata.decode, &problems)
        let spec = fields.entry("spec", &problems)?.value
        if spec == nil, !fields.has("spec") { fields.reportMissing("spec", &problems) }
        fields.reportUnknownFields(&problems, below: "spec")
        guard let spec else { return nil }
        // Without a name there is no resource, but the mistakes in its spec are found all the same.
        let unnamed = Metadata(name: ResourceName(namespace: "default", name: "unnamed"), position: document.position)
        let resource = resource(kind, metadata ?? unnamed, spec, &problems)
        return metadata == nil ? nil : resource
    }

    private static func resource(
        _ kind: ResourceKind, _ metadata: Metadata, _ spec: YAMLNode, _ problems: inout Problems
    ) -> AnyResource? {
        switch kind {
        case .mesh: return Mesh(metadata, spec, &problems).map(AnyResource.mesh)
        case .node: return Node(metadata, spec, &problems).map(AnyResource.node)
        case .service: return Service(metadata, spec, &problems).map(AnyResource.service)
        case .workload: return Workload(metadata, spec, &problems).map(AnyResource.workload)
        case .gateway: return Gateway(metadata, spec, &problems).map(AnyResource.gateway)
        case .httpRoute: return HTTPRoute(metadata, spec, &problems).map(AnyResource.httpRoute)
        case .grpcRoute: return GRPCRoute(metadata, spec, &problems).map(AnyResource.grpcRoute)
        case .tcpRoute: return TCPRoute(metadata, spec, &problems).map(AnyResource.tcpRoute)
        case .tlsRoute: return TLSRoute(metadata, spec, &problems).map(AnyResource.tlsRoute)
        case .authorizationPolicy:
            return AuthorizationPolicy(metadata, spec, &problems).map(AnyResource.authorizationPolicy)
        }
    }

    private static func kind(_ name: Located<String>, _ problems: inout Problems) -> ResourceKind? {
        if let kind = ResourceKind(rawValue: name.value) { return kind }
        let names = ResourceKind.allCases.map(\.rawValue)
        if unavailableKinds.contains(name.value) {
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
