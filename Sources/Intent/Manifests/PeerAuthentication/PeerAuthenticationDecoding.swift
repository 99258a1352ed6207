import Diagnostics
import YAMLSyntax

extension PeerAuthentication {
    init?(_ metadata: Metadata, _ spec: YAMLNode, _ problems: inout Problems) {
        guard var fields = spec.fields(of: "PeerAuthentication", isOfPolicy: true, &problems) else { return nil }
        let targets = fields.list(
            "targetRefs", emptyMeans: "one for every service of the namespace",
            { Self.target($0, namespace: metadata.name.namespace, &$1) }, &problems)
        let mode = fields.required("mtls", Self.mode, &problems)
        // Istio's.
        fields.refused(
            "selector", expected: "the services that it is for in targetRefs",
            remedy: "write targetRefs: [{kind: Service, name: …}]", &problems)
        fields.refused(
            "portLevelMtls", expected: "a mode for the whole Service, which has no ports",
            remedy: "name the port for plain calls with inbound.plain of a Workload", &problems)
        fields.reportUnknownFields(&problems)
        guard let mode else { return nil }
        self.init(metadata: metadata, targets: targets, mode: mode)
    }

    private static func mode(_ node: YAMLNode, _ problems: inout Problems) -> Located<PeerMode>? {
        guard var fields = node.fields(of: "mtls", isOfPolicy: true, &problems) else { return nil }
        let mode = fields.required("mode", located(Scalar.choice(of: PeerMode.self)), &problems)
        fields.reportUnknownFields(&problems)
        return mode
    }

    private static func target(_ node: YAMLNode, namespace: String, _ problems: inout Problems) -> Target? {
        guard var fields = node.fields(of: "a targetRef", isOfPolicy: true, &problems) else { return nil }
        let reference = ObjectReference(&fields, namespace: namespace, &problems)
        fields.reportUnknownFields(&problems)
        guard let reference else { return nil }
        if let kind = reference.kind, kind.value == ResourceKind.mesh.rawValue {
            return .mesh(Located(reference.name.value.name, at: reference.name.position))
        }
        return reference.serviceOfPolicy(in: namespace, fields, or: .mesh, &problems).map(Target.service)
    }
}
