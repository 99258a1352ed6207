import Diagnostics
import Testing

@testable import MeshSnapshot

/// Selectors and the listeners that ask them.
struct OpenListenersTests {
    private static func workload(_ spec: String) -> String {
        "---\napiVersion: heddle/v1\nkind: Workload\nmetadata: {name: web-1}\nspec: {serviceAccount: web, \(spec)}\n"
    }

    private static func node(_ name: String, _ more: String = "") -> String {
        "---\napiVersion: heddle/v1\nkind: Node\nmetadata: {name: \(name)}\nspec: {address: \"192.0.2.1:\(name.utf8.first!)\"\(more)}\n"
    }

    private static let selectors = "selectors: [{unix: {user: web}}]"
    private static let host = ", outbound: {listen: \"127.0.0.1:1\"}"
    private static let files =
        "---\napiVersion: heddle/v1\nkind: Mesh\nmetadata: {name: mesh}\nspec: {identity: {authority: {type: Files, "
        + "certificateFile: a, keyFile: b}}}\n"

    private func warnings(_ manifests: String) -> [Diagnostic] {
        let resolution = resolve(manifests, requiresNode: false)
        #expect(resolution.errors.isEmpty, "\(resolution.errors)")
        return resolution.warnings
    }

    @Test func `selectors that no listener asks are told of, where they stand`() {
        let found = warnings(Self.workload(Self.selectors))
        #expect(found.map(\.code.rawValue) == ["manifest.unused-selectors"])
        #expect(found.first.map { [$0.position.line, $0.position.column] } == [5, 29])
        #expect(found.first?.remedy == "add outbound: {listen: 127.0.0.1:PORT} to its spec, or remove selectors")
    }

    @Test(arguments: [
        "outbound: {listen: \"127.0.0.1:2\"}", "outbound: {listen: \"unix:/run/a.sock\"}",
        "outbound: {tcp: [{service: db, listen: \"127.0.0.1:2\"}]}",
    ])
    func `those that a listener of its own asks are not`(outbound: String) {
        let db =
            "---\napiVersion: heddle/v1\nkind: Service\nmetadata: {name: db}\n"
            + "spec: {protocol: TCP, endpoints: [{address: \"192.0.2.9:5432\"}]}\n"
        #expect(warnings(db + Self.workload("\(Self.selectors), \(outbound)")).isEmpty)
    }

    @Test func `its node's listener asks them, another node's does not`() {
        let nodes = Self.files + Self.node("a", Self.host) + Self.node("b")
        #expect(warnings(nodes + Self.workload("node: a, \(Self.selectors)")).isEmpty)
        let found = warnings(nodes + Self.workload("node: b, \(Self.selectors)"))
        #expect(found.map(\.code.rawValue) == ["manifest.unused-selectors"])
        #expect(found.first?.remedy.contains("to that of Node b") == true)
    }
}
