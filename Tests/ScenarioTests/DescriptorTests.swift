import Glibc
import Synchronization
import TestSupport
import Testing

extension ScenarioTests {
    @Suite struct `File descriptors that run out` {
        /// Answers `/held` when it is told to, all else at once.
        private static func backend(_ isReleased: Latch) -> TestBackend {
            TestBackend { connection, backend in
                while true {
                    let head = connection.receive(through: "\r\n\r\n")
                    guard head.hasSuffix("\r\n\r\n") else { return }
                    backend.note(head)
                    if head.contains("/held") { Poll.until { isReleased.isOpen } }
                    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                }
            }
        }

        private final class Latch: Sendable {
            private let state = Atomic(false)
            var isOpen: Bool { state.load(ordering: .relaxed) }
            func open() { state.store(true, ordering: .relaxed) }
        }

        private static func get(_ path: String) -> String { "GET \(path) HTTP/1.1\r\nHost: orders\r\n\r\n" }

        @Test
        func
            `silent callers keep no rule from being enforced, no question from being answered, no call from its endpoint`()
            throws
        {
            let isReleased = Latch()
            let backend = Self.backend(isReleased)
            let port = TestPort.free()
            let folder = try TestFolder()
            try folder.write(Shop.oneHost(outbound: port, orders: backend.port))
            let heddle = try HeddleProcess.serving(folder, descriptors: 80)
            #expect(heddle.errors.contains("serving.few-descriptors"))
            let held = try RawConnection(port: port)
            held.send(Self.get("/held"))
            #expect(Poll.until { backend.requests.contains { $0.hasPrefix("GET /held") } })

            // More than there are descriptors: the kernel's queue holds those that are not accepted.
            var crowd: [RawConnection] = []
            for _ in 0..<40 { crowd.append(try RawConnection(port: port)) }
            try heddle.wait("told of it") { heddle.errors.contains("no room for another connection") }

            let status = try Heddle.run(["status", "--state", folder.state()])
            #expect(status.exitCode == 0, "\(status.diagnostics)")
            #expect(status.output.contains("serving.no-room"), "\(status.output)")
            // Who comes now is heard when silent ones before it have given way.
            let late = try RawConnection(port: port)
            late.send(Self.get("/late"))
            let served = late.response()
            #expect(served.status == 200, "\(served.summary)")
            try heddle.serve { try folder.write(Self.noMoreReads, as: "reads.yaml") }
            late.send(Self.get("/late"))
            #expect(late.response().status == 403)

            isReleased.open()
            #expect(held.response().status == 403, "a call under way is denied, too")
            let metrics = try Tool.run(
                "curl", ["-s", "--unix-socket", folder.state() + "/admin.sock", "http://heddle/metrics"], in: folder)
            #expect(metrics.output.contains("heddle_connections_closed_for_room_total{peer=\"caller\"}"))
            #expect(heddle.terminate() == .code(0))
        }

        @Test func `accepting pauses without spinning, calls under way go on, and it resumes`() throws {
            let isReleased = Latch()
            let backend = Self.backend(isReleased)
            let port = TestPort.free()
            let folder = try TestFolder()
            try folder.write(Shop.oneHost(outbound: port, orders: backend.port))
            let heddle = try HeddleProcess.serving(folder, descriptors: 80)
            // All of them wait for an answer: none gives way.
            var crowd: [RawConnection] = []
            for _ in 0..<40 {
                let caller = try RawConnection(port: port)
                caller.send(Self.get("/held"))
                crowd.append(caller)
            }
            try heddle.wait("told of it") { heddle.errors.contains("no room for another connection") }
            // Two seconds of it must not cost a tenth of that.
            let before = heddle.process.processorTicks
            Pause.inWhichNothingMayHappen(.seconds(2))
            let used = heddle.process.processorTicks - before
            #expect(used < 20, "\(used) ticks")
            isReleased.open()
            for caller in crowd {
                let answer = caller.response()
                #expect(answer.status == 200, "\(answer.summary)")
            }
            #expect(heddle.terminate() == .code(0))
        }

        @Test func `too few open files are said to be what is short, before anything is blamed on the manifests`()
            throws
        {
            let folder = try TestFolder()
            try folder.write(Shop.oneHost(outbound: TestPort.free(), orders: 1))
            for limit in [12, 20, 31] {
                let result = try Heddle.run(
                    ["run", "--manifests", folder.manifests, "--state", folder.state()],
                    through: ["sh", "-c", "ulimit -n \(limit); exec \"$@\"", "sh"])
                #expect(result.exitCode == 1)
                let lines = result.diagnostics.split(separator: "\n")
                #expect(lines.count == 1)
                #expect(
                    lines.first?.contains(
                        "a limit of \(limit) open files is too low, 32 is the least: raise this process's limit of open files"
                    )
                        == true, "\(result.diagnostics)")
            }
        }

        @Test func `the warning of few descriptors has the number that status has`() throws {
            let folder = try TestFolder()
            try folder.write(Shop.oneHost(outbound: TestPort.free(), orders: 1))
            let heddle = try HeddleProcess.serving(folder, descriptors: 128)
            let status = try Heddle.run(["status", "--state", folder.state()]).output
            let room = try #require(status.firstMatch(of: #/callers \((\d+) at most\)/#)?.1)
            let words = "found a limit of 128 open files: \(room) callers' connections at most"
            #expect(status.contains(words), "\(status)")
            #expect(heddle.errors.contains(words), "\(heddle.errors)")
            #expect(heddle.terminate() == .code(0))
        }

        @Test func `the soft limit of open files is raised to the hard one`() throws {
            let folder = try TestFolder()
            try folder.write(Shop.oneHost(outbound: TestPort.free(), orders: 1))
            let heddle = try HeddleProcess.serving(folder, softDescriptors: 100)
            let limits = Files.text("/proc/\(heddle.process.id)/limits").split(separator: "\n")
            let words = limits.first { $0.hasPrefix("Max open files") }?.split(separator: " ") ?? []
            #expect(words.count > 4 && words[3] == words[4], "\(words)")
            #expect(heddle.terminate() == .code(0))
        }

        private static let noMoreReads = """
            apiVersion: heddle/v1
            kind: AuthorizationPolicy
            metadata: {name: no-reads, namespace: shop}
            spec: {action: DENY, rules: [{to: [{operation: {methods: [GET]}}]}]}
            """
    }
}
