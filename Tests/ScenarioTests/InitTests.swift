import Glibc
import TestSupport
import Testing

extension ScenarioTests {
    /// `heddle init`, for what listens beside the tests.
    struct `A first mesh` {
        private let backend = TestBackend.forgetfulEcho()
        private let folder: TestFolder

        init() throws { folder = try TestFolder() }

        private func texts(in folder: String) -> [String] {
            Files.names(in: folder).map { Files.text("\(folder)/\($0)") }
        }

        @Test func `has what listens here, and no mistake`() throws {
            let mesh = folder.file("mesh")
            let result = try Heddle.run(["init", mesh])
            #expect(result.exitCode == 0, "\(result.diagnostics)")
            let found = texts(in: mesh).filter { $0.contains("  address: \"127.0.0.1:\(backend.port)\"\n") }
            #expect(found.count == 1, "\(result.output)")
            #expect(result.output.contains("127.0.0.1:\(backend.port)"))
            #expect(texts(in: mesh).contains { $0.contains("kind: Mesh\n") && $0.contains("defaultAction: Deny\n") })
            let check = try Heddle.run(["check", mesh])
            #expect(check.exitCode == 0 && check.output.hasSuffix("no errors\n"), "\(check.diagnostics)")
        }

        @Test func `is not written where anything is`() throws {
            try folder.write("kind: Mine", as: "mine.yaml")
            let result = try Heddle.run(["init", folder.manifests])
            #expect(result.exitCode == 1)
            #expect(result.diagnostics.contains("is not empty (mine.yaml), and nothing is overwritten"))
            #expect(Files.names(in: folder.manifests) == ["mine.yaml"])
            // A file is no folder; nor is one made below what is not there.
            let file = try Heddle.run(["init", "\(folder.manifests)/mine.yaml"])
            #expect(file.exitCode == 1 && file.diagnostics.contains("mine.yaml is a file: name a folder"), "\(file)")
            #expect(try Heddle.run(["init", folder.file("none/mesh")]).exitCode == 1)
            #expect(Files.text("\(folder.manifests)/mine.yaml") == "kind: Mine")
        }

        @Test func `is written for a node, and serves with it`() throws {
            let options = ["--node", "fe01"]
            let result = try Heddle.run(["init", folder.manifests] + options)
            #expect(result.exitCode == 0, "\(result.diagnostics)")
            #expect(result.output.hasSuffix("  heddle run --manifests \(folder.manifests) --node fe01\n"), "\(result)")
            let check = try Heddle.run(["check", folder.manifests] + options)
            #expect(check.exitCode == 0 && check.output.hasSuffix("no errors\n"), "\(check.diagnostics)")
        }

        @Test(arguments: [
            (["--node", "No Node"], "'--node': found "),
            (["--node", "a", "--address", "192.0.2.1"], "'--address': found "),
            (["--node", "a", "--address", "x\"\n"], "'--address': found "),
            (["--address", "192.0.2.1:15008"], "'--node'"),
        ])
        func `is written for no node that could not be one`(options: [String], text: String) throws {
            let mesh = folder.file("mesh")
            let result = try Heddle.run(["init", mesh] + options)
            #expect(result.exitCode == 2 && result.diagnostics.contains(text), "\(result)")
            #expect(unsafe access(mesh, F_OK) != 0)
        }

        @Test func `is written to a folder that is empty, or git's alone`() throws {
            #expect(unsafe mkdir("\(folder.manifests)/.git", 0o755) == 0)
            let result = try Heddle.run(["init", folder.manifests, "-o", "json"])
            #expect(result.exitCode == 0 && result.output.contains("\"mesh.yaml\""), "\(result.diagnostics)")
            #expect(Files.names(in: folder.manifests).contains("mesh.yaml"))
        }
    }
}
