package import Diagnostics

/// What every resource has. A kind is a struct, in a folder with all that it says of itself; `KindDescriptor` has the rest.
package protocol Resource: Sendable, Hashable {
    static var kind: ResourceKind { get }
    var metadata: Metadata { get }
    /// Every other resource that it names: each must be there.
    var references: [Reference] { get }
    /// Files that it names, absolute or relative to the manifests folder: when one changes, so does the mesh.
    var files: [String] { get }
    /// Every path of a host that it names, whatever for: see NamedPaths.swift.
    var paths: [Located<String>] { get }
    /// Its `spec` as a manifest has it, every default written out.
    var specJSON: JSONValue { get }
}

extension Resource {
    package var kind: ResourceKind { Self.kind }
    package var files: [String] { [] }
}

/// `shop/orders`: a name and the namespace it is unique in.
package struct ResourceName: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let namespace: String
    package let name: String

    package init(namespace: String, name: String) {
        self.namespace = namespace
        self.name = name
    }

    package var description: String { "\(namespace)/\(name)" }

    package static func < (left: Self, right: Self) -> Bool {
        (left.namespace, left.name) < (right.namespace, right.name)
    }
}

package struct Metadata: Hashable, Sendable {
    package var name: ResourceName
    package var labels: [String: String]
    /// Where `metadata.name` stands.
    package var position: SourcePosition

    package init(name: ResourceName, labels: [String: String] = [:], position: SourcePosition) {
        self.name = name
        self.labels = labels
        self.position = position
    }
}

/// A value with the place it was written at, for errors found later. Two are equal if their values are.
package struct Located<Value: Hashable & Sendable>: Hashable, Sendable {
    package var value: Value
    package var position: SourcePosition

    package init(_ value: Value, at position: SourcePosition) {
        self.value = value
        self.position = position
    }

    package static func == (left: Self, right: Self) -> Bool { left.value == right.value }
    package func hash(into hasher: inout Hasher) { hasher.combine(value) }
}
