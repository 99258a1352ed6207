import FuzzKit
import Glibc
import Synchronization
import TestSupport
import Testing

extension ScenarioTests {
    @Suite struct Draining {
        @Test func `SIGTERM lets a response in flight complete, refuses new connections, and ends with 0`() throws {
            let isReleased = Atomic(false)
            let backend = TestBackend { connection, backend in
                backend.note(connection.receive(through: "\r\n\r\n"))
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst")
                Poll.until { isReleased.load(ordering: .relaxed) }
                connection.send(" last")
            }
            let port = TestPort.free()
            let folder = try TestFolder()
            try folder.write(Shop.oneHost(outbound: port, orders: backend.port))
            let heddle = try HeddleProcess.serving(folder)
            let idle = try RawConnection(port: port)
            let busy = try RawConnection(port: port)
            busy.send("GET / HTTP/1.1\r\nHost: orders\r\n\r\n")
            let head = busy.receive(through: "\r\n\r\n")
            let start = busy.receive(count: 5)
            heddle.process.send(SIGTERM)
            #expect(Poll.until { (try? RawConnection(port: port)) == nil }, "still accepting")
            #expect(idle.receive() == [] && idle.isEnded)
            // A balancer that asks sends nobody here any more.
            let readiness = try Tool.run(
                "curl",
                ["-s", "-w", "%{http_code}", "--unix-socket", "\(folder.state())/admin.sock", "http://heddle/readyz"],
                in: folder)
            #expect(readiness.output == "not ready: draining\n503")
            let status = try Tool.run(Heddle.path, ["status", "--state", folder.state()], in: folder)
            #expect(status.output.hasPrefix("draining "), "\(status.output)")
            #expect(heddle.process.exit() == nil)
            isReleased.store(true, ordering: .relaxed)
            let rest = busy.receiveAll()
            #expect(Response(head: head, body: "").status == 200)
            #expect(String(decoding: start, as: UTF8.self) + rest == "first last")
            #expect(heddle.process.waitForExit() == .code(0))
            #expect(!Files.exists(folder.state() + "/admin.sock"))
            #expect(backend.requests.count == 1)
        }

        @Test func `SIGTERM cuts off what is not done by the drain timeout, and still ends with 0`() throws {
            let backend = TestBackend { connection, backend in
                backend.note(connection.receive(through: "\r\n\r\n"))
                while !connection.isEnded { _ = connection.receive() }
            }
            let port = TestPort.free()
            let folder = try TestFolder()
            try folder.write(
                Shop.oneHost(outbound: port, orders: backend.port)
                    .replacing("accessLog: None", with: "accessLog: None, timeouts: {drain: 200ms}"))
            let heddle = try HeddleProcess.serving(folder)
            let stuck = try RawConnection(port: port)
            stuck.send("GET / HTTP/1.1\r\nHost: orders\r\n\r\n")
            #expect(Poll.until { backend.requests.count == 1 })
            #expect(heddle.terminate() == .code(0))
            #expect(stuck.response().head.isEmpty && stuck.isEnded)
        }

        @Test func `SIGTERM at random moments of an apply ends in 0, with all of the change or nothing`() throws {
            var random = SplitMix64(seed: 20_261_130)
            for _ in 0..<(ScenarioTests.isLong ? 50 : 6) {
                let folder = try TestFolder()
                let given = folder.file("given")
                try Files.makeFolder(given)
                let count = 150
                for index in 0..<count {
                    let manifest = Shop.service("s\(index)") + "\n"
                    try folder.write(manifest, as: "s\(index).yaml")
                    try Files.replace("\(given)/s\(index).yaml", manifest.replacing("HTTP", with: "GRPC"))
                }
                let heddle = try HeddleProcess.serving(folder)
                let apply = try ChildProcess(
                    Heddle.path, ["apply", "-f", given, "--state", folder.state()], folder: folder.file("logs"))
                Pause.ofAnyLength(upTo: .milliseconds(600), using: &random)
                #expect(heddle.terminate() == .code(0))
                #expect(apply.waitForExit() != nil)
                let changed = (0..<count).count { Files.text("\(folder.manifests)/s\($0).yaml").contains("GRPC") }
                #expect(changed == 0 || changed == count)
                #expect(Files.names(in: folder.manifests).count == count)
            }
        }
    }
}
