import ConfigFormats
import ConfigMerging
import ConfigValues
import Diagnostics
import Manifests
import MeshFixtures
import Synchronization
import TestSupport
import Testing

@testable import AdminAPI

/// What `heddle config get` is answered.
struct ConfigValueTests: AdminAsking {
    let folder: TemporaryFolder
    private let mesh: FakeMesh

    init() throws {
        folder = try TemporaryFolder()
        mesh = try FakeMesh(
            [
                Samples.shop, manifest("ConfigSource", "base", "{type: Inline, data: {}}"),
                manifest("Config", "web", "{sources: [base]}"),
            ].joined(separator: "\n---\n"))
        let problem = Diagnostic(
            .workloadSocket, .warning, at: .place("etcd"), found: "nobody", expected: "an answer", remedy: "start it")
        try hold(ConfigReport(value: Self.value, revision: "abc", problems: [problem]))
    }

    private func hold(_ report: ConfigReport) throws {
        mesh.configs.withLock { $0[.init(namespace: "shop", name: "web")] = report }
    }

    private static var value: EvaluatedConfig {
        get throws {
            let layers = try [
                layer("base", "greeting: hello\nlimits: {requests: 10, bytes: 1.5}\ngone: 1\ntags: [a, b]\n"),
                layer("keys", "password: sesame\n", isSecret: true),
                layer(
                    "host",
                    "greeting: |\n  good\n  evening\nlimits: {requests: 25}\ngone: null\n"
                        + "url: 'db:${password}'\nmost: '${limits.requests}'\n"),
            ]
            return try EvaluatedConfig(
                ConfigRecipe(
                    layers: layers,
                    fallbacks: [
                        ConfigFallback(
                            path: ConfigPath(["least"]), from: [ConfigPath(["limits", "bytes"])],
                            position: .place("the manifest"))
                    ]))
        }
    }

    private static func layer(_ name: String, _ text: String, isSecret: Bool = false) throws -> ConfigLayer {
        let origin = TextOrigin(layer: "shop/\(name)", file: "\(name).yaml", isSecret: isSecret)
        return ConfigLayer(name: "shop/\(name)", tree: try ConfigFormat.yaml.read(Array(text.utf8), of: origin))
    }

    private func ask(_ query: KeyValuePairs<String, String>, of name: [String] = ["shop", "web"]) async throws
        -> AdminClient.Answer
    {
        try await answer("GET", ["v1", "configs"] + name, query.map { (name: $0.key, value: $0.value) }, mesh: mesh)
    }

    @Test func `a text is printed as it is, with what is wrong on standard error`() async throws {
        let answer = try await ask(["path": "greeting", "format": "text"])
        #expect(answer.exitCode == 0)
        #expect(answer.output.text == "good\nevening\n")
        #expect(answer.diagnostics.text.contains("found nobody"))
    }

    @Test func `the whole is YAML for people, and JSON or YAML for programs, without a secret value`() async throws {
        for format in ["text", "yaml", "json"] {
            let text = try await ask(["format": format]).output.text
            #expect(text.contains("(secret)") && !text.contains("sesame"), "\(text)")
        }
        #expect(try await ask(["path": "limits"]).output.text == "{\n  \"bytes\": 1.5,\n  \"requests\": 25\n}\n")
        #expect(try await ask(["path": "limits", "format": "yaml"]).output.text == "bytes: 1.5\nrequests: 25\n")
        #expect(try await ask(["path": "limits", "format": "text"]).output.text == "bytes: 1.5\nrequests: 25\n")
    }

    @Test func `a name alone is enough`() async throws {
        #expect(try await ask(["path": "most"], of: ["web"]).output.text == "25\n")
        let unknown = try await ask(["format": "text"], of: ["wep"])
        #expect(unknown.exitCode == 1)
        #expect(unknown.diagnostics.text == "error: there is no Config \"wep\"; did you mean \"web\"?\n")
    }

