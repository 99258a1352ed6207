import Foundation
import Glibc
import TestSupport
import Testing

extension ScenarioTests {
    /// Configs that are held at a past value, by the whole program.
    @Suite struct `A config that is pinned` {
        private let folder: TestFolder
        private static let secret = "sesame-\(UInt32.random(in: .min ... .max))"

        init() throws {
            folder = try TestFolder()
            try writeMesh()
            try set("{port: 80, greeting: first}")
            try Files.replace(folder.file("keys.yaml"), "{password: \(Self.secret)}")
        }

        private func writeMesh(pin: String? = nil, secretSettings: Bool = false, maximum: Int = 100) throws {
            let pinned = pin.map { ", pinned: {revision: \"\($0)\"}" } ?? ""
            try folder.write(
                [
                    manifest("Mesh", "mesh", "{proxy: {accessLog: None, workers: 1}}"),
                    Shop.workload("web-1", "serviceAccount: web, selectors: [{unix: {uid: \(geteuid())}}]"),
                    manifest(
                        "ConfigSource", "settings",
                        "{type: File, path: ../settings.yaml\(secretSettings ? ", secret: true" : "")}"),
                    manifest("ConfigSource", "keys", "{type: File, path: ../keys.yaml, secret: true}"),
                    manifest(
                        "Config", "web",
                        "{sources: [settings, keys], schema: {type: object, properties: {port: {type: integer, maximum: \(maximum)}}},"
                            + " project: [{path: \(folder.file("app.json")), workload: web-1}]\(pinned)}"),
                    manifest(
                        "AuthorizationPolicy", "reads",
                        "{targetRefs: [{kind: Config, name: web}], action: ALLOW, rules: [{from: [{source: {serviceAccounts: [shop/web]}}],"
                            + " to: [{operation: {methods: [GET], paths: [\"/values/{**}\", /values, /watch]}}]}]}"),
                ].joined(separator: "\n---\n") + "\n")
        }

        private func set(_ text: String) throws { try Files.replace(folder.file("settings.yaml"), text) }

        private func config(_ words: String...) throws -> CommandResult {
            try Heddle.run(["config"] + words + ["--state", folder.state()])
        }

        private var status: String {
            get throws { try Heddle.run(["status", "--state", folder.state()]).output }
        }

        /// What a program finds in its file.
        private func isDelivered(_ part: String) -> Bool {
            Poll.until { Files.text(folder.file("app.json")).contains(part) }
        }

        /// From the newest to the oldest, by their first digits.
        private func revisions() throws -> [String] {
            try config("history", "web").output.split(separator: "\n").dropFirst().map { String($0.prefix(12)) }
        }

        /// Publishes a second value.
        /// - Returns: The first one's revision.
        private func second() throws -> String {
            #expect(isDelivered("first"))
            try set("{port: 81, greeting: second, more: 1}")
            #expect(isDelivered("second"))
            #expect(Poll.until { (try? revisions().count) == 2 })
            return try #require(try revisions().last)
        }

        @Test func `is what programs have, over a restart without its source, until it is not pinned any more`() throws
        {
            var heddle = try HeddleProcess.serving(folder)
            let first = try second()
            try heddle.serve { try writeMesh(pin: first) }
            #expect(isDelivered("first"))
            #expect(
                try status.contains("shop/web is pinned to \(first) of ")
                    && status.contains("its sources say otherwise"))
            try set("{port: 82, greeting: third}")
            #expect(Poll.until { (try? config("history", "web").output.contains("current, pinned")) == true })
            #expect(heddle.terminate() == .code(0))

            try FileManager.default.removeItem(atPath: folder.file("settings.yaml"))
            try FileManager.default.removeItem(atPath: folder.file("app.json"))
            heddle = try HeddleProcess.serving(folder)
            #expect(isDelivered("first"))
            #expect(
                Poll.until { (try? status.contains("its sources say nothing that could be published now")) == true })
            #expect(try config("get", "web", "greeting").output == "first\n")
            #expect(try config("get", "web", "greeting").diagnostics.contains("config.source-away"))

