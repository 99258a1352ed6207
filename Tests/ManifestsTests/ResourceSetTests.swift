import Diagnostics
import SPIFFE
import Testing

@testable import Manifests

struct ResourceSetTests {
    private func set(_ text: String) -> (set: ResourceSet, duplicates: [DuplicateResource]) {
        let file = ManifestDecoder.decode(Array(text.utf8), path: "f.yaml")
        #expect(file.diagnostics.isEmpty, "\(file.diagnostics)")
        return Kinds.all.set(of: [file])
    }

    private func service(_ name: String, _ namespace: String = "shop") -> String {
        document("Service", name, namespace, "{}")
    }

    private func document(_ kind: String, _ name: String, _ namespace: String, _ spec: String) -> String {
        "---\napiVersion: heddle/v1\nkind: \(kind)\nmetadata: {name: \(name), namespace: \(namespace)}\nspec: \(spec)\n"
    }

    private func name(_ text: String) -> ResourceName {
        let parts = text.split(separator: "/").map(String.init)
        return ResourceName(namespace: parts[0], name: parts[1])
    }

    @Test func `resources of a kind are listed by name, whatever their files`() {
        let services = set(service("b") + service("a", "z") + service("a")).set[Service.self]
        #expect(services.map { "\($0.metadata.name)" } == ["shop/a", "shop/b", "z/a"])
        #expect(services[name("shop/b")]?.metadata.name.name == "b")
        #expect(services[name("shop/c")] == nil)
        #expect(services.number(of: name("z/a")) == 2)
    }

    @Test(arguments: [("a", ["a/x"]), ("b", ["b/x", "b/y"]), ("c", ["c/x"]), ("0", []), ("bb", []), ("d", [])])
    func `those of a namespace are found`(namespace: String, expected: [String]) {
        let services = set(["b/y", "c/x", "a/x", "b/x"].map(name).map { service($0.name, $0.namespace) }.joined())
            .set[Service.self]
        #expect(services.within(namespace).map { "\($0.metadata.name)" } == expected)
    }

    @Test func `of several with one name the first counts`() {
        let found = set(service("a") + service("a", "other") + service("a"))
        #expect(found.set.count(.service) == 2)
        #expect(found.duplicates.map(\.metadata.position.line) == [14])
        #expect(found.duplicates.map(\.first.line) == [4])
    }

    @Test func `nodes are known by name alone`() {
        let nodes = document("Node", "a", "x", "{address: 'a:1'}") + document("Node", "a", "y", "{address: 'b:1'}")
        let found = set(nodes)
        #expect(found.duplicates.count == 1)
        #expect(found.set.has(ResourceIdentity(.node, name("other/a"))))
        #expect(!found.set.has(ResourceIdentity(.service, name("x/a"))))
    }

    @Test func `there is a Mesh where none is written`() {
        #expect(set("").set[Mesh.self].all == [.standard])
        let two = set(document("Mesh", "a", "x", "{trustDomain: a.example}") + document("Mesh", "b", "x", "{}"))
        #expect(two.set[Mesh.self].map(\.trustDomain.name) == ["a.example"])
        #expect(two.duplicates.count == 1)
    }

    @Test func `a kind that nothing is of is an empty list`() {
        let empty = set("").set
        #expect(empty[Gateway.self].isEmpty)
        #expect(empty.all(.gateway).isEmpty)
        #expect(empty.count(.gateway) == 0)
    }

    @Test func `who names a resource is found, each once and by name`() throws {
        let found = set(
            service("db")
                + document(
                    "TCPRoute", "b", "shop",
                    "{parentRefs: [{name: g, sectionName: a}, {name: g, sectionName: b}], rules: [{backendRefs: [{name: db}]}]}"
                )
                + document(
                    "TCPRoute", "a", "shop",
                    "{parentRefs: [{name: g}], rules: [{backendRefs: [{name: db}, {name: db}]}]}")
                + document(
                    "Gateway", "g", "shop",
                    "{listeners: [{name: a, port: 1, protocol: TCP}, {name: b, port: 2, protocol: TCP}]}")
        ).set
        let gateway = try #require(found[Gateway.self].first)
        let database = try #require(found[Service.self].first)
        #expect(found.referrers(TCPRoute.self, of: gateway, by: "parentRefs").map(\.metadata.name.name) == ["a", "b"])
        #expect(
            found.referrers(TCPRoute.self, of: database, by: "backendRefs").map(\.metadata.name.name) == ["a", "b"])
        #expect(found.referrers(TCPRoute.self, of: database, by: "parentRefs").isEmpty)
        #expect(found.referrers(HTTPRoute.self, of: gateway, by: "parentRefs").isEmpty)
    }
}
