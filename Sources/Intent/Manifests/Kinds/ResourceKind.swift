/// What manifests write as `kind`. Which ones there are, `Kinds` says.
package struct ResourceKind: Hashable, Sendable {
    /// What tells two resources of a kind apart.
    package enum Scope: Hashable, Sendable {
        /// Namespace and name.
        case namespace
        /// The name alone.
        case mesh
        /// Nothing: there is one at most.
        case single
    }

    /// What manifests write as `apiVersion`, whatever the kind.
    package static let apiVersion = "heddle/v1"

    package let rawValue: String
    package let scope: Scope

    package init(_ name: String, scope: Scope = .namespace) {
        rawValue = name
        self.scope = scope
    }

    /// The same for all names that mean one resource.
    func key(_ name: ResourceName) -> ResourceName {
        switch scope {
        case .namespace: name
        case .mesh: ResourceName(namespace: "", name: name.name)
        case .single: ResourceName(namespace: "", name: "")
        }
    }

    package static func == (left: Self, right: Self) -> Bool { left.rawValue == right.rawValue }
    package func hash(into hasher: inout Hasher) { hasher.combine(rawValue) }
}

/// `Service shop/orders`: unique in a set.
package struct ResourceIdentity: Sendable, Hashable, CustomStringConvertible {
    package let kind: ResourceKind
    package let name: ResourceName

    package init(_ kind: ResourceKind, _ name: ResourceName) {
        self.kind = kind
        self.name = name
    }

    package var description: String { "\(kind.rawValue) \(name)" }
}
