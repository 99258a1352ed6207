import Glibc
import TestSupport
import Testing

extension ScenarioTests {
    /// `heddle run` as a service whose manager is told how it fares (sd_notify(3)).
    struct `A service` {
        private let backend = TestBackend.forgetfulEcho()
        private let port = TestPort.free()
        private let folder: TestFolder
        private let inbox: NoticeInbox

        init() throws {
            folder = try TestFolder()
            inbox = try NoticeInbox("@")
            try folder.write(manifests())
        }

        private func manifests(_ more: String = "") -> String {
            Shop.oneHost(outbound: port, orders: backend.port) + more
        }

        private func start(watchdog: String? = nil) throws -> ChildProcess {
            let watchdog = watchdog.map { ["WATCHDOG_USEC=\($0)"] } ?? []
            return try ChildProcess(
                "env",
                ["NOTIFY_SOCKET=\(inbox.address)"] + watchdog + [
                    Heddle.path, "run", "--manifests", folder.manifests, "--state", folder.state(),
                ], folder: folder.file("logs"))
        }

        /// What it says next, that is not a sign of life.
        private func next(of process: ChildProcess) throws -> String {
            var message: String?
            Poll.until {
                message = inbox.next()
                return message != nil && message != "WATCHDOG=1" || process.exit() != nil
            }
            guard let message, message != "WATCHDOG=1" else { throw SetUpError("it says nothing: \(process.errors)") }
            return message
        }

        @Test func `says that it serves once it does, and that it ends`() throws {
            let process = try start()
            #expect(try next(of: process) == "STATUS=serving generation 1, 6 resources")
            #expect(try next(of: process) == "READY=1")
            process.send(SIGTERM)
            // As long as its mesh's drain may take, and a little.
            #expect(try next(of: process) == "STOPPING=1\nEXTEND_TIMEOUT_USEC=45000000")
            #expect(process.waitForExit() == .code(0))
        }

        @Test func `one that cannot serve is not ready`() throws {
            try folder.write("kind: Nothing")
            let process = try start()
            #expect(process.waitForExit() == .code(1))
            #expect(try next(of: process).hasPrefix("STATUS=what lies in the folder is refused ("))
            #expect(inbox.next() == nil)
        }

        @Test func `says when it reads again, and what came of it`() throws {
            let process = try start()
            #expect(try next(of: process).hasPrefix("STATUS=serving generation 1"))
            #expect(try next(of: process) == "READY=1")

            process.send(SIGHUP)
            #expect(try next(of: process).hasPrefix("RELOADING=1\nMONOTONIC_USEC="))
            #expect(try next(of: process) == "STATUS=serving generation 1, 6 resources\nREADY=1")

            // A change that nobody announced is no reload.
            try folder.write(manifests("---\n" + Shop.service("new")))
            #expect(try next(of: process) == "STATUS=serving generation 2, 7 resources")

            try folder.write("kind: Nothing", as: "wrong.yaml")
            let refused = try next(of: process)
            #expect(refused.hasPrefix("STATUS=what lies in the folder is refused (") && !refused.contains("READY"))
            process.send(SIGHUP)
            #expect(try next(of: process).hasPrefix("RELOADING=1\n"))
            #expect(try next(of: process) == refused + "\nREADY=1")
        }

        @Test func `waits for no manager that does not read, which hears in the end how things are`() throws {
            let waiting = inbox.fill()
            let process = try start(watchdog: "1")
            #expect(Poll.until { process.errors.contains("generation=1") }, "\(process.errors)")
            try folder.write(manifests("---\n" + Shop.service("new")))
            #expect(Poll.until { process.errors.contains("generation=2") }, "\(process.errors)")
            for _ in 0..<waiting { #expect(inbox.next() == NoticeInbox.filling) }
            var message = try next(of: process)
            // It may have been on its way already.
            if message.hasPrefix("STATUS=serving generation 1,") { message = try next(of: process) }
            #expect(message == "READY=1")
            #expect(try next(of: process) == "STATUS=serving generation 2, 7 resources")

            inbox.fill()
            process.send(SIGTERM)
            #expect(process.waitForExit() == .code(0))
        }

        @Test func `gives signs of life where they are asked for`() throws {
            let process = try start(watchdog: "200000")
            #expect(Poll.until { inbox.next() == "WATCHDOG=1" }, "\(process.errors)")
            #expect(Poll.until { inbox.next() == "WATCHDOG=1" }, "\(process.errors)")
            process.send(SIGTERM)
            #expect(process.waitForExit() == .code(0))
        }
    }
}
