import Diagnostics
import Testing

@testable import Manifests

/// Decodes `text`, expecting no mistake.
func decode(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) -> [any Resource] {
    let file = ManifestDecoder.decode(Array(text.utf8), path: "f.yaml")
    #expect(file.diagnostics.map(\.description).isEmpty, "\(file.diagnostics)", sourceLocation: sourceLocation)
    return file.resources
}

/// The one resource that `manifest(kind, spec)` is, as `value` takes it out.
func decoded<Value>(
    _ kind: String, _ spec: String, sourceLocation: SourceLocation = #_sourceLocation,
    as value: (any Resource) -> Value?
) throws -> Value {
    let found = decode(manifest(kind, spec), sourceLocation: sourceLocation).first.flatMap(value)
    return try #require(found, sourceLocation: sourceLocation)
}

/// `code line:column` of each mistake of `text`.
func mistakes(_ text: String) -> [String] {
    ManifestDecoder.decode(Array(text.utf8), path: "f.yaml").diagnostics.map {
        "\($0.code.rawValue) \($0.position.line):\($0.position.column)"
    }
}

/// A resource named `shop/x` whose `spec` begins on line 5; `spec` is indented by two spaces here.
func manifest(_ kind: String, _ spec: String) -> String {
    let lines = spec.split(separator: "\n", omittingEmptySubsequences: false).map { "  \($0)" }.joined(separator: "\n")
    return "apiVersion: heddle/v1\nkind: \(kind)\nmetadata: {name: x, namespace: shop}\nspec:\n\(lines)\n"
}

@Test func `the manifests of the specification are read`() throws {
    let resources = decode(
        """
        apiVersion: heddle/v1
        kind: Service
        metadata: {name: orders, namespace: shop}
        spec:
          protocol: HTTP
        ---
        apiVersion: heddle/v1
        kind: Workload
        metadata: {name: orders-1, namespace: shop}
        spec:
          service: orders
          address: 127.0.0.1:8081            # where the process listens, in plain
        ---
        apiVersion: heddle/v1
        kind: Workload
        metadata: {name: web-1, namespace: shop}
        spec:
          service: web
          address: 127.0.0.1:8080
          outbound: {listen: 127.0.0.1:15101}  # web calls http://orders.shop through here
        ---
        apiVersion: heddle/v1
        kind: AuthorizationPolicy
        metadata: {name: web-reads-orders, namespace: shop}
        spec:
          targetRefs: [{kind: Service, name: orders}]
          action: ALLOW
          rules:
          - from: [{source: {serviceAccounts: [shop/web]}}]
            to: [{operation: {methods: [GET], paths: ["/orders/{**}"]}}]
        """)
    #expect(resources.map(\.kind) == [.service, .workload, .workload, .authorizationPolicy])
    #expect(
        resources.map(\.metadata.name.description) == [
            "shop/orders", "shop/orders-1", "shop/web-1", "shop/web-reads-orders",
        ])
    guard let policy = resources[3] as? AuthorizationPolicy else { return #expect(Bool(false)) }
    let rule = try #require(policy.rules.first)
    #expect(rule.from[0].serviceAccounts.values.map(\.value) == [ResourceName(namespace: "shop", name: "web")])
    #expect(rule.to[0].paths.values.map(\.value) == [.template([.literal("orders")], matchesRest: true)])
    #expect(rule.position.position.line == 29)
}

@Test func `metadata has a name, a namespace and labels`() {
    let resource = decode(
        """
        apiVersion: heddle/v1
        kind: Service
        metadata:
          name: a
          labels: {app.example.org/team: "A_1.b", empty: ""}
        spec: {}
        """
    ).first
    #expect(resource?.metadata.name == ResourceName(namespace: "default", name: "a"))
    #expect(resource?.metadata.labels == ["app.example.org/team": "A_1.b", "empty": ""])
    #expect(resource?.metadata.position == SourcePosition(file: "f.yaml", line: 4, column: 9, length: 1))
}

@Test func `all mistakes of a file are found in one run`() {
    let text = """
        apiVersion: v1
        kind: Service
        metadata: {name: Bad_Name, namespace: -x, label: {}}
        spec: {protocol: UDP, hostname: [a]}
        ---
        kind: Sevice
        metadata: {name: a}
        spec: {}
        ---
        apiVersion: heddle/v1
        kind: TrafficPolicy
        metadata: {name: a}
        spec: {}
        ---
        - a list
        ---
        apiVersion: heddle/v1
        kind: Workload
        metadata: {name: a}
        """
    #expect(
        mistakes(text) == [
            "manifest.unknown-version 1:13", "manifest.invalid-value 3:18", "manifest.invalid-value 3:39",
            "manifest.unknown-field 3:43", "manifest.invalid-value 4:18", "manifest.unknown-field 4:23",
            "manifest.missing-field 6:1", "manifest.unknown-kind 6:7", "manifest.not-available 11:7",
            "manifest.wrong-type 15:1", "manifest.missing-field 17:1",
        ])
}

