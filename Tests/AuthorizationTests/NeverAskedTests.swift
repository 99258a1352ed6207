import Diagnostics
import Manifests
import MeshFixtures
import MeshSnapshot
import TestSupport
import Testing

@testable import Authorization

/// A policy is asked for the service whose workload receives a call.
@Suite struct NeverAskedTests {
    private static func service(_ name: String) -> String {
        manifest("Service", name, "{endpoints: [{address: \"192.0.2.1:80\"}]}")
    }

    private static func route(_ name: String, of parent: String, in namespace: String = "shop", to rules: String)
        -> String
    {
        """
        apiVersion: heddle/v1
        kind: HTTPRoute
        metadata: {name: \(name), namespace: \(namespace)}
        spec: {parentRefs: [{kind: Service, name: \(parent), namespace: shop}], rules: [\(rules)]}
        """
    }

    private static func backends(_ names: String...) -> String {
        "{backendRefs: [\(names.map { "{name: \($0), namespace: shop}" }.joined(separator: ", "))]}"
    }

    private static let policy = """
        apiVersion: heddle/v1
        kind: AuthorizationPolicy
        metadata: {name: p, namespace: shop}
        spec: {action: DENY, targetRefs: [{kind: Service, name: orders}], rules: [{to: [{operation: {paths: ["/x"]}}]}]}
        """

    private func remedies(_ routes: String...) throws -> [String] {
        let services = ["orders", "v1", "v2", "web"].map(Self.service)
        let snapshot = try MeshSnapshot((services + routes + [Self.policy]).joined(separator: "\n---\n"))
        return PolicyLint.check(snapshot).filter { $0.code == .neverAsked }.map(\.remedy)
    }

    @Test func `where every call goes elsewhere, what receives it is named`() throws {
        #expect(
            try remedies(Self.route("r", of: "orders", to: Self.backends("v2", "v1")))
                == ["write policies for what receives them: \"shop/v1\", \"shop/v2\""])
    }

    @Test func `where some calls end at the service it is asked`() throws {
        #expect(try remedies().isEmpty)
        #expect(try remedies(Self.route("r", of: "orders", to: Self.backends("v1", "orders"))).isEmpty)
        // Callers of the other namespaces take no route.
        #expect(try remedies(Self.route("r", of: "orders", in: "pay", to: Self.backends("v1"))).isEmpty)
        // By another one's route.
        #expect(
            try remedies(
                Self.route("r", of: "orders", to: Self.backends("v1")),
                Self.route("s", of: "web", to: Self.backends("orders"))
            ).isEmpty)
    }

    @Test func `a copy is a call that is asked about, and a weight of 0 is none`() throws {
        let mirror = "{type: RequestMirror, requestMirror: {backendRef: {name: orders}}}"
        #expect(
            try remedies(Self.route("r", of: "orders", to: "{filters: [\(mirror)], backendRefs: [{name: v1}]}")).isEmpty
        )
        #expect(
            try remedies(
                Self.route("r", of: "orders", to: "{backendRefs: [{name: v1}, {name: orders, weight: 0}]}")
            ).count == 1)
    }
}
