import Glibc
import TestSupport
import Testing

extension ScenarioTests {
    @Suite struct `What a change left behind` {
        private let backend = TestBackend.forgetfulEcho()
        private let folder: TestFolder

        init() throws {
            folder = try TestFolder()
            try folder.write(Shop.oneHost(outbound: TestPort.free(), orders: backend.port))
        }

        private func status() throws -> String { try Heddle.run(["status", "--state", folder.state()]).output }

        @Test func `is told at start, by SIGHUP and by status for as long as it lies there`() throws {
            try folder.write("", as: ".heddle-1-0.new")
            let heddle = try HeddleProcess.serving(folder)
            func tellings() -> Int { heddle.errors.occurrences(of: "warning[change.left-behind]") }
            #expect(tellings() == 1, "\(heddle.errors)")
            #expect(try status().contains("warning[change.left-behind]"))
            heddle.process.send(SIGHUP)
            try heddle.wait("told again") { tellings() == 2 }
            Files.remove("\(folder.manifests)/.heddle-1-0.new")
            #expect(try !status().contains("change.left-behind"))
            try folder.write("", as: ".heddle-2-0.new")
            heddle.process.send(SIGHUP)
            try heddle.wait("told what is new") { heddle.errors.contains(".heddle-2-0.new") }
            #expect(heddle.terminate() == .code(0))
        }

        @Test(arguments: [(0, "change.left-behind"), (1, "change.interrupted")])
        func `is warned of by check, which has no record to know more by`(step: Int, code: String) throws {
            try folder.write("", as: ".heddle-1-\(step).new")
            let result = try Heddle.run(["check", folder.manifests])
            #expect(result.exitCode == 0)
            #expect(result.diagnostics.contains("/.heddle-1-\(step).new: warning[\(code)]"), "\(result)")
            #expect(result.output.contains("no errors, "), "\(result)")
            // What is handed in is not served from there.
            let applied = try Heddle.run(["apply", "-f", folder.manifests, "--state", folder.state()])
            #expect(applied.exitCode == 3, "\(applied)")
        }
    }
}
