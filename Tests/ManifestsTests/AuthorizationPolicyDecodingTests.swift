import Diagnostics
import Testing

@testable import Manifests

private func policy(_ spec: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> AuthorizationPolicy {
    try decoded("AuthorizationPolicy", spec, sourceLocation: sourceLocation) {
        $0 as? AuthorizationPolicy
    }
}

@Test func `every field of a policy is read`() throws {
    let policy = try policy(
        """
        targetRefs: [{kind: Service, name: orders}, {kind: Service, group: "", name: cart, namespace: shop}]
        action: DENY
        mode: Enforce
        rules:
        - from:
          - source:
              principals: [mesh.local/ns/shop/sa/web, "spiffe://mesh.local/ns/a*", "*/sa/x", "*"]
              notPrincipals: ["spiffe://mesh.local/ns/shop/sa/y"]
              serviceAccounts: [shop/web]
              notServiceAccounts: [shop/b]
              namespaces: [shop, "team-*"]
              notNamespaces: [c]
              trustDomains: [mesh.local]
              notTrustDomains: [d]
              requestPrincipals: ["*"]
              notRequestPrincipals: [e]
              ipBlocks: [10.0.0.0/8]
              notIpBlocks: [10.0.0.1]
              remoteIpBlocks: ["2001:db8::/32"]
              notRemoteIpBlocks: ["::1"]
          to:
          - operation:
              hosts: [Orders.shop, "*.example.org"]
              notHosts: [f]
              ports: [8080]
              notPorts: [80]
              methods: [GET, "P*"]
              notMethods: [POST]
              paths: [/a, "/b/*", "*.html", "*", "/c/{*}/d/{**}", "/{*}"]
              notPaths: ["/e/%7Euser"]
          when:
          - {key: "request.headers[X-Tenant]", values: [a], notValues: ["b*"]}
          - {key: source.ip, values: [10.0.0.0/8]}
          - {key: source.namespace, values: [shop]}
          - {key: source.principal, notValues: ["*/sa/root"]}
          - {key: destination.ip, values: ["::1"]}
          - {key: destination.port, values: [8080]}
          - {key: connection.sni, values: [Orders.shop.mesh]}
        - {}
        """)
    #expect(policy.targets.services.map(\.value) == ["orders", "cart"])
    #expect(policy.action == .deny)
    let rule = policy.rules[0]
    let source = rule.from[0]
    #expect(
        source.principals.values.map(\.value) == [
            .exact("spiffe://mesh.local/ns/shop/sa/web"), .prefix("spiffe://mesh.local/ns/a"), .suffix("/sa/x"),
            .present,
        ])
    #expect(source.principals.notValues.count == 1)
    #expect(source.serviceAccounts.values.map(\.value.description) == ["shop/web"])
    #expect(source.serviceAccounts.notValues.map(\.value.description) == ["shop/b"])
    #expect(source.namespaces.values.map(\.value) == [.exact("shop"), .prefix("team-")])
    #expect(source.namespaces.notValues.map(\.value) == [.exact("c")])
    #expect(source.trustDomains.values.count == 1 && source.trustDomains.notValues.count == 1)
    #expect(source.requestPrincipals.values.count == 1 && source.requestPrincipals.notValues.count == 1)
    #expect(source.ipBlocks.values.count == 1 && source.ipBlocks.notValues.count == 1)
    #expect(source.remoteIpBlocks.values.count == 1 && source.remoteIpBlocks.notValues.count == 1)
    let operation = rule.to[0]
    #expect(operation.hosts.values.map(\.value) == [.exact("orders.shop"), .suffix(".example.org")])
    #expect(operation.hosts.notValues.count == 1)
    #expect(operation.ports.values.map(\.value) == [8080] && operation.ports.notValues.map(\.value) == [80])
    #expect(operation.methods.values.map(\.value) == [.exact("GET"), .prefix("P")])
    #expect(operation.methods.notValues.count == 1)
    #expect(
        operation.paths.values.map(\.value) == [
            .string(.exact("/a")), .string(.prefix("/b/")), .string(.suffix(".html")), .string(.present),
            .template([.literal("c"), .any, .literal("d")], matchesRest: true), .template([.any], matchesRest: false),
        ])
    #expect(operation.paths.notValues.map(\.value) == [.string(.exact("/e/~user"))])
    #expect(
        rule.when.map(\.key) == [
            .requestHeader("x-tenant"), .sourceIP, .sourceNamespace, .sourcePrincipal, .destinationIP, .destinationPort,
            .connectionSNI,
        ])
    #expect(rule.when[0].strings.notValues.map(\.value) == [.prefix("b")])
    #expect(rule.when[1].blocks.values.count == 1)
    #expect(rule.when[5].ports.values.map(\.value) == [8080])
    #expect(rule.when[6].strings.values.map(\.value) == [.exact("orders.shop.mesh")])
    #expect(policy.rules[1].from.isEmpty && policy.rules[1].to.isEmpty && policy.rules[1].when.isEmpty)
}

