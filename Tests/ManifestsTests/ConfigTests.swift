import ConfigFormats
import ConfigValues
import Diagnostics
import TestSupport
import Testing

@testable import Manifests

private func config(_ spec: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> Config {
    try decoded("Config", spec, sourceLocation: sourceLocation) { $0 as? Config }
}

struct ConfigTests {
    // MARK: Read

    @Test func `every field of a Config is read`() throws {
        let config = try config(
            """
            sources: [base, ops/secrets]
            mergeKeys: [{path: servers, key: name}, {path: 'logging."org.example".sinks', key: id}]
            defaults: {database: {port: 5432}}
            fallbacks: [{path: database.replica, from: [database.host, hosts.0]}]
            schema: {type: object, properties: {database: {type: object}}}
            pinned: {revision: 0a1b2c3d4e5f}
            """)
        #expect(config.sources.map(\.value.description) == ["shop/base", "ops/secrets"])
        #expect(config.mergeKeys.map(\.path.value.keys) == [["servers"], ["logging", "org.example", "sinks"]])
        #expect(config.mergeKeys.map(\.key) == ["name", "id"])
        #expect(config.defaults?.origin.layer == "defaults")
        #expect(config.defaults?[ConfigPath(["database", "port"])]?.origin.position.line == 7)
        #expect(config.fallbacks.first?.path.value.keys == ["database", "replica"])
        #expect(config.fallbacks.first?.from.map(\.value.dotted) == ["database.host", "hosts.0"])
        guard case .inline(let schema)? = config.schema else { return #expect(Bool(false)) }
        #expect(schema.origin.layer == "schema" && schema[ConfigPath(["type"])] != nil)
        #expect(config.pinnedRevision?.value == "0a1b2c3d4e5f")
        #expect(config.references.map(\.name.value.description) == ["shop/base", "ops/secrets"])
        #expect(config.files.isEmpty)
    }

    @Test func `a schema may be a file`() throws {
        let config = try config("{sources: [a], schemaFile: app.schema.json}")
        guard case .file(let path)? = config.schema else { return #expect(Bool(false)) }
        #expect(path.value == "app.schema.json" && config.files == ["app.schema.json"])
    }

    @Test func `files that are kept as the values are, are read`() throws {
        let config = try config(
            """
            sources: [a]
            project:
            - {path: /run/app/a.json, workload: web}
            - path: /etc/app/b.conf
              format: TOML
              workload: ops/batch
              mode: 0640
              owner: 1001
              onChange: {signal: HUP, unit: app@1.service}
            - {path: /c.env, workload: web, mode: "0o400", owner: web, onChange: {signal: USR1, pidFile: /run/app.pid}}
            - {path: /d.yaml, workload: web, mode: "0600", onChange: {service: reload.ops, path: /a%7Eb}}
            """)
        let files = config.projections
        #expect(files.map(\.path.value) == ["/run/app/a.json", "/etc/app/b.conf", "/c.env", "/d.yaml"])
        #expect(files.map(\.format) == [.json, .toml, .dotenv, .yaml])
        #expect(files.map(\.workload.value.description) == ["shop/web", "ops/batch", "shop/web", "shop/web"])
        #expect(files.map(\.mode) == [0o600, 0o640, 0o400, 0o600])
        #expect(files[0].owner == nil && files[1].owner == .number(1001) && files[2].owner?.name?.value == "web")
        #expect(files[0].onChange == nil && files[1].onChange == .signalUnit(.hangUp, unit: "app@1.service"))
        guard case .signalProcess(.user1, let pidFile)? = files[2].onChange,
            case .call(let service, "/a~b")? = files[3].onChange
        else { return #expect(Bool(false)) }
        #expect(pidFile.value == "/run/app.pid" && service.value.description == "ops/reload")
        #expect(
            config.references.map { "\($0.kind.rawValue) \($0.name.value)" } == [
                "ConfigSource shop/a", "Workload shop/web", "Workload ops/batch", "Workload shop/web",
                "Workload shop/web", "Service ops/reload",
            ])
    }

    // MARK: Mistakes

    @Test(arguments: [
        ("{}", "manifest.missing-field 5:3"), ("sources: []", "manifest.invalid-value 5:12"),
        ("sources: a", "manifest.wrong-type 5:12"), ("sources: [1]", "manifest.wrong-type 5:13"),
        ("sources: [A]", "manifest.invalid-value 5:13"), ("sources: [a/b/c]", "manifest.invalid-value 5:13"),
        ("sources: [a/]", "manifest.invalid-value 5:13"), ("sources: [a, shop/a]", "manifest.duplicate-item 5:16"),
        ("sources: [{name: a}]", "manifest.wrong-type 5:14"),
        ("sources: [a]\nsource: b", "manifest.unknown-field 6:3"),
        ("sources: [a]\nmergeKeys: [{key: a}]", "manifest.missing-field 6:16"),
        ("sources: [a]\nmergeKeys: [{path: a}]", "manifest.missing-field 6:16"),
        ("sources: [a]\nmergeKeys: [{path: a..b, key: c}]", "manifest.invalid-value 6:22"),
        ("sources: [a]\nmergeKeys: [{path: ., key: c}]", "manifest.invalid-value 6:22"),
        ("sources: [a]\nmergeKeys: [{path: a/b, key: c}]", "manifest.invalid-value 6:22"),
        ("sources: [a]\nmergeKeys: [{path: 1, key: c}]", "manifest.wrong-type 6:22"),
        ("sources: [a]\nmergeKeys: [{path: a, key: c, x: d}]", "manifest.unknown-field 6:33"),
        (
            "sources: [a]\nmergeKeys: [{path: a, key: b}, {path: '\"a\"', key: c}]",
            "manifest.duplicate-item 6:41"
        ),
        ("sources: [a]\ndefaults: [1]", "manifest.wrong-type 6:13"),
        ("sources: [a]\ndefaults: {a: 1e400}", "format.number 6:17"),
        ("sources: [a]\nfallbacks: [{path: a}]", "manifest.missing-field 6:16"),
        ("sources: [a]\nfallbacks: [{from: [a]}]", "manifest.missing-field 6:16"),
        ("sources: [a]\nfallbacks: [{path: a, from: []}]", "manifest.invalid-value 6:31"),
        ("sources: [a]\nfallbacks: [{path: a, from: [b, a]}]", "manifest.conflicting-fields 6:35"),
        ("sources: [a]\nfallbacks: [{path: a.b, from: [a]}]", "manifest.conflicting-fields 6:34"),
        ("sources: [a]\nfallbacks: [{path: a, from: [a.b]}]", "manifest.conflicting-fields 6:32"),
        (
            "sources: [a]\nfallbacks: [{path: a, from: [b]}, {path: a, from: [c]}]",
            "manifest.duplicate-item 6:44"
        ),
        ("sources: [a]\nschema: true", "manifest.wrong-type 6:11"),
        ("sources: [a]\nschema: {}\nschemaFile: a", "manifest.conflicting-fields 7:3"),
        ("sources: [a]\nschemaFile: 1", "manifest.wrong-type 6:15"),
        ("sources: [a]\npinned: 0a1b2c3d4e5f", "manifest.wrong-type 6:11"),
        ("sources: [a]\npinned: {}", "manifest.missing-field 6:11"),
        ("sources: [a]\npinned: {revision: 0a1b2c3d4e5}", "manifest.invalid-value 6:22"),
        ("sources: [a]\npinned: {revision: 0A1B2C3D4E5F}", "manifest.invalid-value 6:22"),
        ("sources: [a]\npinned: {revision: 123456789012}", "manifest.wrong-type 6:22"),
    ])
    func `a mistake in a Config is an error at its place`(spec: String, mistake: String) {
        #expect(mistakes(manifest("Config", spec)) == [mistake])
    }

    @Test(arguments: [
        ("{workload: a}", "manifest.missing-field 7:6"), ("{path: /a.json}", "manifest.missing-field 7:6"),
        ("{path: a.json, workload: a}", "manifest.invalid-value 7:12"),
        ("{path: /a/../b.json, workload: a}", "manifest.invalid-value 7:12"),
        ("{path: /a/, workload: a, format: JSON}", "manifest.invalid-value 7:12"),
        ("{path: /a, workload: a}", "manifest.missing-field 7:6"),
        ("{path: /a, workload: a, format: INI}", "manifest.invalid-value 7:37"),
        ("{path: /a.json, workload: A}", "manifest.invalid-value 7:31"),
        ("{path: /a.json, workload: a, mode: 640}", "manifest.invalid-value 7:40"),
        ("{path: /a.json, workload: a, mode: 0888}", "manifest.invalid-value 7:40"),
        ("{path: /a.json, workload: a, mode: 06400}", "manifest.invalid-value 7:40"),
        ("{path: /a.json, workload: a, mode: true}", "manifest.wrong-type 7:40"),
        ("{path: /a.json, workload: a, mode: [0640]}", "manifest.wrong-type 7:40"),
        ("{path: /a.json, workload: a, mode: 0200}", "manifest.out-of-range 7:40"),
        ("{path: /a.json, workload: a, mode: 0666}", "manifest.out-of-range 7:40"),
        ("{path: /a.json, workload: a, mode: 0700}", "manifest.out-of-range 7:40"),
        ("{path: /a.json, workload: a, owner: 'a:b'}", "manifest.invalid-value 7:41"),
        ("{path: /a.json, workload: a, owner: 4294967295}", "manifest.out-of-range 7:41"),
        ("{path: /a.json, workload: a, group: a}", "manifest.unknown-field 7:34"),
        ("{path: /a.json, workload: a, onChange: {}}", "manifest.missing-field 7:44"),
        ("{path: /a.json, workload: a, onChange: HUP}", "manifest.wrong-type 7:44"),
        ("{path: /a.json, workload: a, onChange: {signal: HUP}}", "manifest.missing-field 7:45"),
        ("{path: /a.json, workload: a, onChange: {unit: a.service}}", "manifest.missing-field 7:45"),
        ("{path: /a.json, workload: a, onChange: {signal: SIGHUP, unit: a.service}}", "manifest.invalid-value 7:53"),
        ("{path: /a.json, workload: a, onChange: {signal: KILL, unit: a.service}}", "manifest.invalid-value 7:53"),
        ("{path: /a.json, workload: a, onChange: {signal: HUP, unit: a}}", "manifest.invalid-value 7:64"),
        ("{path: /a.json, workload: a, onChange: {signal: HUP, pidFile: a.pid}}", "manifest.invalid-value 7:67"),
        (
            "{path: /a.json, workload: a, onChange: {signal: HUP, unit: a.service, pidFile: /a}}",
            "manifest.conflicting-fields 7:75"
        ),
        (
            "{path: /a.json, workload: a, onChange: {signal: HUP, unit: a.service, path: /a}}",
            "manifest.conflicting-fields 7:75"
        ),
        ("{path: /a.json, workload: a, onChange: {service: a}}", "manifest.missing-field 7:45"),
        ("{path: /a.json, workload: a, onChange: {service: a, path: 'b'}}", "manifest.invalid-value 7:63"),
        ("{path: /a.json, workload: a, onChange: {service: a, path: '/b?c'}}", "manifest.invalid-value 7:63"),
        ("{path: /a.json, workload: a, onChange: {service: a.b.c, path: /b}}", "manifest.invalid-value 7:54"),
        (
            "{path: /a.json, workload: a, onChange: {service: a, path: /b, signal: HUP}}",
            "manifest.conflicting-fields 7:67"
        ),
    ])
    func `a mistake in a file that is kept is an error at its place`(item: String, mistake: String) {
        #expect(mistakes(manifest("Config", "sources: [a]\nproject:\n- \(item)")) == [mistake])
    }

    @Test func `what to write for a mode that looks decimal is said`() {
        let text = manifest("Config", "{sources: [a], project: [{path: /a.json, workload: a, mode: 640}]}")
        let found = ManifestDecoder.decode(Array(text.utf8), path: "f").diagnostics
        #expect(found.map(\.remedy) == ["write it as 0640"])
    }

    @Test func `a file that is kept twice is an error`() {
        let spec = "sources: [a]\nproject:\n- {path: /a.json, workload: a}\n- {path: /a.json, workload: b}"
        #expect(mistakes(manifest("Config", spec)) == ["manifest.duplicate-item 8:12"])
    }

    @Test func `more of anything than there may be is an error`() {
        let names = (1...101).map { "a\($0)" }
        let list = names.joined(separator: ", ")
        #expect(mistakes(manifest("Config", "sources: [\(list)]")) == ["manifest.out-of-range 5:3"])
        let few = (1...100).map { "a\($0)" }.joined(separator: ", ")
        #expect(mistakes(manifest("Config", "sources: [\(few)]")) == [])
        for (field, items) in [
            ("mergeKeys", names.map { "{path: \($0), key: k}" }),
            ("fallbacks", names.map { "{path: \($0), from: [b]}" }),
            ("project", names.map { "{path: /\($0).json, workload: a}" }),
        ] {
            let spec = "sources: [a]\n\(field): [\(items.joined(separator: ", "))]"
            #expect(mistakes(manifest("Config", spec)) == ["manifest.out-of-range 6:3"])
        }
        let from = "sources: [a]\nfallbacks: [{path: p, from: [\(names.prefix(17).joined(separator: ", "))]}]"
        #expect(mistakes(manifest("Config", from)) == ["manifest.out-of-range 6:25"])
    }

    // MARK: Shown

    @Test(arguments: [
        "{sources: [a, ops/b]}",
        "{sources: [a], mergeKeys: [{path: 'a.\"b.c\"', key: d}], defaults: {}, fallbacks: [{path: a.b, from: [c, d.0]}]}",
        "{sources: [a], schema: {type: object}, pinned: {revision: 123456789abc}}",
        "{sources: [a], schemaFile: a.json, defaults: {a: 1.5, b: [null, true, '']}}",
        "{sources: [a], project: [{path: /a.json, workload: b, mode: 0640, owner: 7, onChange: {signal: HUP, unit: c.service}}, "
            + "{path: /b, format: dotenv, workload: ops/b, owner: c, onChange: {signal: TERM, pidFile: /c}}, "
            + "{path: /c.toml, workload: b, onChange: {service: d.ops, path: /e}}]}",
    ])
    func `a Config is shown as it was read`(spec: String) throws {
        let read = try config(spec)
        let again = try #require(decode(read.yamlText).first as? Config)
        #expect(again.manifestJSON == read.manifestJSON)
        #expect(again.sources == read.sources && again.mergeKeys == read.mergeKeys && again.schema == read.schema)
        #expect(again.defaults == read.defaults && again.fallbacks == read.fallbacks)
        #expect(again.projections == read.projections && again.pinnedRevision == read.pinnedRevision)
    }
}

// MARK: - Among others

struct ConfigRelationTests {
    private static let source = TestSupport.manifest("ConfigSource", "base", "{type: Folder, path: /a}")

    private func found(_ documents: String..., of kind: ResourceKind = .config) -> [String] {
        let file = ManifestDecoder.decode(Array(documents.joined(separator: "\n---\n").utf8), path: "f.yaml")
        #expect(file.diagnostics.isEmpty, "\(file.diagnostics)")
        return (Kinds.all[kind]?.mistakes(in: Kinds.all.set(of: [file]).set) ?? [])
            .map { "\($0.severity.rawValue) \($0.code.rawValue) \($0.position.line):\($0.position.column)" }
    }

    private func workload(_ name: String, _ spec: String, in namespace: String = "shop") -> String {
        TestSupport.manifest("Workload", name, in: namespace, "{serviceAccount: a, \(spec)}")
    }

    private func config(_ name: String, _ project: String, in namespace: String = "shop") -> String {
        TestSupport.manifest("Config", name, in: namespace, "{sources: [shop/base], project: [\(project)]}")
    }

    @Test(arguments: [
        ("selectors: [{unix: {user: web}}]", true), ("selectors: [{unix: {uid: 7}}]", true),
        ("selectors: [{unix: {user: web}}, {unix: {user: web, group: www}}]", true),
        ("selectors: [{unix: {user: web}}, {unix: {user: other}}]", false),
        ("selectors: [{unix: {user: web}}, {exec: {}}]", false), ("selectors: [{exec: {}}]", false), ("", false),
    ])
    func `a file belongs to the user that its workload is, if there is one`(spec: String, isKnown: Bool) {
        let workload = workload("web", spec)
        let mistakes = found(workload, config("a", "{path: /a.json, workload: web}"))
        #expect(mistakes == (isKnown ? [] : ["error manifest.missing-field 9:47"]))
        #expect(found(workload, config("a", "{path: /a.json, workload: web, owner: x}")).isEmpty)
    }

    @Test func `a process is signalled only if selectors say which one it is`() {
        let hook = "{path: /a.json, workload: web, owner: x, onChange: {signal: HUP, pidFile: /a}}"
        #expect(found(workload("web", ""), config("a", hook)) == ["error manifest.conflicting-fields 9:114"])
        #expect(found(workload("web", "selectors: [{exec: {}}]"), config("a", hook)).isEmpty)
    }

    @Test(arguments: [
        ("node: a", "node: a", true), ("node: a", "node: b", false), ("", "node: b", true), ("node: a", "", true),
        ("", "", true),
    ])
    func `a file of one node is written for one Config`(first: String, second: String, isTaken: Bool) {
        let mistakes = found(
            workload("one", first), workload("two", second),
            config("a", "{path: /a.json, workload: one, owner: x}"),
            config("b", "{path: /a.json, workload: two, owner: x}"))
        #expect(mistakes == (isTaken ? ["error manifest.projection-taken 19:47"] : []))
    }

    @Test func `which policies are for a Config is known`() throws {
        let text = [
            Self.source, TestSupport.manifest("Config", "app", "{sources: [base]}"),
            TestSupport.manifest("AuthorizationPolicy", "by-name", "{targetRefs: [{kind: Config, name: app}]}"),
            TestSupport.manifest("AuthorizationPolicy", "other", "{targetRefs: [{kind: Config, name: other}]}"),
            TestSupport.manifest("AuthorizationPolicy", "service", "{targetRefs: [{kind: Service, name: app}]}"),
            TestSupport.manifest("AuthorizationPolicy", "allow-all", "{rules: [{}]}"),
            TestSupport.manifest("AuthorizationPolicy", "deny-all", "{action: DENY, rules: [{}]}"),
            TestSupport.manifest("AuthorizationPolicy", "deny-elsewhere", in: "ops", "{action: DENY, rules: [{}]}"),
        ].joined(separator: "\n---\n")
        let set = Kinds.all.set(of: [ManifestDecoder.decode(Array(text.utf8), path: "f.yaml")]).set
        let config = try #require(set[Config.self].first)
        let sections = try #require(Kinds.all[.config]).sections(config, in: set)
        let policies = try #require(sections.first { $0.key == "policies" }).lines
        #expect(policies == ["ALLOW shop/by-name (f.yaml:13:18)", "DENY shop/deny-all (f.yaml:33:18)"])
        let source = try #require(set[ConfigSource.self].first)
        let readers = try #require(Kinds.all[.configSource]).sections(source, in: set)
        #expect(readers.map(\.lines) == [["Config shop/app (f.yaml:8:18)"]])
    }
}
