import Diagnostics
import Testing

@testable import Manifests

/// Names of what Heddle answers itself.
struct ReservedNamesTests {
    private func mistakes(_ text: String) -> [String] {
        ManifestDecoder.decode(Array(text.utf8), path: "f.yaml").diagnostics
            .map { "\($0.code.rawValue) \($0.position.line):\($0.position.column)" }
    }

    @Test(arguments: Kinds.all.kinds.map(\.rawValue))
    func `no resource stands in the namespace mesh`(kind: String) throws {
        let text = "apiVersion: heddle/v1\nkind: \(kind)\nmetadata: {name: x, namespace: mesh}\nspec: {}\n"
        #expect(mistakes(text).contains("manifest.reserved-name 3:32"))
        #expect(
            !mistakes(text.replacing("namespace: mesh", with: "namespace: meshes")).contains { $0.contains("reserved") }
        )
    }

    private static let hosts = [
        "config.mesh", "registry.mesh", "store.mesh", "events.mesh", "locks.mesh", "Config.Mesh", "store.mesh.mesh",
    ]

    @Test(arguments: hosts)
    func `nobody else answers to the hosts of what Heddle answers itself`(host: String) {
        let reserved = { (line: Int, column: Int) in ["manifest.reserved-name \(line):\(column)"] }
        #expect(mistakes(manifest("Service", "hostnames: [\(host)]")) == reserved(5, 15))
        #expect(
            mistakes(
                manifest(
                    "HTTPRoute", "parentRefs: [{name: a}]\nhostnames: [\(host)]\nrules: [{backendRefs: [{name: a}]}]"))
                == reserved(6, 15))
        #expect(
            mistakes(
                manifest(
                    "GRPCRoute", "parentRefs: [{name: a}]\nhostnames: [\(host)]\nrules: [{backendRefs: [{name: a}]}]"))
                == reserved(6, 15))
        #expect(
            mistakes(
                manifest(
                    "TLSRoute", "parentRefs: [{name: a}]\nhostnames: [\(host)]\nrules: [{backendRefs: [{name: a}]}]"))
                == reserved(6, 15))
        #expect(
            mistakes(manifest("Gateway", "listeners: [{name: a, port: 1, protocol: HTTP,\nhostname: \(host)}]"))
                == reserved(6, 13))
    }

    @Test(arguments: ["config.shop", "config.mesh.example", "myconfig.mesh", "configs.mesh", "mesh", "a.config.mesh"])
    func `other names are free`(host: String) {
        #expect(mistakes(manifest("Service", "hostnames: [\(host)]")) == [])
    }

    @Test func `a Service elsewhere may be called config`() {
        let text = "apiVersion: heddle/v1\nkind: Service\nmetadata: {name: config, namespace: shop}\nspec: {}\n"
        #expect(mistakes(text) == [])
    }
}
