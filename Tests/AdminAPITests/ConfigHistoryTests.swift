import CommonValues
import ConfigFormats
import ConfigMerging
import ConfigValues
import Diagnostics
import Manifests
import MeshFixtures
import MeshSnapshot
import Synchronization
import TestSupport
import Testing

@testable import AdminAPI

/// What `heddle config history`, `diff` and `get --revision` are answered.
struct ConfigHistoryTests: AdminAsking {
    let folder: TemporaryFolder
    private let mesh: FakeMesh
    private static let web = ResourceName(namespace: "shop", name: "web")
    private static let (first, second) = (String(repeating: "1a", count: 32), String(repeating: "2b", count: 32))

    init() throws {
        folder = try TemporaryFolder()
        mesh = try FakeMesh(Self.manifests)
        try mesh.configs.withLock {
            $0[Self.web] = ConfigReport(
                value: try Self.value("{a: 2, b: {c: new}, l: [1]}", "{pass: after, late: x}"), revision: Self.second)
        }
        let past = try Self.value("{a: 1, gone: 0, b: {c: new}, l: [1, {m: 2}]}", "{pass: before}")
        mesh.pasts.withLock { $0 = ["1a1a": .found(past, revision: Self.first)] }
    }

    private static let manifests = [
        Samples.shop, manifest("ConfigSource", "base", "{type: Inline, data: {}}"),
        manifest("Config", "web", "{sources: [base]}"),
    ].joined(separator: "\n---\n")

    private static func value(_ open: String, _ secret: String) throws -> EvaluatedConfig {
        func layer(_ name: String, _ text: String, _ isSecret: Bool) throws -> ConfigLayer {
            let origin = TextOrigin(layer: "shop/\(name)", file: "\(name).yaml", isSecret: isSecret)
            return ConfigLayer(name: "shop/\(name)", tree: try ConfigFormat.yaml.read(Array(text.utf8), of: origin))
        }
        return try EvaluatedConfig(ConfigRecipe(layers: [layer("base", open, false), layer("keys", secret, true)]))
    }

    private func ask(
        _ what: String, _ query: KeyValuePairs<String, String> = ["format": "text"], of mesh: FakeMesh? = nil
    ) async throws -> AdminClient.Answer {
        try await answer(
            "GET", ["v1", what, "shop", "web"], query.map { (name: $0.key, value: $0.value) }, mesh: mesh ?? self.mesh)
    }

    // MARK: History

    private func hold(_ report: ConfigHistoryReport) { mesh.histories.withLock { $0[Self.web] = report } }

    private static func entry(_ revision: String, _ seconds: Int64, _ changes: Int?) -> ConfigHistoryReport.Entry {
        .init(
            revision: revision, firstAt: UnixTime(seconds: 0), lastAt: UnixTime(seconds: seconds), changeCount: changes)
    }

    @Test func `a history says of each value when it was, how much was other, and which is published`() async throws {
        hold(
            ConfigHistoryReport(
                entries: [Self.entry(Self.second, 60, 3), Self.entry(Self.first, 1, nil)], current: Self.second,
                pinned: Self.second))
        let text = try await ask("config-history")
        #expect(text.exitCode == 0)
        #expect(
            text.output.text == """
                REVISION      PUBLISHED                 CHANGED  NOW
                2b2b2b2b2b2b  1970-01-01T00:01:00.000Z  3        current, pinned
                1a1a1a1a1a1a  1970-01-01T00:00:01.000Z  ?        -

                """)
        let json = try await ask("config-history", [:]).output.text
        for part in [
            "\"current\": \"\(Self.second)\"", "\"pinned\": \"\(Self.second)\"", "\"changeCount\": 3",
            "\"firstPublishedAt\": \"1970-01-01T00:00:00.000Z\"", "\"publishedAt\": \"1970-01-01T00:00:01.000Z\"",
        ] { #expect(json.contains(part), "\(json)") }
    }

    @Test func `what is damaged is said beside the others`() async throws {
        let problem = Diagnostic(
            .workloadSocket, .warning, at: .place("/state"), found: "a damaged value", expected: "x", remedy: "y")
        hold(ConfigHistoryReport(entries: [Self.entry(Self.first, 1, 1)], problems: [problem]))
        let text = try await ask("config-history")
        #expect(text.output.text.contains("1a1a1a1a1a1a") && text.diagnostics.text.contains("a damaged value"))
        hold(ConfigHistoryReport())
        let none = try await ask("config-history")
        #expect(none.exitCode == 0 && none.diagnostics.text == "nothing is kept of Config shop/web on this node\n")
    }

    // MARK: Past values

    @Test func `a past value is printed and explained as one of now is, without what is secret`() async throws {
        let text = try await ask("configs", ["revision": "1a1a", "format": "text"]).output.text
        #expect(text.contains("gone: 0") && text.contains("(secret)") && !text.contains("before"))
        let explained = try await ask("configs", ["revision": "1a1a", "explain": "true"]).output.text
        #expect(explained.contains("\"revision\": \"\(Self.first)\"") && explained.contains("base.yaml"))
        #expect(!explained.contains("before"))
    }

