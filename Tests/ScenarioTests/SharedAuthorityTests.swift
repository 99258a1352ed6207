import TestSupport
import Testing

extension ScenarioTests {
    @Suite(.enabled(if: Tool.exists("openssl"))) struct `An authority that was created for several nodes` {
        private func call(_ nodes: TwoNodes) throws -> Int {
            LoadClient.get("/orders/1", on: try RawConnection(port: nodes.outbound)).status
        }

        @Test func `lets its nodes call each other, and its root alone verifies what they show`() throws {
            let nodes = try TwoNodes { try Authority($0, createdIn: "authority") }
            let (a, b) = (try nodes.start("a"), try nodes.start("b"))
            #expect(try call(nodes) == 200, "\(a.errors)\n\(b.errors)")
            let chain = TwoNodes.certificates(in: try nodes.call(as: "web").output)
            #expect(chain.count == 2)
            try Files.replace(nodes.folder.file("above.pem"), chain.dropFirst().joined())
            let verified = try Tool.run(
                "openssl",
                [
                    "verify", "-x509_strict", "-CAfile", nodes.folder.file("authority/root.pem"), "-untrusted",
                    nodes.folder.file("above.pem"),
                ], in: nodes.folder, input: chain[0])
            #expect(verified.status == .code(0), "\(verified.output)\(verified.errors)")
            #expect(a.terminate() == .code(0))
            #expect(b.terminate() == .code(0))
        }

        /// In the order of docs/reference/authority.md.
        @Test func `can be followed by another under load, and no request fails`() throws {
            let nodes = try TwoNodes { try Authority($0, createdIn: "authority") }
            let (a, b) = (try nodes.start("a"), try nodes.start("b"))
            let load = LoadClient(port: nodes.outbound, callers: 8) { call in
                let response = LoadClient.get("/orders/\(call.number)", on: call.connection)
                return response.status == 200 ? nil : response.summary
            }
            func waitForRoots(_ count: Int) -> Bool {
                ["a", "b"].allSatisfy { node in
                    let bundle = nodes.folder.state(node) + "/authority/bundle-mesh.local.pem"
                    return Poll.until { TwoNodes.certificates(in: Files.text(bundle)).count == count }
                }
            }
            let next = try Authority(nodes.folder, createdIn: "next")
            let old = Files.text(nodes.authority.certificate)
            try Files.replace(nodes.authority.certificate, old + Files.text(nodes.folder.file("next/root.pem")))
            #expect(waitForRoots(3), "\(a.errors)")
            let issuer = try nodes.issuer()
            try Files.replace(
                nodes.authority.certificate,
                Files.text(next.certificate) + Files.text(nodes.folder.file("authority/root.pem")))
            try Files.replace(nodes.authority.key("authority/signing"), Files.text(next.key("next/signing")))
            #expect(try Poll.until { try nodes.issuer() != issuer }, "\(b.errors)")
            #expect(waitForRoots(4))
            try Files.replace(nodes.authority.certificate, Files.text(next.certificate))
            let requests = load.requestCount
            Poll.until { load.requestCount > requests + 500 }
            let report = load.stop()
            #expect(report.failures == 0, "\(report.complaints)\n\(a.errors)\n\(b.errors)")
            #expect(a.terminate() == .code(0))
            #expect(b.terminate() == .code(0))
        }

        @Test func `is changed by the commands of its page, as they stand there, and nothing is wrong in between`()
            throws
        {
            let folder = try TestFolder()
            let page = try Documentation.text(of: "docs/reference/authority.md")
                .replacing("/etc/heddle", with: folder.file("etc"))
            let commands = Documentation.blocks("sh", in: page)
            let mesh = try #require(Documentation.blocks("yaml", in: page).first)
            #expect(commands.count == 9)
            let environment = ["HEDDLE_STATE": folder.state()]
            func run(_ command: String) throws {
                let result = try Heddle.run(
                    [], environment: environment,
                    through: ["bash", "-euc", "cd '\(folder.file(""))'; heddle() { \"$0\" \"$@\"; }; \(command)"])
                #expect(result.exitCode == 0, "\(command)\(result.diagnostics)")
            }
            /// What signs by the file, and then by the running mesh.
            func waitUntilServed() throws {
                let shown = try Tool.run(
                    "openssl", ["x509", "-noout", "-serial", "-in", folder.file("etc/signing/signing.pem")], in: folder)
                let serial = shown.output.split(separator: "=").last?.split(separator: "\n").first ?? "none"
                let isServed = try Poll.until {
                    let status = try Heddle.run(["status"], environment: environment).output
                    return status.split(separator: "\n").contains { $0.hasPrefix("signing ") && $0.contains(serial) }
                }
                #expect(isServed)
            }
            for command in commands.prefix(2) { try run(command) }
            try folder.write(
                [mesh, Shop.service("web"), Shop.workload("web-1", "service: web, address: \"127.0.0.1:1\"")]
                    .joined(separator: "\n---\n"))
            let heddle = try HeddleProcess.serving(folder)
            for command in commands.dropFirst(2).dropLast() {
                try run(command)
                try waitUntilServed()
            }
            let status = try Heddle.run(["status"], environment: environment).output
            #expect(status.contains("gone from the file, trusted until then"), "\(status)")
            #expect(heddle.terminate() == .code(0))
            #expect(!heddle.errors.contains(" error "), "\(heddle.errors)")
            #expect(!heddle.errors.contains("error["), "\(heddle.errors)")
            try run(commands[commands.count - 1])
            let again = try HeddleProcess.serving(folder)
            #expect(try !Heddle.run(["status"], environment: environment).output.contains("gone from the file"))
            #expect(again.terminate() == .code(0))
        }

        @Test func `may have a signing certificate for each node, under one root`() throws {
            let nodes = try TwoNodes { try Authority($0, createdIn: "authority") }
            let a = try nodes.start("a")
            let other = try Authority(nodes.folder, createdIn: "other", "--root", nodes.folder.file("authority"))
            #expect(Files.names(in: nodes.folder.file("other")) == ["signing.key", "signing.pem"])
            try Files.replace(nodes.authority.certificate, Files.text(other.certificate))
            try Files.replace(nodes.authority.key("authority/signing"), Files.text(other.key("other/signing")))
            // What node a signed with is not what node b is started with.
            let b = try nodes.start("b")
            #expect(try call(nodes) == 200, "\(a.errors)\n\(b.errors)")
            #expect(a.terminate() == .code(0))
            #expect(b.terminate() == .code(0))
        }
    }

