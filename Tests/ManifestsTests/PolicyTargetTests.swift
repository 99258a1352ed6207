import Diagnostics
import Testing

@testable import Manifests

private func policy(_ spec: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> AuthorizationPolicy {
    try decoded("AuthorizationPolicy", spec, sourceLocation: sourceLocation) { $0 as? AuthorizationPolicy }
}

/// Policies for what Heddle answers for itself.
struct PolicyTargetTests {
    private static let config = "{kind: Config, name: app}"

    @Test func `a policy for Configs is for no Service`() throws {
        let policy = try policy(
            "targetRefs: [\(Self.config), {kind: Config, group: heddle, name: other, namespace: shop}]")
        #expect(policy.targets.names.map(\.value) == ["app", "other"])
        #expect(policy.targets.services.isEmpty && !policy.targets.isNamespace && !policy.targets.areServices)
        #expect(
            policy.references.map { "\($0.kind.rawValue) \($0.name.value)" } == [
                "Config shop/app", "Config shop/other",
            ])
        let app = ResourceName(namespace: "shop", name: "app")
        #expect(policy.targets(.config, app) && !policy.targets(app))
        #expect(!policy.targets(.config, ResourceName(namespace: "ops", name: "app")))
    }

    @Test(arguments: [("ALLOW", false), ("DENY", true), ("AUDIT", true)])
    func `without targets an ALLOW is for no Config, and all else is`(action: String, isForConfig: Bool) throws {
        let policy = try policy("{action: \(action), rules: [{}]}")
        let app = ResourceName(namespace: "shop", name: "app")
        #expect(policy.targets(.config, app) == isForConfig && policy.targets(app))
        #expect(!policy.targets(.config, ResourceName(namespace: "ops", name: "app")))
    }

    @Test func `a policy for a Config is shown as it was read`() throws {
        let read = try policy("{targetRefs: [\(Self.config)], rules: [{to: [{operation: {paths: [/values/a]}}]}]}")
        let again = try #require(decode(read.yamlText).first as? AuthorizationPolicy)
        #expect(again.targets == read.targets && again.saysSame(as: read))
        #expect(read.yamlText.contains("kind: Config"))
    }

    @Test func `targets that cannot be read are not all of the namespace`() {
        let text = manifest("AuthorizationPolicy", "targetRefs: [{kind: Gateway, name: a}]")
        let resource = ManifestDecoder.decode(Array(text.utf8), path: "f").resources.first as? AuthorizationPolicy
        #expect(resource?.targets == .services([]))
    }

    @Test(arguments: [
        ("targetRefs: [\(Self.config), {kind: Service, name: a}]", "conflicting-fields 5:44"),
        ("targetRefs: [{kind: Config}]", "missing-field 5:17"),
        ("targetRefs: [{kind: Config, name: a, namespace: b}]", "invalid-value 5:40"),
        ("targetRefs: [{kind: config, name: a}]", "invalid-value 5:23"),
        ("targetRefs: [{kind: ConfigSource, name: a}]", "invalid-value 5:23"),
    ])
    func `a mistake in a target is an error at its place`(spec: String, mistake: String) {
        #expect(mistakes(manifest("AuthorizationPolicy", spec)) == ["manifest.\(mistake)"])
    }

    /// What stands within `rules: [{…}]` on line 6, whose first column is 12.
    @Test(arguments: [
        ("to: [{operation: {hosts: [config.mesh]}}]", "conflicting-fields 6:38"),
        ("to: [{operation: {notHosts: [a.example]}}]", "conflicting-fields 6:41"),
        ("to: [{operation: {ports: [80]}}]", "conflicting-fields 6:38"),
        ("to: [{operation: {notPorts: [80]}}]", "conflicting-fields 6:41"),
        ("when: [{key: destination.port, values: [80]}]", "conflicting-fields 6:25"),
        ("when: [{key: destination.ip, values: [192.0.2.1]}]", "conflicting-fields 6:25"),
        ("when: [{key: connection.sni, values: [a.example]}]", "conflicting-fields 6:25"),
        ("when: [{key: 'request.headers[host]', values: [a.example]}]", "conflicting-fields 6:25"),
        ("to: [{operation: {paths: [/v1/configs/shop/app/values]}}]", "invalid-value 6:38"),
        ("to: [{operation: {notPaths: [/database/host]}}]", "invalid-value 6:41"),
        ("to: [{operation: {paths: [/value/*]}}]", "invalid-value 6:38"),
        ("to: [{operation: {paths: [/watch/*]}}]", "invalid-value 6:38"),
        ("to: [{operation: {paths: ['/watch/{*}']}}]", "invalid-value 6:38"),
        ("to: [{operation: {paths: ['/v1/{**}']}}]", "invalid-value 6:38"),
    ])
    func `what no call to a Config can be is refused`(rule: String, mistake: String) {
        for action in ["ALLOW", "DENY"] {
            let spec = "{action: \(action), targetRefs: [\(Self.config)],\nrules: [{\(rule)}]}"
            #expect(mistakes(manifest("AuthorizationPolicy", spec)) == ["manifest.\(mistake)"])
            let found = ManifestDecoder.decode(Array(manifest("AuthorizationPolicy", spec).utf8), path: "f").diagnostics
            // Who does as they are told must not let in more than before.
            #expect(!found.contains { $0.remedy.contains("remove") })
            let ofService = spec.replacing("kind: Config", with: "kind: Service")
            #expect(mistakes(manifest("AuthorizationPolicy", ofService)) == [])
        }
    }

    @Test(arguments: [
        "/values", "/watch", "/values/a/b", "/values*", "/val*", "/w*", "/*", "*", "*/host", "*", "/values/a*", "/{**}",
        "/{*}", "/{*}/{**}", "/values/{**}", "/values/{*}/host", "/watch/{**}", "/values/a%2Fb",
    ])
    func `what some call to a Config can be is taken`(path: String) throws {
        let policy = try policy("{targetRefs: [\(Self.config)], rules: [{to: [{operation: {paths: ['\(path)']}}]}]}")
        #expect(policy.rules.count == 1)
    }
}
