import CommonValues
import Diagnostics
import Manifests
import MeshSnapshot
import Testing

@testable import Forwarding

@Suite struct ServingPlanTests {
    private func problems(_ endpoints: String, resolve: (String) -> [IPAddress]) throws -> [Diagnostic] {
        let manifest = """
            apiVersion: heddle/v1
            kind: Service
            metadata: {name: orders, namespace: shop}
            spec:
              protocol: HTTP
              endpoints: [\(endpoints)]
            """
        let file = ManifestDecoder.decode(Array(manifest.utf8), path: "test.yaml")
        let snapshot = try #require(MeshSnapshot.resolve([file], node: nil).snapshot)
        var problems: [Diagnostic] = []
        let plan = ServingPlan(snapshot, node: nil, generation: 1, resolve: resolve, problems: &problems)
        #expect(plan.services.count == 1)
        return problems
    }

    @Test func `an endpoint whose name has no address is left out with a warning at its place`() throws {
        let problems = try problems(#"{address: "nobody.example:80"}, {address: "127.0.0.1:80"}"#) { _ in [] }
        #expect(problems.map(\.code) == [.unresolvedEndpoint])
        #expect(problems.map(\.severity) == [.warning])
        #expect(problems.first.map { "\($0.position)" } == "test.yaml:6:25")
    }

    @Test func `an endpoint whose name has an address is no problem`() throws {
        #expect(try problems(#"{address: "somebody.example:80"}"#) { _ in [IPAddress(v4: 0x0A00_0001)] } == [])
    }
}