    @Test(arguments: [
        (
            "1b1b", 404,
            "Config shop/web has no value of revision 1b1b here: heddle config history shop/web lists those that it has"
        ),
        ("2b2b", 409, "several values of Config shop/web begin so: 2b2b1, 2b2b2"),
        ("xyz", 400, "\"xyz\" is no revision: write 4 to 64 hexadecimal digits in lower case"),
        ("3c3c", 503, "the value 3c3c of Config shop/web cannot be read"),
    ])
    func `a revision that names no value is told why`(revision: String, status: UInt16, message: String) async throws {
        let problem = Diagnostic(.workloadSocket, at: .place("f"), found: "damage", expected: "x", remedy: "y")
        mesh.pasts.withLock {
            $0["2b2b"] = .ambiguous(revisions: ["2b2b1", "2b2b2"])
            $0["3c3c"] = .unreadable([problem])
        }
        for (what, parameter) in [("configs", "revision"), ("config-diff", "from")] {
            let answer = try await ask(what, [parameter: revision, "format": "text"])
            #expect(answer.exitCode == (status == 400 ? 2 : 1))
            #expect(answer.output.text.isEmpty)
            #expect(answer.diagnostics.text.contains("error: \(message)\n"), "\(answer.diagnostics.text)")
            #expect(answer.diagnostics.text.contains("damage") == (status == 503))
        }
    }

    // MARK: Differences

    @Test func `a difference says by path what was and is, and where from, and of secrets only that they are other`()
        async throws
    {
        let text = try await ask("config-diff", ["from": "1a1a", "format": "text"]).output.text
        #expect(
            text == """
                CHANGE   PATH   OLD         FROM                      NEW         FROM
                changed  a      1           shop/base base.yaml:1:5   2           shop/base base.yaml:1:5
                removed  gone   0           shop/base base.yaml:1:14  -           -
                removed  l.1.m  2           shop/base base.yaml:1:41  -           -
                added    late   -           -                         "(secret)"  shop/keys keys.yaml:1:21
                changed  pass   "(secret)"  shop/keys keys.yaml:1:8   "(secret)"  shop/keys keys.yaml:1:8

                """, "\(text)")
        let json = try await ask("config-diff", ["from": "1a1a"]).output.text
        #expect(json.contains("\"changeCount\": 5") && json.contains("\"from\": \"\(Self.first)\""))
        #expect(json.contains("\"to\": \"\(Self.second)\"") && json.contains("\"secret\": true"))
        for secret in ["before", "after", "\"x\""] { #expect(!json.contains(secret) && !text.contains(secret)) }
    }

    @Test func `two past values are compared, and the same say the same`() async throws {
        let same = try await ask("config-diff", ["from": "1a1a", "to": "1a1a", "format": "text"])
        #expect(same.exitCode == 0 && same.output.text.isEmpty)
        #expect(same.diagnostics.text == "the two say the same\n")
    }

    @Test func `without a value of now another one must be named`() async throws {
        mesh.configs.withLock { $0[Self.web] = ConfigReport() }
        let answer = try await ask("config-diff", ["from": "1a1a", "format": "text"])
        #expect(answer.exitCode == 1 && answer.diagnostics.text.contains("--to"))
        #expect(try await ask("config-diff", ["format": "text"]).exitCode == 2)
    }

    // MARK: Nodes

    @Test func `a node answers for itself alone, and says which one it is`() async throws {
        let nodes = ["store-1", "store-2"].map { manifest("Node", $0, "{address: \"\($0).internal:15001\"}") }
        let configs = [
            manifest("Mesh", "mesh", "{identity: {authority: {type: Files, certificateFile: a.pem, keyFile: a.key}}}"),
            manifest("ConfigSource", "base", "{type: Inline, data: {}}"),
            manifest("Config", "web", "{sources: [base]}"),
        ]
        let mesh = FakeMesh(try MeshSnapshot((nodes + configs).joined(separator: "\n---\n"), node: "store-1"))
        mesh.histories.withLock { $0[Self.web] = ConfigHistoryReport(entries: [Self.entry(Self.first, 1, 1)]) }
        func asked(_ node: String) async throws -> AdminClient.Answer {
            try await ask("config-history", ["node": node, "format": "text"], of: mesh)
        }
        #expect(try await asked("store-1").output.text.contains("1a1a1a1a1a1a"))
        let other = try await asked("store-2")
        #expect(other.exitCode == 1 && other.output.text.isEmpty)
        #expect(
            other.diagnostics.text
                == "error: this is node \"store-1\", and answers for itself alone: run it on node \"store-2\"\n")
        let unknown = try await asked("store-3")
        #expect(
            unknown.diagnostics.text.hasPrefix("error: there is no node \"store-3\"; this is node \"store-1\""))
    }

    @Test(arguments: ["configs", "config-history", "config-diff"])
    func `a mesh of one host has no nodes to ask`(what: String) async throws {
        let query: KeyValuePairs =
            what == "config-diff"
            ? ["node": "b", "from": "1a1a", "format": "text"] : ["node": "b", "format": "text"]
        let answer = try await ask(what, query)
        #expect(answer.exitCode == 1)
        #expect(answer.diagnostics.text == "error: this mesh has one host and no nodes: leave out the node\n")
    }

    // MARK: Status

    @Test func `the status says what is pinned, since when it is known, and what the sources say`() async throws {
        mesh.pinnedConfigs.withLock {
            $0 = [
                PinnedConfigReport(
                    config: Self.web, revision: Self.first, firstAt: UnixTime(seconds: 0), sources: .other)
            ]
        }
        let text = try await answer("GET", ["v1", "status"], [(name: "format", value: "text")], mesh: mesh).output.text
        #expect(
            text.contains(
                "shop/web is pinned to 1a1a1a1a1a1a of 1970-01-01T00:00:00.000Z; its sources say otherwise"), "\(text)")
        let json = try await answer("GET", ["v1", "status"], [], mesh: mesh).output.text
        #expect(json.contains("\"sources\": \"other\"") && json.contains("\"revision\": \"\(Self.first)\""))
    }
}
