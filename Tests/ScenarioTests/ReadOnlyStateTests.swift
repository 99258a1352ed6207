import Glibc
import TestSupport
import Testing

extension ScenarioTests {
    @Suite(
        .enabled(
            if: geteuid() == 0 && ["unshare", "nsenter", "curl"].allSatisfy(Tool.exists),
            "only root can mount a folder for reading only, with unshare and nsenter"))
    struct `A state folder that cannot be written` {
        private let backend = TestBackend.forgetfulEcho()
        private let port = TestPort.free()
        private let telemetry = TestPort.free()
        private let folder: TestFolder

        init() throws { folder = try TestFolder() }

        private func writeShop(denies: Bool = false) throws {
            let shop = Shop.oneHost(
                outbound: port, orders: backend.port, mesh: "  telemetry: {listen: \"127.0.0.1:\(telemetry)\"}")
            let denyAll = """
                ---
                \(manifest("AuthorizationPolicy", "nobody", "{action: DENY, rules: [{}]}"))

                """
            try folder.write(shop + (denies ? denyAll : ""))
        }

        private func status() throws -> Int { LoadClient.get("/", on: try RawConnection(port: port)).status }

        private func telemetry(_ path: String) throws -> String {
            try Tool.run("curl", ["-s", "http://127.0.0.1:\(telemetry)/\(path)"], in: folder).output
        }

        /// After a change what is held back is tried again at short intervals.
        private func retrySoon(_ heddle: HeddleProcess) throws {
            try heddle.serve { try folder.write(Shop.service("more"), as: "more.yaml") }
        }

        @Test func `keeps no rule from being enforced at start, is told, and is used once it can be written`() throws {
            try writeShop()
            #expect(try HeddleProcess.serving(folder).terminate() == .code(0))
            let names = Files.names(in: folder.state())
            try writeShop(denies: true)
            let heddle = try HeddleProcess.serving(folder, readOnly: folder.state())
            #expect(try status() == 403, "\(heddle.errors)")
            #expect(heddle.errors.contains("error[state.unavailable]: found cannot write to it: Read-only file system"))
            #expect(heddle.errors.contains("error[admin.socket]"))
            // The folder, the set that serves and cannot be kept there, and the socket.
            #expect(heddle.errors.contains("heldBack=3"), "\(heddle.errors)")
            #expect(heddle.errors.contains("serving, but for what is held back"))
            #expect(!heddle.errors.contains("error[serving.cannot-issue]"), "\(heddle.errors)")
            let readiness = try telemetry("readyz")
            #expect(readiness.hasPrefix("ready\n"))
            #expect(readiness.contains("error[state.unavailable]") && readiness.contains("error[admin.socket]"))
            let metrics = try telemetry("metrics")
            #expect(metrics.contains("heddle_held_back{what=\"state\"} 2\n"))
            #expect(metrics.contains("heddle_held_back{what=\"admin\"} 1\n"))
            #expect(Files.names(in: folder.state()) == names)

            // The lock holds, though nobody could write it.
            let second = try HeddleProcess(folder)
            #expect(second.process.waitForExit() == .code(1))
            #expect(second.errors.contains("another heddle uses it"), "\(second.errors)")

            try heddle.makeWritable(folder.state(), in: folder)
            try retrySoon(heddle)
            try heddle.wait("asked") {
                (try? Heddle.run(["status", "--state", folder.state()]).exitCode) == 0
            }
            try heddle.wait("mended") { heddle.errors.contains("the state folder can be written again") }
            #expect(try Poll.until { try telemetry("readyz") == "ready\n" })
            #expect(heddle.terminate() == .code(0))
        }

        @Test func `lends the last good set where the manifests are wrong`() throws {
            try writeShop(denies: true)
            #expect(try HeddleProcess.serving(folder).terminate() == .code(0))
            try folder.write("kind: [", as: "more.yaml")
            let heddle = try HeddleProcess.serving(folder, readOnly: folder.state())
            #expect(try status() == 403, "\(heddle.errors)")
            #expect(heddle.terminate() == .code(0))
        }

        @Test func `may have the socket of a killed process in it`() throws {
            try writeShop()
            try HeddleProcess.serving(folder).kill()
            let heddle = try HeddleProcess.serving(folder, readOnly: folder.state())
            #expect(try status() == 200, "\(heddle.errors)")
            #expect(heddle.errors.contains("cannot remove the socket that a dead process left"), "\(heddle.errors)")
            #expect(!heddle.errors.contains("last-good"), "what is kept already is not written again")
            #expect(heddle.terminate() == .code(0))
        }

        @Test(arguments: [true, false])
        func `may be empty, or not there, and what needs nothing of it serves`(exists: Bool) throws {
            try writeShop(denies: true)
            let place = folder.file("disk")
            let state = place + "/state"
            try Files.makeFolder(exists ? state : place)
            if exists { #expect(unsafe chmod(state, 0o700) == 0) }
            let heddle = try HeddleProcess.serving(folder, state: state, readOnly: place)
            #expect(try status() == 403, "\(heddle.errors)")
            #expect(heddle.errors.contains("error[state.unavailable]"))
            #expect(heddle.errors.contains("error[serving.cannot-issue]"), "there is no root")
            try heddle.makeWritable(place, in: folder)
            try retrySoon(heddle)
            try heddle.wait("mended") { heddle.errors.contains("the state folder can be written again") }
            #expect(try Poll.until { try telemetry("readyz") == "ready\n" })
            #expect(Files.names(in: state).contains("heddle-state"))
            let second = try HeddleProcess(folder, state: state)
            #expect(second.process.waitForExit() == .code(1))
            #expect(heddle.terminate() == .code(0))
        }

        @Test func `holds up no authority of the operator's`() throws {
            let made = try Heddle.run(["authority", "create", "--dir", folder.file("authority")])
            #expect(made.exitCode == 0)
            let files =
                "certificateFile: \(folder.file("authority/signing.pem")), "
                + "keyFile: \(folder.file("authority/signing.key"))"
            try folder.write(
                Shop.oneHost(
                    outbound: port, orders: backend.port, mesh: "  identity: {authority: {type: Files, \(files)}}"))
            let place = folder.file("disk")
            try Files.makeFolder(place)
            let heddle = try HeddleProcess.serving(folder, state: place + "/state", readOnly: place)
            #expect(try status() == 200)
            #expect(!heddle.errors.contains("error[serving.cannot-issue]"), "\(heddle.errors)")
            #expect(heddle.terminate() == .code(0))
        }
    }
}
