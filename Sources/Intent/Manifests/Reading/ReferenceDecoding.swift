import Diagnostics
import YAMLSyntax

/// A reference as Gateway API writes it: `group`, `kind`, `namespace` and `name`.
struct ObjectReference {
    let kind: Located<String>?
    let name: Located<ResourceName>

    /// Groups that a Service or Gateway may be said to be of: Heddle has one group, and Gateway API's names for it are
    /// accepted so that its manifests need no change.
    private static let groups: Set<String> = ["", "core", "gateway.networking.k8s.io", "heddle"]

    /// Takes `group`, `kind`, `namespace` and `name` out of `fields`.
    init?(_ fields: inout FieldReader, namespace own: String, _ problems: inout Problems) {
        if let group = fields.optional("group", located(Scalar.possiblyEmptyText), &problems),
            !Self.groups.contains(group.value)
        {
            problems.report(
                .invalidValue, at: group.position, found: Diagnostic.quoted(group.value),
                expected: "\"\" or \"gateway.networking.k8s.io\"", remedy: "remove group")
        }
        kind = fields.optional("kind", located(Scalar.text), &problems)
        let namespace = fields.optional("namespace", Scalar.label, default: own, &problems)
        guard let name = fields.required("name", located(Scalar.label), &problems) else { return nil }
        self.name = Located(ResourceName(namespace: namespace, name: name.value), at: name.position)
    }

    /// - Parameters:
    ///   - isDefault: `kind` may be left out.
    ///   - other: What else it could have referred to.
    /// - Returns: Whether it refers to a Service, or to nothing that is named.
    func checkIsService(isDefault: Bool, or other: ResourceKind? = nil, _ problems: inout Problems) -> Bool {
        guard let kind, kind.value != ParentRef.Kind.service.rawValue else { return true }
        let expected = "\"Service\"" + (other.map { " or \"\($0.rawValue)\"" } ?? "")
        problems.report(
            .invalidValue, at: kind.position, found: Diagnostic.quoted(kind.value), expected: expected,
            remedy: "change it to \(expected)" + (isDefault ? ", or remove kind" : ""))
        return false
    }

    /// The Service of its own namespace that an item of a policy's `targetRefs` names.
    /// - Parameters:
    ///   - fields: It was read from.
    ///   - other: What else it could have named.
    func serviceOfPolicy(
        in namespace: String, _ fields: FieldReader, or other: ResourceKind? = nil, _ problems: inout Problems
    ) -> Located<String>? {
        if kind == nil {
            fields.reportMissing("kind", &problems, remedy: "add kind: Service")
        } else if !checkIsService(isDefault: false, or: other, &problems) {
            return nil
        }
        return nameOfPolicy(.service, in: namespace, fields, &problems)
    }

    /// Its name, which must be of the policy's own namespace.
    func nameOfPolicy(
        _ kind: ResourceKind, in namespace: String, _ fields: FieldReader, _ problems: inout Problems
    ) -> Located<String>? {
        guard name.value.namespace == namespace else {
            problems.report(
                .invalidValue, at: fields.keyPosition("namespace"), found: Diagnostic.quoted(name.value.namespace),
                expected: "a \(kind.rawValue) of the policy's own namespace, \"\(namespace)\"",
                remedy: "move the policy to namespace \"\(name.value.namespace)\"")
            return nil
        }
        return Located(name.value.name, at: name.position)
    }

    /// The Service that the backendRef of any route names, taken out of `fields`.
    static func backend(
        in fields: inout FieldReader, namespace: String, _ problems: inout Problems
    ) -> Located<ResourceName>? {
        let reference = ObjectReference(&fields, namespace: namespace, &problems)
        // Gateway API wants a port here. A Service of Heddle has none: its workloads say where they listen.
        _ = fields.optional("port", Scalar.port, &problems)
        guard let reference, reference.checkIsService(isDefault: true, &problems) else { return nil }
        return reference.name
    }
}

extension ParentRef {
    /// The `parentRefs` of a route, which must be there.
    static func list(
        in fields: inout FieldReader, namespace: String, _ problems: inout Problems
    ) -> [ParentRef] {
        fields.requiredList("parentRefs", { decode($0, namespace: namespace, &$1) }, &problems)
    }

    private static func decode(_ node: YAMLNode, namespace: String, _ problems: inout Problems) -> ParentRef? {
        guard var fields = node.fields(of: "a parentRef", &problems) else { return nil }
        let reference = ObjectReference(&fields, namespace: namespace, &problems)
        let section = fields.optional("sectionName", located(Scalar.label), &problems)
        let port = fields.optional("port", located(Scalar.port), &problems)
        fields.reportUnknownFields(&problems)
        guard let reference else { return nil }
        guard let kind = Kind(rawValue: reference.kind?.value ?? Kind.gateway.rawValue) else {
            problems.report(
                .invalidValue, at: reference.kind?.position ?? node.position,
                found: Diagnostic.quoted(reference.kind?.value ?? ""), expected: "\"Service\" or \"Gateway\"",
                remedy: "change it to \"Service\" or \"Gateway\"")
            return nil
        }
        if kind == .service, fields.has("sectionName") {
            problems.report(
                .conflictingFields, at: fields.keyPosition("sectionName"), found: "sectionName with a Service",
                expected: "sectionName only with a Gateway, whose listener it names", remedy: "remove sectionName")
        }
        if kind == .service, fields.has("port") {
            problems.report(
                .conflictingFields, at: fields.keyPosition("port"), found: "port with a Service",
                expected: "port only with a Gateway, whose listeners have ports: a Service has one protocol and none",
                remedy: "remove port")
        }
        return ParentRef(kind: kind, name: reference.name, sectionName: section, port: port)
    }
}
