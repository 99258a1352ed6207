import Glibc
import TestSupport
import Testing

extension ScenarioTests {
    /// `spec.project` of a Config, by the whole program: files are kept as values are, and who reads them is told.
    @Suite(.enabled(if: geteuid() == 0 && Tool.exists("setpriv"), "it takes root to be several users"))
    struct `A file that is kept as a config is` {
        private static let web: UInt32 = 4321
        private let folder: TestFolder
        /// Where anybody may read, and root alone write.
        private let place: String
        private let backend = TestBackend.fixed("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")

        init() throws {
            folder = try TestFolder()
            place = folder.file("kept")
            try Files.makeFolder(place)
            try set("{greeting: first}")
        }

        private func set(_ text: String) throws { try Files.replace(folder.file("settings.yaml"), text) }

        /// - Parameter hook: `onChange` of the file.
        private func write(_ hook: String, rule: String = Shop.allowAll, backend port: UInt16? = nil) throws {
            try folder.write(
                [
                    manifest("Mesh", "mesh", "{proxy: {workers: 1, accessLog: All}}"),
                    Shop.service("hooks"),
                    Shop.workload("hooks-1", "service: hooks, address: \"127.0.0.1:\(port ?? backend.port)\""),
                    Shop.workload("web-1", "serviceAccount: web, selectors: [{unix: {uid: \(Self.web)}}]"),
                    manifest("ConfigSource", "settings", "{type: File, path: ../settings.yaml}"),
                    manifest(
                        "Config", "web",
                        "{sources: [settings], project: [{path: \(place)/app.json, workload: web-1, onChange: \(hook)}]}"
                    ),
                    manifest(
                        "AuthorizationPolicy", "reads",
                        "{targetRefs: [{kind: Config, name: web}], action: ALLOW, rules: [{from: [{source: {serviceAccounts: [shop/web]}}],"
                            + " to: [{operation: {methods: [GET], paths: [\"/values/{**}\", /values]}}]}]}"),
                    rule,
                ].joined(separator: "\n---\n") + "\n")
        }

        private func wait(_ heddle: HeddleProcess, content: String) throws {
            try heddle.wait("kept as \(content)") { Files.text("\(place)/app.json") == content }
        }

        /// A program that says when it gets the signal, and writes its number down first.
        private func program(_ name: String, user: UInt32) throws -> ChildProcess {
            // The number is root's to write there; the program is the user's.
            return try ChildProcess(
                "sh",
                [
                    "-c",
                    "echo $$ > '\(place)/\(name)'; exec setpriv --reuid \(user) --regid \(user) --clear-groups sh -c '"
                        + "trap \"echo told\" USR1; echo ready; while :; do sleep 0.02; done'",
                ],
                folder: folder.file("logs"))
        }

        private func count(_ program: ChildProcess) -> Int {
            program.output.split(separator: "\n").count { $0 == "told" }
        }

        @Test func `the process whose number a file has gets a signal, if it is the workload's`() throws {
            try write("{signal: USR1, pidFile: \(place)/web.pid}")
            let program = try program("web.pid", user: Self.web)
            Poll.until { program.output.contains("ready") }
            let heddle = try HeddleProcess.serving(folder)
            try wait(heddle, content: "{\"greeting\":\"first\"}")
            try heddle.wait("told of the first") { count(program) == 1 }
            try set("{greeting: second}")
            try heddle.wait("told of the second") { count(program) == 2 }
            #expect(Files.text("\(place)/app.json") == "{\"greeting\":\"second\"}")

            // Another user's process, which would end by it.
            let other = try self.program("web.pid", user: Self.web + 1)
            Poll.until { other.output.contains("ready") }
            try set("{greeting: third}")
            try heddle.wait("refused") {
                heddle.errors.contains("names a process that is not Workload shop/web-1: uid \(Self.web + 1)")
            }
            #expect(count(other) == 0 && count(program) == 2)
            // The right one's number again: it is told what it has missed.
            try Files.replace("\(place)/web.pid", "\(program.id)\n")
            try heddle.wait("told of the third") { count(program) == 3 }
            #expect(count(other) == 0)
            other.send(SIGKILL)
            program.send(SIGKILL)
            _ = (other.waitForExit(), program.waitForExit())
            try set("{greeting: fourth}")
            try heddle.wait("ended") { heddle.errors.contains("there is no process \(program.id)") }
        }

        @Test(arguments: [
            ("link", "is a link"), ("fifo", "is no regular file"), ("text", "has no number of a process"),
            ("one", "names process 1, which is none of a workload's"), ("long", "has no number of a process"),
            ("nothing", "No such file or directory"),
        ])
        func `what is no number of a process is told, and nobody gets a signal`(name: String, why: String) throws {
            unsafe symlink("\(place)/one", "\(place)/link")
            unsafe mkfifo("\(place)/fifo", 0o600)
            for (name, text) in [("text", "-1\n"), ("one", "1\n"), ("long", String(repeating: "1", count: 100_000))] {
                try Files.replace("\(place)/\(name)", text)
            }
            try write("{signal: USR1, pidFile: \(place)/\(name)}")
            let heddle = try HeddleProcess.serving(folder)
            try wait(heddle, content: "{\"greeting\":\"first\"}")
            try heddle.wait("told") {
                heddle.errors.contains("config.projected-file") && heddle.errors.contains(why)
            }
        }

        @Test func `a service is called as the workload, under the rules, until it has answered`() throws {
            let rule = { (path: String) in
                manifest(
                    "AuthorizationPolicy", "calls",
                    "{targetRefs: [{kind: Service, name: hooks}], action: ALLOW, rules: [{from: [{source: {serviceAccounts: [shop/web]}}],"
                        + " to: [{operation: {methods: [POST], paths: [\(path)]}}]}]}")
            }
            let hook = "{service: hooks, path: /reload}"
            try write(hook, rule: rule("/other"))
            let heddle = try HeddleProcess.serving(folder)
            try wait(heddle, content: "{\"greeting\":\"first\"}")
            let refused = "POST /reload of Service shop/hooks was answered with 403, denied"
            try heddle.wait("refused") { heddle.errors.contains(refused) }
            #expect(backend.requests.isEmpty)
            try heddle.serve { try write(hook, rule: rule("/reload")) }
            try heddle.wait("told") { backend.requests.count == 1 }
            #expect(backend.requests[0].hasPrefix("POST /reload HTTP/1.1\r\n"))
            try set("{greeting: second}")
            try heddle.wait("told again") { backend.requests.count == 2 }
            try heddle.wait("logged") {
                heddle.process.output.split(separator: "\n").contains {
                    $0.contains("\"path\":\"/reload\"") && $0.contains("\"status\":204")
                        && $0.contains("\"caller\":\"spiffe://mesh.local/ns/shop/sa/web\"")
                }
            }

            // Away: it is told once it is there, and once, by whichever process is there then.
            let late = TestPort.free()
            try heddle.serve { try write(hook, rule: rule("/reload"), backend: late) }
            try set("{greeting: third}")
            try wait(heddle, content: "{\"greeting\":\"third\"}")
            try heddle.wait("away") { heddle.errors.contains("was answered with 503, connect-failed") }
            heddle.kill()
            let there = TestBackend.fixed(
                "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", port: late)
            let next = try HeddleProcess.serving(folder)
            try next.wait("told at last") { there.requests.count == 1 }
            #expect(backend.requests.count == 2)
            #expect(next.terminate() == .code(0))
            #expect(there.requests.count == 1)
        }
    }
}