@Test func `no rules and empty rules are told apart`() throws {
    #expect(try policy("{}").rules.isEmpty)
    #expect(try policy("rules: []").rules.isEmpty)
    #expect(try policy("rules: [{}]").rules.count == 1)
    #expect(try policy("{}").action == .allow)
    #expect(try policy("{}").mode == .enforce)
    #expect(try policy("{}").targets.isNamespace)
}

@Test(arguments: [
    ("action: CUSTOM", "not-available 5:11"), ("mode: shadow", "invalid-value 5:9"), ("mode: ~", "wrong-type 5:3"),
    ("mode: true", "wrong-type 5:9"), ("mode: Audit", "invalid-value 5:9"),
    ("mode: Shadow\naction: AUDIT", "conflicting-fields 5:3"), ("action: allow", "invalid-value 5:11"),
    ("targetRefs: []", "invalid-value 5:15"), ("targetRefs: [{name: a}]", "missing-field 5:17"),
    ("targetRefs: [{kind: Gateway, name: a}]", "invalid-value 5:23"),
    ("targetRefs: [{kind: Service, name: a, namespace: b}]", "invalid-value 5:41"),
    ("selector: {}", "unknown-field 5:3"),
])
func `a mistake in a policy is an error at its place`(spec: String, mistake: String) {
    #expect(mistakes(manifest("AuthorizationPolicy", spec)) == ["manifest.\(mistake)"])
}

/// Who followed "remove it" would enforce what was only to be tried.
@Test(arguments: [
    ("'true'", "write mode: Shadow in spec, and only then remove annotations"),
    ("true", "write mode: Shadow in spec, and only then remove annotations"),
    ("'false'", "remove annotations: it says \"false\", and a policy without mode is enforced"),
])
func `a dry run as Istio has it is told how it is written here`(value: String, remedy: String) {
    func found(_ kind: String) -> [Diagnostic] {
        let text = manifest(kind, "{}").replacing(
            "namespace: shop}", with: "namespace: shop, annotations: {a: b, istio.io/dry-run: \(value)}}")
        return ManifestDecoder.decode(Array(text.utf8), path: "f.yaml").diagnostics
    }
    let policy = found("AuthorizationPolicy")
    #expect(policy.map(\.code.rawValue) == ["manifest.unknown-field"])
    #expect(policy.map { [$0.position.line, $0.position.column] } == [[3, 58]])
    #expect(policy.map(\.remedy) == [remedy])
    #expect(found("Service").map(\.found) == ["the field \"annotations\""])
}

@Test(arguments: [
    (
        "mode: Audit",
        "write \"Shadow\" to try the policy without enforcing it; to hear of calls alone, write action: AUDIT, and no mode"
    ),
    ("action: Shadow", "write mode: Shadow, beside the action that is to be enforced later"),
    ("mode: shadow", "change it to \"Shadow\""),
])
func `what stands in the wrong one of action and mode is told where it belongs`(spec: String, remedy: String) {
    let file = ManifestDecoder.decode(Array(manifest("AuthorizationPolicy", spec).utf8), path: "f.yaml")
    #expect(file.diagnostics.map(\.remedy) == [remedy])
}

