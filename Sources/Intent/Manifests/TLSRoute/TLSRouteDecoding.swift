import Diagnostics
import YAMLSyntax

extension TLSRoute {
    init?(_ metadata: Metadata, _ spec: YAMLNode, _ problems: inout Problems) {
        guard var fields = spec.fields(of: "TLSRoute", &problems) else { return nil }
        let parents = ParentRef.list(in: &fields, namespace: metadata.name.namespace, &problems)
        for parent in parents where parent.kind == .service {
            problems.report(
                .invalidValue, at: parent.name.position, found: "Service \(Diagnostic.quoted(parent.name.value.name))",
                expected: "a Gateway: between services there is no TLS of their own to pass through",
                remedy: "name a Gateway with a listener of protocol TLS, or use a TCPRoute")
        }
        let hostnames = fields.list("hostnames", located(Scalar.answeredPattern), &problems)
        let rule = ConnectionRule.only(in: &fields, of: metadata, &problems)
        fields.unavailable("useDefaultGateways", &problems)
        fields.reportUnknownFields(&problems)
        self.init(
            metadata: metadata, parentRefs: parents.filter { $0.kind == .gateway }, hostnames: hostnames, rule: rule)
    }
}
