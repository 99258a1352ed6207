package import Diagnostics

/// Another resource that one names. One pass over all of them finds those that name nothing.
package struct Reference: Sendable {
    /// The field, as the manifest writes it: `parentRefs`, `service`.
    package let field: String
    /// What it must be.
    package let kind: ResourceKind
    package let name: Located<ResourceName>
    /// What it is if there is no such resource.
    package let code: Diagnostic.Code
    /// Another kind that the field can name, if a name is one of those and not of these.
    package let other: Other?

    package struct Other: Sendable {
        package let kind: ResourceKind
        /// How to name it.
        package let remedy: String

        package init(_ kind: ResourceKind, remedy: String) {
            self.kind = kind
            self.remedy = remedy
        }
    }

    package init(
        _ field: String, to kind: ResourceKind, _ name: Located<ResourceName>, _ code: Diagnostic.Code,
        or other: Other? = nil
    ) {
        self.field = field
        self.kind = kind
        self.name = name
        self.code = code
        self.other = other
    }

    /// - Parameters:
    ///   - name: without a namespace.
    ///   - namespace: the one where it is looked for.
    package init(
        _ field: String, to kind: ResourceKind, _ name: Located<String>, in namespace: String, _ code: Diagnostic.Code
    ) {
        let full = ResourceName(namespace: namespace, name: name.value)
        self.init(field, to: kind, Located(full, at: name.position), code)
    }

    /// - Returns: `nil` if the field names nothing.
    package init?(
        _ field: String, to kind: ResourceKind, _ name: Located<String>?, in namespace: String, _ code: Diagnostic.Code
    ) {
        guard let name else { return nil }
        self.init(field, to: kind, name, in: namespace, code)
    }
}
