import Diagnostics
import TestSupport
import Testing

@testable import MeshSnapshot

/// What Configs, and policies for them, name.
struct ConfigReferenceTests {
    private static let base = [
        manifest("ConfigSource", "base", "{type: Folder, path: /etc/app}"),
        manifest("ConfigSource", "keys", in: "ops", "{type: Folder, path: /etc/keys}"),
        manifest("Workload", "web", "{serviceAccount: web}"),
    ]

    private func found(_ documents: String...) -> [Diagnostic] {
        resolve((Self.base + documents).joined(separator: "\n---\n")).diagnostics.sortedByPosition()
    }

    /// `code line:column`, of errors.
    private func errors(_ documents: String...) -> [String] {
        resolve((Self.base + documents).joined(separator: "\n---\n")).errorPlaces
    }

    @Test func `sources of its own namespace and of others are found`() {
        let other = manifest("ConfigSource", "base2", "{type: Folder, path: /a}")
        #expect(found(other, manifest("Config", "app", "{sources: [base, ops/keys, shop/base2]}")).isEmpty)
    }

    @Test(arguments: [
        ("basse", "change it to \"base\", or add a ConfigSource named \"basse\""),
        ("ops/key", "change it to \"keys\", or add a ConfigSource named \"key\""),
        ("keys", "name a ConfigSource of namespace \"shop\": there is one of this name in \"ops\""),
    ])
    func `a source that is not there is an error where it is named`(source: String, remedy: String) {
        let all = found(manifest("Config", "app", "{sources: [base, ops/keys, \(source)]}"))
        let one = all.filter { $0.severity == .error }
        #expect(one.map(\.code.rawValue) == ["manifest.unknown-config-source"])
        #expect(one.map { "\($0.position.line):\($0.position.column)" } == ["19:34"])
        #expect(one.map(\.remedy) == [remedy])
    }

    @Test func `a workload and a service of a file that are not there are errors where they are named`() {
        let project = "{path: /a.json, workload: wep, owner: a, onChange: {service: reload, path: /a}}"
        let config = manifest("Config", "app", "{sources: [base, ops/keys],\n  project: [\(project)]}")
        #expect(errors(config) == ["manifest.unknown-workload@20:39", "manifest.unknown-service@20:74"])
    }

    @Test func `a policy's Config must be there, and what is a Service is said`() {
        let config = manifest("Config", "app", "{sources: [base, ops/keys]}")
        let service = manifest("Service", "orders", "{endpoints: [{address: '192.0.2.1:80'}]}")
        func policy(_ kind: String, _ name: String) -> String {
            manifest("AuthorizationPolicy", "p", "{targetRefs: [{kind: \(kind), name: \(name)}], rules: [{}]}")
        }
        #expect(found(config, service, policy("Config", "app")).isEmpty)
        let missing = found(config, service, policy("Config", "apq")).filter { $0.severity == .error }
        #expect(missing.map(\.code.rawValue) == ["manifest.unknown-config"])
        #expect(missing.map(\.remedy) == ["change it to \"app\", or add a Config named \"apq\""])
        let other = found(config, service, policy("Config", "orders")).filter { $0.severity == .error }
        #expect(other.map(\.found) == ["\"orders\", which is a Service"])
        #expect(other.map(\.remedy) == ["write kind: Service in the targetRef"])
        let reverse = found(config, service, policy("Service", "app")).filter { $0.severity == .error }
        #expect(reverse.map(\.code.rawValue) == ["manifest.unknown-service"])
        #expect(reverse.map(\.remedy) == ["write kind: Config in the targetRef"])
    }

    @Test func `a source that no Config reads is a warning, and the set is taken up`() {
        let resolution = resolve(Self.base.joined(separator: "\n---\n"))
        #expect(resolution.snapshot != nil)
        #expect(
            resolution.warnings.map { "\($0.code.rawValue) \($0.position.line)" } == [
                "manifest.unused-config-source 3", "manifest.unused-config-source 8",
            ])
    }

    @Test func `a source is not said to be unread where another mistake may be why`() {
        let resolution = resolve(
            (Self.base + [manifest("Config", "app", "{sources: []}")]).joined(separator: "\n---\n"))
        #expect(resolution.diagnostics.map(\.code.rawValue) == ["manifest.invalid-value"])
    }

    @Test func `a source with a mistake is not missed by those that name it`() {
        let broken = manifest("ConfigSource", "broken", "{type: File, path: a}")
        let config = manifest("Config", "app", "{sources: [base, ops/keys, broken]}")
        #expect(errors(broken, config) == ["manifest.missing-field@19:8"])
    }
}