@Test(arguments: [
    ("default/CALLER", "change it to \"default/caller\", or whatever account calls: names are in lower case"),
    ("Shop/my_web", "change it to \"shop/my-web\": a name has \"-\" for \"_\", and lower-case letters"),
    ("shop/my_web", "change it to \"shop/my-web\": a name has \"-\" for \"_\""),
    ("shop/*", "write it as \"namespace/name\""), ("a/b/C", "write it as \"namespace/name\""),
    ("Web", "name its namespace too: \"shop/web\" is the one of this policy's, in lower case"),
])
func `a service account is told what is wrong with it`(account: String, remedy: String) {
    let rules = "rules: [{from: [{source: {serviceAccounts: ['\(account)']}}]}]"
    let file = ManifestDecoder.decode(Array(manifest("AuthorizationPolicy", rules).utf8), path: "f.yaml")
    #expect(file.diagnostics.map(\.remedy) == [remedy])
}

@Test(arguments: [
    ("targetRefs: [{name: a}]", "add kind: Service"),
    ("targetRefs: [{kind: Gateway, name: a}]", "change it to \"Service\" or \"Config\""),
])
func `a remedy for a target leads to one that is taken`(spec: String, remedy: String) {
    let file = ManifestDecoder.decode(Array(manifest("AuthorizationPolicy", spec).utf8), path: "f.yaml")
    #expect(file.diagnostics.map(\.remedy) == [remedy])
}

/// What stands within `rules: [{…}]` on line 5, whose first column is 12.
@Test(arguments: [
    ("from: ~", "wrong-type 5:12"), ("from: []", "invalid-value 5:18"), ("from: [{}]", "missing-field 5:19"),
    ("from: [{source: {}}]", "missing-field 5:28"), ("to: [{operation: {}}]", "missing-field 5:29"),
    ("to: [{operation: {paths: []}}]", "invalid-value 5:37"), ("to: [{operation: {notPaths: ~}}]", "wrong-type 5:30"),
    ("when: [{key: source.ip}]", "missing-field 5:20"),
    ("when: [{key: \"request.auth.claims[a]\", values: [b]}]", "not-available 5:25"),
    ("when: [{key: source.ips, values: [b]}]", "invalid-value 5:25"),
    ("when: [{key: \"request.headers[]\", values: [b]}]", "invalid-value 5:25"),
    ("when: [{key: destination.port, values: [\"80\"]}]", "wrong-type 5:52"),
    ("when: [{key: source.ip, values: [\"10.*\"]}]", "invalid-value 5:45"),
    ("to: [{operation: {paths: [\"/a/*/b\"]}}]", "invalid-value 5:38"),
    ("to: [{operation: {paths: [\"/a*b*\"]}}]", "invalid-value 5:38"),
    ("to: [{operation: {paths: [\"a\"]}}]", "invalid-value 5:38"),
    ("to: [{operation: {paths: [\"a*\"]}}]", "invalid-value 5:38"),
    ("to: [{operation: {paths: [\"//admin\"]}}]", "invalid-value 5:38"),
    ("to: [{operation: {paths: [\"/a?b=c\"]}}]", "invalid-value 5:38"),
    ("to: [{operation: {paths: [\"/a#b\"]}}]", "invalid-value 5:38"),
    ("to: [{operation: {paths: [\"/a/../b*\"]}}]", "invalid-value 5:38"),
    ("to: [{operation: {paths: [\"/{**}/a\"]}}]", "invalid-value 5:38"),
    ("to: [{operation: {paths: [\"/{id}\"]}}]", "invalid-value 5:38"),
    ("to: [{operation: {paths: [\"/a{*}\"]}}]", "invalid-value 5:38"),
    ("to: [{operation: {paths: [\"/{*}/a*\"]}}]", "invalid-value 5:38"),
    ("to: [{operation: {paths: [\"/{*}/\"]}}]", "invalid-value 5:38"),
    ("to: [{operation: {paths: [\"\"]}}]", "invalid-value 5:38"),
    ("to: [{operation: {methods: [get]}}]", "invalid-value 5:40"),
    ("to: [{operation: {ports: [\"80\"]}}]", "wrong-type 5:38"),
    ("to: [{operation: {hosts: [\"a:80\"]}}]", "invalid-value 5:38"),
    ("to: [{operation: {hosts: [a.]}}]", "invalid-value 5:38"),
    ("from: [{source: {serviceAccounts: [web]}}]", "invalid-value 5:47"),
    ("from: [{source: {serviceAccounts: [\"shop/*\"]}}]", "invalid-value 5:47"),
    ("from: [{source: {principals: [\"spiffe://mesh.local/\"]}}]", "invalid-value 5:42"),
    ("from: [{source: {principal: [a]}}]", "unknown-field 5:29"),
])
func `a mistake in a policy's rule is an error at its place`(rule: String, mistake: String) {
    #expect(mistakes(manifest("AuthorizationPolicy", "rules: [{\(rule)}]")) == ["manifest.\(mistake)"])
}