            try set("{port: 83, greeting: fourth}")
            #expect(Poll.until { (try? status.contains("its sources say otherwise")) == true })
            #expect(try config("get", "web", "greeting").output == "first\n")
            try heddle.serve { try writeMesh() }
            #expect(isDelivered("fourth"))
            #expect(try !status.contains("is pinned"))
            #expect(heddle.terminate() == .code(0))
        }

        @Test func `holds neither what its schema refuses nor what is not known, and the value of before stays`() throws
        {
            let heddle = try HeddleProcess.serving(folder)
            _ = try second()
            try heddle.serve { try writeMesh(pin: "0123456789ab") }
            #expect(Poll.until { (try? status.contains("config.pinned")) == true })
            #expect(try status.contains("revision 0123456789ab, which this node has no value of"))
            try set("{port: 10, greeting: third}")
            #expect(Poll.until { (try? config("get", "web", "greeting").output) == "second\n" })
            try heddle.serve { try writeMesh() }
            #expect(isDelivered("third"))
            let first = try #require(try revisions().last)
            try heddle.serve { try writeMesh(pin: first, maximum: 50) }
            #expect(Poll.until { (try? status.contains("which is not as the schema of now has it")) == true })
            #expect(try config("get", "web", "greeting").output == "third\n")
            #expect(heddle.errors.contains("config.pinned"))
            #expect(heddle.terminate() == .code(0))
        }

        @Test func `is printed with what it was made of, and in what it differs, and never with what is secret`() throws
        {
            let heddle = try HeddleProcess.serving(folder)
            let first = try second()
            let past = try config("get", "web", "--revision", first)
            #expect(past.output.contains("greeting: first") && past.output.contains("(secret)"))
            let explained = try config("get", "web", "--revision", first, "--explain").output
            #expect(explained.contains("shop/settings") && explained.contains("settings.yaml:1:"))
            let difference = try config("diff", "web", "--from", first)
            for line in [#"changed\s+greeting\s+"first".*"second""#, #"added\s+more\s"#, #"changed\s+port\s+80.*81"#] {
                #expect(difference.output.firstRange(of: try Regex(line)) != nil, "\(difference)")
            }
            #expect(!difference.output.contains("password"))
            let json = try config("diff", "web", "--from", first, "--output", "json").output
            #expect(json.contains("\"changeCount\": 3"))
            let elsewhere = try config("history", "web", "--node", "store-2")
            #expect(elsewhere.exitCode == 1 && elsewhere.diagnostics.contains("no nodes"))

            // What is made secret is secret from its beginning.
            try heddle.serve { try writeMesh(secretSettings: true) }
            #expect(Poll.until { (try? config("get", "web").output.contains("second")) == false })
            for words in [["get", "web", "--revision", first], ["diff", "web", "--from", first]] {
                let output = try Heddle.run(["config"] + words + ["--state", folder.state()]).output
                #expect(output.contains("(secret)") && !output.contains("first"), "\(output)")
            }
            let texts = try [
                past.output, explained, difference.output, json, status, heddle.errors, config("history", "web").output,
            ]
            #expect(!texts.contains { $0.contains(Self.secret) })
            // They lie in the state folder, for its owner alone.
            let kept = folder.state() + "/configs/shop/web"
            for name in try FileManager.default.contentsOfDirectory(atPath: kept) {
                let attributes = try FileManager.default.attributesOfItem(atPath: "\(kept)/\(name)")
                #expect(attributes[.posixPermissions] as? Int == 0o600)
            }
            #expect(heddle.terminate() == .code(0))
        }

        @Test func `is found after the process was killed`() throws {
            var heddle = try HeddleProcess.serving(folder)
            let first = try second()
            heddle.kill()
            heddle = try HeddleProcess.serving(folder)
            #expect(try revisions().contains(first))
            try heddle.serve { try writeMesh(pin: first) }
            #expect(isDelivered("first"))
            #expect(heddle.terminate() == .code(0))
        }
    }
}
