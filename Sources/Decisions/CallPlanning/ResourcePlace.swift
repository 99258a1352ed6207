package import Manifests

/// A place below a resource that Heddle answers for itself, as rules about the resource name it.
package struct ResourcePlace: Hashable, Sendable, CustomStringConvertible {
    package let resource: ResourceIdentity
    /// In canonical form: `/values/database/host`.
    package let path: String

    package init(_ resource: ResourceIdentity, path: String) {
        self.resource = resource
        self.path = path
    }

    package var description: String { "\(resource) at \(path)" }
}