/// Cyrillic letters that look like Latin ones.
@Test func `letters that only look like those of a name are told`() {
    func remedies(_ text: String) -> [String] {
        ManifestDecoder.decode(Array(text.utf8), path: "f.yaml").diagnostics.map(\.remedy)
    }
    #expect(
        remedies(manifest("Sеrvice", "{}")) == ["change it to \"Service\": its \"е\" (U+0435) only looks like \"e\""])
    #expect(
        remedies(manifest("Service", "hоstnames: [a.b]"))
            == ["change it to \"hostnames\": its \"о\" (U+043E) only looks like \"o\""])
    #expect(
        remedies(manifest("Service", "protocol: НTTP"))
            == ["change it to \"HTTP\": its \"Н\" (U+041D) only looks like \"H\""])
    #expect(
        remedies(manifest("Service", "{}").replacing("name: x", with: "name: оrders"))
            == ["change it to \"orders\": its \"о\" (U+043E) only looks like \"o\""])
    let policy = manifest("AuthorizationPolicy", "rules: [{from: [{source: {serviceAccounts: [shоp/web]}}]}]")
    #expect(remedies(policy) == ["change it to \"shop/web\": its \"о\" (U+043E) only looks like \"o\""])
}

@Test(arguments: [
    "name: “x”", "name:\u{A0}x", "name: ‘x’",
])
func `blanks and quotation marks that are none are told`(metadata: String) {
    let file = ManifestDecoder.decode(
        Array(manifest("Service", "{protocol: HTTP}").replacing("name: x", with: metadata).utf8), path: "f.yaml")
    #expect(file.diagnostics.contains { $0.remedy.contains(LookAlikes.phrase) }, "\(file.diagnostics)")
}

@Test func `fields that stand beside spec are told to be indented, and never to be removed`() {
    let text = manifest("AuthorizationPolicy", "") + "action: DENY\n"
    let remedies = ManifestDecoder.decode(Array(text.utf8), path: "f.yaml").diagnostics.map(\.remedy)
    #expect(remedies.first == "write down what spec is to be, after it or indented below it")
    #expect(remedies.last?.hasPrefix("if it is of spec, indent it to stand below that") == true, "\(remedies)")
}

@Test func `what has no place for a namespace, or no host, is told so`() {
    func remedies(_ spec: String) -> [String] {
        ManifestDecoder.decode(Array(manifest("Workload", spec).utf8), path: "f.yaml").diagnostics.map(\.remedy)
    }
    #expect(
        remedies("{serviceAccount: shop/web}") == ["change it to \"web\": here a name stands without its namespace"])
    for listen in ["9090", "'9090'"] {
        #expect(
            remedies("{serviceAccount: web, outbound: {listen: \(listen)}}")
                == ["name the host before the port: \"127.0.0.1:9090\""])
    }
}

@Test func `a mistake says what was meant`() {
    let file = ManifestDecoder.decode(Array(manifest("Sevice", "{}").utf8), path: "f.yaml")
    #expect(file.diagnostics.map(\.remedy) == ["change it to \"Service\""])
    let field = ManifestDecoder.decode(Array(manifest("Service", "hostnmes: [a.b]").utf8), path: "f.yaml")
    #expect(field.diagnostics.map(\.remedy) == ["change it to \"hostnames\", or remove it"])
}

@Test(arguments: ManifestDecoder.specifiedKinds.filter { Kinds.all.descriptor(named: $0) == nil })
func `a kind of the specification that is not here yet says so`(kind: String) {
    #expect(mistakes(manifest(kind, "anything: true")) == ["manifest.not-available 2:7"])
}

@Test func `a field without a value is an error, never a default`() {
    #expect(
        mistakes(manifest("Service", "hostnames:\nescapedSlashes: ~")) == [
            "manifest.wrong-type 5:3", "manifest.wrong-type 6:3",
        ])
}

@Test func `resources with mistakes are kept as far as they can be read`() {
    let file = ManifestDecoder.decode(Array(manifest("Service", "protocol: UDP").utf8), path: "f.yaml")
    #expect(file.resources.map(\.metadata.name.name) == ["x"])
    #expect(file.diagnostics.map(\.code) == [.invalidValue])
}

@Test func `empty documents are skipped`() {
    #expect(decode("---\n# nothing\n---\n" + manifest("Service", "{}") + "---\n").count == 1)
    #expect(decode("").isEmpty)
}

@Test func `mistakes beyond a thousand are counted out`() {
    let fields = (0..<3_000).map { "f\($0): 1" }.joined(separator: "\n")
    let file = ManifestDecoder.decode(Array(manifest("Service", fields).utf8), path: "f.yaml")
    #expect(file.diagnostics.count == 1_001)
    #expect(file.diagnostics.contains { $0.code == .tooManyMistakes })
}

@Test func `bytes that are no YAML are one mistake`() {
    let file = ManifestDecoder.decode([0xFF, 0x00], path: "f.yaml")
    #expect(file.resources.isEmpty)
    #expect(file.diagnostics.map(\.code.rawValue) == ["yaml.encoding"])
}

@Test func `a resource without a name does not hide the mistakes in its spec`() {
    let text = """
        apiVersion: heddle/v1
        kind: Service
        metadata: {namespace: shop}
        spec: {hostnames: ['*.a.b'], porotocol: HTTP}
        ---
        apiVersion: heddle/v1
        kind: Node
        spec: {address: "10.0.0.1"}
        """
    #expect(
        mistakes(text) == [
            "manifest.missing-field 3:12", "manifest.invalid-value 4:20", "manifest.unknown-field 4:30",
            "manifest.missing-field 6:1", "manifest.invalid-value 8:17",
        ])
    #expect(ManifestDecoder.decode(Array(text.utf8), path: "f.yaml").resources.isEmpty)
}
