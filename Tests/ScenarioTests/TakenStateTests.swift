import Glibc
import TestSupport
import Testing

extension ScenarioTests {
    @Suite struct `A state folder that is taken away` {
        private let backend = TestBackend.forgetfulEcho()
        private let folder: TestFolder
        private var state: String { folder.state() }
        private static let isTold = "stands at its path no more"

        init() throws {
            folder = try TestFolder()
            try folder.write(Shop.oneHost(outbound: TestPort.free(), orders: backend.port))
        }

        /// Names and contents of what is kept in a folder.
        private func kept(_ state: String) -> [String: [UInt8]] {
            var kept: [String: [UInt8]] = [:]
            for place in ["authority", "generations"] {
                for name in Files.names(in: "\(state)/\(place)") {
                    kept["\(place)/\(name)"] = Files.bytes("\(state)/\(place)/\(name)")
                }
            }
            return kept
        }

        private func asked(_ path: String) throws -> String {
            try Tool.run("curl", ["-s", "--unix-socket", "\(state)/admin.sock", "http://heddle/\(path)"], in: folder)
                .output
        }

        @Test func `is used on where it is, and another mesh's that stands at its path is left alone`() throws {
            let other = try TestFolder()
            try other.write(Shop.oneHost(outbound: TestPort.free(), orders: backend.port))
            let first = try HeddleProcess.serving(folder)
            let moved = state + ".old"
            #expect(unsafe rename(state, moved) == 0)
            let second = try HeddleProcess.serving(other, state: state)
            let theirs = kept(state)
            try first.wait("told") { first.errors.contains(Self.isTold) }
            let ours = kept(moved)
            try first.serve { try folder.write(Shop.service("more"), as: "more.yaml") }
            #expect(Poll.until { kept(moved)["generations/last-good"] != ours["generations/last-good"] })
            #expect(kept(state) == theirs)

            // Both are found where they are.
            let status = try Heddle.run(["status", "--state", moved])
            #expect(status.output.contains(Self.isTold), "\(status)")
            #expect(try !Heddle.run(["status", "--state", state]).output.contains(Self.isTold))
            #expect(second.terminate() == .code(0))
            let third = try HeddleProcess.serving(other, state: state)
            #expect(third.terminate() == .code(0))

            #expect(unsafe rename(state, state + ".other") == 0)
            #expect(unsafe rename(moved, state) == 0)
            try first.wait("returned") { first.errors.contains("the state folder is in its place again") }
            #expect(try !Heddle.run(["status", "--state", state]).output.contains(Self.isTold))
            let told = first.errors.split(separator: "\n").filter {
                $0.contains(" error heddle:") && $0.contains("error[state.unavailable]")
            }
            #expect(told.count == 1, "\(first.errors)")
            #expect(first.terminate() == .code(0))
        }

        @Test func `is made again where it was removed and nothing stands in its place, with what serves in it`() throws
        {
            let heddle = try HeddleProcess.serving(folder)
            try Files.removeFolder(state)
            try heddle.wait("made again") { heddle.errors.contains("its lock is made again") }
            #expect(Poll.until { Files.exists(state + "/generations/last-good") })
            let second = try HeddleProcess(folder)
            #expect(second.process.waitForExit() == .code(1))
            #expect(Poll.until { (try? Heddle.run(["status", "--state", state]).exitCode) == 0 })
            heddle.kill()
            try folder.write("kind: [", as: "more.yaml")
            let third = try HeddleProcess.serving(folder)
            #expect(third.terminate() == .code(0))
        }

        @Test func `may be emptied, and a restart has the last good set all the same`() throws {
            let heddle = try HeddleProcess.serving(folder)
            for name in Files.names(in: state) { try Files.removeFolder("\(state)/\(name)") }
            let isOver = /problem=.*warning\[state\.unavailable\].* no longer so/
            try heddle.wait("kept again") { heddle.errors.contains(isOver) }
            heddle.kill()
            try folder.write("kind: [", as: "more.yaml")
            let second = try HeddleProcess.serving(folder)
            #expect(second.terminate() == .code(0))
        }

        @Test(.enabled(if: Tool.exists("curl")))
        func `a set that cannot be kept is told at every place, and kept with the next change once it can be`()
            throws
        {
            let heddle = try HeddleProcess.serving(folder)
            let kept = "\(state)/generations"
            try Files.removeFolder(kept)
            try Files.replace(kept, "in the way")
            #expect(try Poll.until { try asked("readyz").contains("error[state.unavailable]") }, "\(heddle.errors)")
            #expect(heddle.errors.contains("error[state.unavailable]: found the set that serves cannot be kept"))
            #expect(try asked("metrics").contains("heddle_held_back{what=\"state\"} 1\n"))
            #expect(try Heddle.run(["status", "--state", state]).output.contains("error[state.unavailable]"))
            let file = folder.file("more.yaml")
            try Files.replace(file, Shop.service("more"))
            let rehearsed = try Heddle.run(["apply", "-f", file, "--dry-run", "--state", state])
            #expect(rehearsed.output.hasSuffix("taken up, but for what is held back; nothing was written\n"))
            #expect(rehearsed.diagnostics.occurrences(of: "error[state.unavailable]") == 1, "\(rehearsed)")
            let applied = try Heddle.run(["apply", "-f", file, "--state", state])
            #expect(applied.exitCode == 0, "nothing of what was handed in is held back: \(applied)")
            #expect(applied.output.hasSuffix("generation 2 serves, but for what is held back\n"), "\(applied)")
            #expect(applied.diagnostics.contains("error[state.unavailable]"), "\(applied)")
            heddle.process.send(SIGHUP)
            try heddle.wait("read again") { heddle.errors.contains("read again: ") }
            #expect(heddle.errors.contains("as much is held back"), "\(heddle.errors)")
            Files.remove(kept)
            try heddle.serve { try folder.write(Shop.service("most"), as: "most.yaml") }
            #expect(try Poll.until { try asked("readyz") == "ready\n" }, "\(heddle.errors)")
            #expect(Files.exists(kept + "/last-good"))
            #expect(heddle.terminate() == .code(0))
        }
    }
}
