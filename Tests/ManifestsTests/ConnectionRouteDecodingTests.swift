import Testing

@testable import Manifests

@Test func `every field of a TCPRoute is read`() throws {
    let route = try decoded(
        "TCPRoute",
        """
        parentRefs:
        - {name: edge, sectionName: db, port: 5432}
        - {kind: Service, name: db, namespace: data}
        rules:
        - name: split
          backendRefs: [{name: db, namespace: data, port: 5432, weight: 9}, {kind: Service, name: db2}]
        """
    ) { $0 as? TCPRoute }
    #expect(route.parentRefs.map(\.kind) == [.gateway, .service])
    #expect(route.parentRefs.map(\.name.value.description) == ["shop/edge", "data/db"])
    #expect(route.parentRefs[0].sectionName?.value == "db")
    #expect(route.parentRefs[0].port?.value == 5432)
    #expect(route.rule.name == "split")
    #expect(route.rule.backendRefs.map(\.service.value.description) == ["data/db", "shop/db2"])
    #expect(route.rule.backendRefs.map(\.weight) == [9, 1])
}

@Test func `every field of a TLSRoute is read`() throws {
    let route = try decoded(
        "TLSRoute",
        """
        parentRefs: [{name: edge, sectionName: names}]
        hostnames: [Db.Example.org, "*.example.com"]
        rules: [{backendRefs: [{name: db}]}]
        """
    ) { $0 as? TLSRoute }
    #expect(route.parentRefs.map(\.name.value.description) == ["shop/edge"])
    #expect(route.hostnames.map(\.value) == [.exact("db.example.org"), .wildcard(suffix: ".example.com")])
    #expect(route.rule.backendRefs.map(\.service.value.description) == ["shop/db"])
}

@Test(
    arguments: ["TCPRoute", "TLSRoute"],
    [
        ("rules: [{backendRefs: [{name: b}]}]", "missing-field 5:3"),
        ("parentRefs: [{name: a}]", "missing-field 5:3"),
        ("parentRefs: [{name: a}]\nrules: []", "invalid-value 6:10"),
        ("parentRefs: [{name: a}]\nrules: [{}]", "missing-field 6:11"),
        ("parentRefs: [{name: a}]\nrules: [{backendRefs: []}]", "invalid-value 6:25"),
        (
            "parentRefs: [{name: a}]\nrules: [{backendRefs: [{name: b}]}, {backendRefs: [{name: c}]}]",
            "duplicate-item 6:40"
        ),
        ("parentRefs: [{name: a}]\nrules: [{backendRefs: [{name: b, weight: -1}]}]", "out-of-range 6:44"),
        ("parentRefs: [{name: a}]\nrules: [{backendRefs: [{name: b, kind: Pod}]}]", "invalid-value 6:42"),
        ("parentRefs: [{name: a}]\nrules: [{backendRefs: [{name: b, filters: []}]}]", "unknown-field 6:36"),
        ("parentRefs: [{name: a}]\nrules: [{backendRefs: [{name: b}], matches: []}]", "unknown-field 6:38"),
        ("parentRefs: [{name: a}]\nuseDefaultGateways: All\nrules: [{backendRefs: [{name: b}]}]", "not-available 6:3"),
    ])
func `a mistake in a route of connections is an error at its place`(kind: String, item: (String, String)) {
    #expect(mistakes(manifest(kind, item.0)) == ["manifest.\(item.1)"])
}

@Test func `a TCPRoute has no hostnames`() {
    let spec = "parentRefs: [{name: a}]\nhostnames: [a.b]\nrules: [{backendRefs: [{name: b}]}]"
    #expect(mistakes(manifest("TCPRoute", spec)) == ["manifest.conflicting-fields 6:3"])
}

@Test(arguments: [
    ("parentRefs: [{kind: Service, name: a}]\nrules: [{backendRefs: [{name: b}]}]", "invalid-value 5:38"),
    ("parentRefs: [{name: a}]\nhostnames: ['*']\nrules: [{backendRefs: [{name: b}]}]", "invalid-value 6:15"),
])
func `a mistake in a TLSRoute is an error at its place`(spec: String, mistake: String) {
    #expect(mistakes(manifest("TLSRoute", spec)) == ["manifest.\(mistake)"])
}