    @Test func `an explanation says of each value where it comes from, and what it is over`() async throws {
        let answer = try await ask(["format": "text", "explain": "true"])
        let lines = answer.output.text.split(separator: "\n").map { $0.split { $0 == " " }.joined(separator: " ") }
        #expect(answer.exitCode == 0)
        #expect(
            lines == [
                "PATH VALUE FROM PLACE",
                #"greeting "good\nevening\n" shop/host host.yaml:1:11"#,
                #"over "hello" shop/base base.yaml:1:11"#,
                "least 1.5 fallbacks the manifest",
                "made of limits.bytes 1.5 shop/base base.yaml:2:31",
                "limits.bytes 1.5 shop/base base.yaml:2:31",
                "limits.requests 25 shop/host host.yaml:4:20",
                "over 10 shop/base base.yaml:2:20",
                "most 25 shop/host host.yaml:7:7",
                "made of limits.requests 25 shop/host host.yaml:4:20",
                "over 10 shop/base base.yaml:2:20",
                #"password "(secret)" shop/keys keys.yaml:1:11"#,
                "tags list of 2 shop/base base.yaml:4:7",
                #"tags.0 "a" shop/base base.yaml:4:8"#,
                #"tags.1 "b" shop/base base.yaml:4:11"#,
                #"url "(secret)" shop/host host.yaml:6:6"#,
                #"made of password "(secret)" shop/keys keys.yaml:1:11"#,
            ])
    }

    @Test func `as JSON it says the same`() async throws {
        let text = try await ask(["explain": "true", "path": "url"]).output.text
        for part in [
            #""revision": "abc""#, #""source": "text""#, #""secret": true"#, #""madeOf": ["#, #""path": "password""#,
            #""problemCount": 1"#,
        ] {
            #expect(text.contains(part), "\(part): \(text)")
        }
        #expect(!text.contains("sesame"))
    }

    @Test func `of what was removed it says by whom`() async throws {
        let answer = try await ask(["format": "text", "explain": "true", "path": "gone"])
        #expect(answer.exitCode == 1)
        #expect(answer.output.text.contains("(nothing)"), "\(answer.output.text)")
        #expect(answer.output.text.contains("over  (removed)  shop/host  host.yaml:5:7"), "\(answer.output.text)")
    }

    @Test func `a path where nothing is has the one that was probably meant`() async throws {
        for explain in ["true", "false"] {
            let answer = try await ask(["format": "text", "path": "limits.request", "explain": explain])
            #expect(answer.status == 404 && answer.exitCode == 1)
            #expect(
                answer.diagnostics.text
                    == "error: Config shop/web has nothing at limits.request; did you mean \"requests\"?\n")
        }
    }

    @Test func `a path that is none, and YAML of an explanation, are wrong usage`() async throws {
        let path = try await ask(["format": "text", "path": "limits/requests"])
        #expect(path.status == 400 && path.exitCode == 2)
        #expect(path.diagnostics.text.contains(#"the path "limits/requests" is none: found "/", expected "." between"#))
        #expect(try await ask(["format": "yaml", "explain": "true"]).exitCode == 2)
        #expect(try await answer("GET", ["v1", "status"], [(name: "format", value: "yaml")], mesh: mesh).status == 400)
    }

    @Test func `without a value it says what is in its way`() async throws {
        let problem = Diagnostic(
            .workloadSocket, at: .place("etcd"), found: "nobody", expected: "an answer", remedy: "start it")
        try hold(ConfigReport(problems: [problem]))
        let text = try await ask(["format": "text"])
        #expect(text.exitCode == 1 && text.output.isEmpty)
        #expect(text.diagnostics.text.contains("found nobody"))
        #expect(text.diagnostics.text.hasSuffix("error: Config shop/web has no value yet\n"))
        let json = try await ask([:])
        #expect(json.status == 503 && json.output.isEmpty)
        #expect(json.diagnostics.text.contains(#""found": "nobody""#), "\(json.diagnostics.text)")
    }

    @Test func `an explanation of too much ends, and says so`() throws {
        let view = ConfigExplanationView(try Self.value, at: .root, lineLimit: 3)
        #expect(!view.isWhole)
        #expect(view.values.count < view.valueCount)
    }
}
