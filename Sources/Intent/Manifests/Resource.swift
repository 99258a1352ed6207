import Diagnostics

/// What every resource has. One struct a kind, one file a struct.
package protocol Resource: Sendable, Hashable {
    static var kind: ResourceKind { get }
    var metadata: Metadata { get }
}

package enum ResourceKind: String, CaseIterable, Sendable, Hashable {
    case mesh = "Mesh"
    case node = "Node"
    case service = "Service"
    case workload = "Workload"
    case gateway = "Gateway"
    case httpRoute = "HTTPRoute"
    case grpcRoute = "GRPCRoute"
    case tcpRoute = "TCPRoute"
    case tlsRoute = "TLSRoute"
    case authorizationPolicy = "AuthorizationPolicy"
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