/// In a DENY rule it would be a hole: whoever wrote it believes that something is refused.
@Test(arguments: [
    (
        "hosts",
        [
            "a:80", "a:*", "a:8*", "*:80", "a.", "a..b", ".a", "*a.", "https://a*", "https://a", "a/b", " a", "a b",
            "ä",
            "::1", "[::1", "[::1]:80", "[g*", "*::1", "a]", "",
        ]
    ),
    ("methods", ["get", "GE T", "*get"]), ("paths", ["a", "/a//b", "/a?b", "/../a"]),
])
func `what no operation can match is refused`(field: String, patterns: [String]) {
    for pattern in patterns {
        for name in [field, "not" + field.prefix(1).uppercased() + field.dropFirst()] {
            #expect(
                mistakes(manifest("AuthorizationPolicy", "rules: [{to: [{operation: {\(name): [\"\(pattern)\"]}}]}]"))
                    .count == 1, "\(name): \(pattern)")
        }
    }
}

@Test(arguments: [
    ("namespaces", ["shop/*", "Shop", "shop ", "-a", "*-", String(repeating: "a", count: 64)]),
    ("trustDomains", ["MESH.local", "spiffe://mesh.local", "mesh.local/*", "*.Local", "mesh local"]),
    (
        "principals",
        [
            "*/sa/web ", "*/sa/web/", "*/../a", "*:8080/a", "*a:b/c", "mesh.local/ns/./*", "MESH.local/*",
            "spiffe://Mesh*", "mesh.local//*", "spiffe://mesh.local/ns/ä*",
        ]
    ),
])
func `what no source can match is refused`(field: String, patterns: [String]) {
    for pattern in patterns {
        for name in [field, "not" + field.prefix(1).uppercased() + field.dropFirst()] {
            #expect(
                mistakes(manifest("AuthorizationPolicy", "rules: [{from: [{source: {\(name): [\"\(pattern)\"]}}]}]"))
                    .count == 1, "\(name): \(pattern)")
        }
    }
}

@Test(arguments: [
    ("request.headers[host]", ["a:80", "a:*", "a/x", " a"]), ("connection.sni", ["a.mesh:*", "a/x", "[::1]"]),
    ("request.headers[x-a]", [" a", "a ", "a\\r", "*\\t", " *"]), ("source.namespace", ["shop/*", "A"]),
    ("source.principal", ["*/sa/web "]),
])
func `a condition that no value can meet is refused`(key: String, patterns: [String]) {
    for pattern in patterns {
        for name in ["values", "notValues"] {
            #expect(
                mistakes(
                    manifest("AuthorizationPolicy", "rules: [{when: [{key: \"\(key)\", \(name): [\"\(pattern)\"]}]}]")
                )
                .count == 1, "\(key): \(pattern)")
        }
    }
}

@Test(arguments: [
    ("to: [{operation: {hosts: [A.shop, \"orders.*\", \"*.shop\", \"[fd00::1]\", \"[fd00:*\", \"*::1]\", 10.0.0.1, a_b, \"*\"]}}]"),
    ("from: [{source: {namespaces: [shop, \"a-*\", \"*-b\"], trustDomains: [mesh.local, \"*.local\", \"mesh_*\"]}}]"),
    ("from: [{source: {principals: [\"s*\", \"mesh.local/*\", \"mesh*\", \"spiffe://mesh.local/ns/A*\", \"*/sa/web\", \"*://mesh.local/a\", \"*.local\"]}}]"),
    ("when: [{key: \"request.headers[x-a]\", values: [\"a b\", \"ä*\", \"a *\", \"* a\"]}]"),
    ("when: [{key: connection.sni, values: [\"*..b\", \"A.mesh\"]}]"),
])
func `what some value can match is taken`(rule: String) {
    #expect(mistakes(manifest("AuthorizationPolicy", "rules: [{\(rule)}]")).isEmpty)
}