    @Suite struct `heddle authority create` {
        private let folder: TestFolder

        init() throws { folder = try TestFolder() }

        private func create(_ arguments: String...) throws -> CommandResult {
            try Heddle.run(["authority", "create"] + arguments)
        }

        @Test func `prints what to do on every node, and a Mesh that check takes then, for the first and for the next`()
            throws
        {
            let (first, next) = (folder.file("an \"authority\""), folder.file("next"))
            try Files.makeFolder(folder.file("etc"))
            for (dir, more) in [(first, ["--trust-domain", "example.org"]), (next, ["--root", first])] {
                let made = try Heddle.run(["authority", "create", "--dir", dir] + more)
                #expect(made.exitCode == 0, "\(made.diagnostics)")
                let output = made.output.replacing("/etc/heddle", with: folder.file("etc"))
                let steps = output.split(separator: "\n").filter { $0.hasPrefix("  install") || $0.hasPrefix("  ln") }
                #expect(steps.count == 3)
                let script = "cd \"$0\"; " + steps.joined(separator: "\n")
                #expect(try Heddle.run([], through: ["bash", "-euc", script], as: dir).exitCode == 0, "\(script)")
                let start = try #require(output.firstRange(of: "apiVersion:")).lowerBound
                try folder.write(String(output[start...]))
                let checked = try Heddle.run(["check", folder.manifests])
                #expect(checked.exitCode == 0, "\(checked.diagnostics)")
                #expect(checked.diagnostics.isEmpty)
                #expect(Files.text(folder.file("etc/signing/signing.pem")) == Files.text(dir + "/signing.pem"))
            }
        }

        @Test func `tells programs what it made`() throws {
            let made = try create("--dir", folder.file("authority"), "-o", "json")
            #expect(made.output.contains("\"certificateFile\": \"\(folder.file("authority/signing.pem"))\""))
            let under = try create(
                "--dir", folder.file("next"), "--root", folder.file("authority"), "--output", "json")
            #expect(under.output.contains("\"certificateFile\": null"))
        }

        @Test func `makes nothing that would outlive its root, and says when that ends`() throws {
            #expect(try create("--dir", folder.file("root"), "--root-days", "400").exitCode == 0)
            let under = try create(
                "--dir", folder.file("next"), "--root", folder.file("root"), "--signing-days", "4000")
            #expect(under.exitCode == 1)
            #expect(under.diagnostics.contains("would outlive its root, which ends at "), "\(under.diagnostics)")
            #expect(!Files.exists(folder.file("next")))
            let new = try create("--dir", folder.file("new"), "--root-days", "30", "--signing-days", "31")
            #expect(new.exitCode == 1)
            #expect(new.diagnostics.contains("would outlive its root, which ends at "), "\(new.diagnostics)")
            #expect(!Files.exists(folder.file("new")))
            #expect(try create("--dir", folder.file("short"), "--root-days", "30").exitCode == 0)
        }

        @Test func `overwrites nothing, and says what to do`() throws {
            try Files.makeFolder(folder.file("empty"))
            try Files.replace(folder.file("file"), "mine")
            for name in ["empty", "file", "manifests/"] {
                let result = try create("--dir", folder.file(name))
                #expect(result.exitCode == 1)
                #expect(result.diagnostics.contains("is there already, and nothing is overwritten"))
                #expect(result.diagnostics.contains("name a folder that does not exist"))
            }
            #expect(Files.text(folder.file("file")) == "mine")
            #expect(Files.names(in: folder.file("empty")) == [])
        }

        @Test func `says what stands in its way`() throws {
            let lost = try create("--dir", folder.file("a/b"))
            #expect(lost.exitCode == 1)
            #expect(lost.diagnostics.contains("cannot make a folder in \"\(folder.file("a"))/\": No such file"))
            let unwritable = try create("--dir", "/proc/heddle-authority")
            #expect(unwritable.exitCode == 1)
            #expect(unwritable.diagnostics.contains("cannot make a folder in \"/proc/\""))
            let rootless = try create("--dir", folder.file("next"), "--root", folder.manifests)
            #expect(rootless.exitCode == 1)
            #expect(rootless.diagnostics.contains("cannot use the root: cannot read \"\(folder.manifests)/root.pem\""))
            #expect(!Files.exists(folder.file("next")))
        }
    }
}
