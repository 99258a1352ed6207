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
            try heddle.wait("kept again") { heddle.errors.contains("the last good set is kept again") }
            heddle.kill()
            try folder.write("kind: [", as: "more.yaml")
            let second = try HeddleProcess.serving(folder)
            #expect(second.terminate() == .code(0))
        }
    }
}