@Test(arguments: [
    ("a.shop:80", "change it to \"a.shop\", and name the port in ports"), ("a.shop:*", "change it to \"a.shop\""),
    ("https://a.shop/b", "change it to \"a.shop\""),
    ("*.shop:80", "change it to \"*.shop\", and name the port in ports"),
    ("https://a*", "change it to \"a*\""), ("fd00::1", "change it to \"[fd00::1]\""), (" a. ", "change it to \"a\""),
    ("[fd00::1]:80", "change it to \"[fd00::1]\", and name the port in ports"),
])
func `what was meant by a host is told`(written: String, remedy: String) {
    let text = manifest("AuthorizationPolicy", "rules: [{to: [{operation: {hosts: [\"\(written)\"]}}]}]")
    #expect(ManifestDecoder.decode(Array(text.utf8), path: "f.yaml").diagnostics.map(\.remedy) == [remedy])
}

@Test func `an account without a namespace is told the policy's, which was probably meant`() {
    let text = manifest("AuthorizationPolicy", "rules: [{from: [{source: {serviceAccounts: [web]}}]}]")
    let found = ManifestDecoder.decode(Array(text.utf8), path: "f.yaml").diagnostics
    #expect(found.first?.remedy.contains("\"shop/web\"") == true, "\(found)")
}

/// Who does as they are told must not let in more than before.
@Test(arguments: [
    "from: ~", "from: []", "from: [{}]", "from: [{source: ~}]", "from: [{source: {}}]",
    "from: [{source: {namespaces: []}}]",
    "from: [{source: {notNamespaces: ~}}]", "from: [{source: {notPrincipal: [a], namespaces: [b]}}]",
    "from: [{source: {zebra: [a]}}]", "from: [{sources: {namespaces: [a]}}]", "form: [{source: {namespaces: [a]}}]",
    "to: ~", "to: []", "to: [{operation: {}}]", "to: [{operation: {paths: []}}]", "to: [{operation: {path: [/a]}}]",
    "to: [{operation: {hosts: [\"a:80\"]}}]", "when: ~", "when: []", "when: [{}]", "when: [{key: source.ip}]",
    "when: [{key: \"request.auth.claims[a]\", values: [b]}]", "when: [{key: source.ip, values: []}]",
    "when: [{key: source.ips, values: [a]}]", "when: [{key: source.ip, value: [a]}]", "zebra: []",
])
func `no remedy for a rule is to take something out of it`(rule: String) {
    for action in ["ALLOW", "DENY"] {
        let text = manifest("AuthorizationPolicy", "action: \(action)\nrules: [{\(rule)}]")
        let found = ManifestDecoder.decode(Array(text.utf8), path: "f.yaml").diagnostics
        #expect(!found.isEmpty)
        for word in ["remove", "leave", "drop", "delete", "line"] {
            #expect(!found.contains { $0.remedy.contains(word) }, "\(found.map(\.remedy))")
        }
    }
}

@Test(arguments: [
    "targetRefs: ~", "targetRefs: []", "action: CUSTOM", "action: ~", "rules: ~", "selector: {}", "mode: ~",
    "mode: Shadow\naction: AUDIT",
])
func `no remedy for a policy widens what it is about`(spec: String) {
    let found = ManifestDecoder.decode(Array(manifest("AuthorizationPolicy", spec).utf8), path: "f.yaml").diagnostics
    #expect(!found.isEmpty)
    for word in ["remove", "leave", "line", "ALLOW"] {
        #expect(!found.contains { $0.remedy.contains(word) }, "\(found.map(\.remedy))")
    }
}

@Test(arguments: ["abc", "abc*", "*abc", "*", "a.b"])
func `a string pattern has one wildcard at most`(text: String) {
    #expect(StringPattern(text) != nil)
}

@Test(arguments: ["", "**", "*a*", "a*b", "a**", "**a"])
func `any other pattern is refused`(text: String) {
    #expect(StringPattern(text) == nil)
}
