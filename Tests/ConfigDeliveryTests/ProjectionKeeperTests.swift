import Diagnostics
import Glibc
import Manifests
import MeshFixtures
import MeshSnapshot
import Reconciliation
import Synchronization
import SystemInterfaces
import TestSupport
import Testing

@testable import ConfigDelivery

/// Files that are kept as the values are.
struct ProjectionKeeperTests {
    private let folder = ScratchFolder()
    private let path: String
    private let state: HeldFolder
    private let world: ConfigWorld
    private let keeper: ProjectionKeeper
    private let told = Told()

    /// What the host was asked to do.
    private final class Told: Sendable {
        private let state = Mutex((count: 0, answer: String?.none, problems: [Diagnostic](), reports: 0))
        /// How often it was told that something else is wrong.
        var reports: Int { state.withLock { $0.reports } }
        var count: Int { state.withLock { $0.count } }
        var problems: [Diagnostic] { state.withLock { $0.problems } }

        /// What the first telling waits for, and those after it; `nil`: nothing.
        private let gates = Mutex<(first: Gate, later: Gate)?>(nil)

        func tell() -> String? {
            let count = state.withLock { state in
                state.count += 1
                return state.count
            }
            if let gates = gates.withLock({ $0 }) { (count == 1 ? gates.first : gates.later).pass() }
            return state.withLock { $0.answer }
        }

        func hold() -> (first: Gate, later: Gate) {
            let new = (first: Gate(), later: Gate())
            gates.withLock { $0 = new }
            return new
        }

        func fail(_ answer: String?) { state.withLock { $0.answer = answer } }

        func note(_ problems: [Diagnostic]) {
            state.withLock { state in
                state.problems = problems
                state.reports += 1
            }
        }
    }

    init() throws {
        path = folder.path
        state = HeldFolder("\(path)/state")
        try FileWriter().makePrivateFolder("\(path)/state")
        try state.hold(OpenFolder("\(path)/state"))
        world = try ConfigWorld()
        let (told, closed) = (told, "\(path)/closed")
        keeper = try ProjectionKeeper(
            world.board,
            ProjectionKeeper.Host(
                number: { $0 == .number(geteuid()) ? geteuid() : nil }, tell: { _, _ in told.tell() },
                closedFolders: [closed]), UntoldFiles(state)
        ) { told.note($0) }
    }

    private func adopt(
        _ file: String = "app.json", _ more: String = "", owner: String = "\(geteuid())",
        paths: String = "/values, \"/values/{**}\"", isServed: Bool = true, to other: ProjectionKeeper? = nil
    ) async throws {
        let keeper = other ?? keeper
        let config = ConfigWorld.config(
            "app",
            "sources: [base], project: [{path: \"\(path)/\(file)\", workload: web, owner: \(owner)\(more)}]")
        let workload = manifest("Workload", "web", "{serviceAccount: web, outbound: {listen: \"127.0.0.1:1\"}}")
        let snapshot = try ConfigWorld.snapshot([
            ConfigWorld.source("base"), config, workload, ConfigWorld.allow(paths),
        ])
        _ = try await ConfigParticipant(world.board, FileBoundary(ofFolder: "/nowhere"), files: keeper)
            .prepare(snapshot, generation: Generation(number: 1, hash: "0")).commit()
        if isServed { keeper.served() }
    }

    private func say(_ json: String) throws {
        try world.say(json)
        keeper.changed(ResourceName(namespace: "shop", name: "app"))
    }

    private func content(_ name: String = "app.json") -> String? {
        guard let file = try? OpenFile("\(path)/\(name)"), let bytes = try? file.bytes(limit: 1000) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Says a value again until the board has published it and the file follows: the two have threads of their own.
    private func becomes(_ text: String, _ name: String = "app.json") async -> Bool {
        await Poll.until {
            keeper.changed(ResourceName(namespace: "shop", name: "app"))
            return content(name) == text
        }
    }

    @Test func `a file follows the values that its workload may read`() async throws {
        try await adopt(paths: "/values/a")
        try say("{\"a\":1,\"b\":2}")
        #expect(await becomes("{\"a\":1}"))
        #expect(try FileAccess.facts("\(path)/app.json", followingLinks: false).permissions & 0o777 == 0o600)
        try await adopt("app.json", ", mode: 0640", paths: "/values/b")
        #expect(await becomes("{\"b\":2}"))
        try await adopt("app.json", ", mode: 0640", paths: "/values/c")
        await Poll.until { !told.problems.isEmpty }
        #expect(content() == "{\"b\":2}", "the file stays")
        #expect(told.problems.map(\.code) == [.projectedFile])
    }

    @Test func `with the last file what was wrong with it is over`() async throws {
        try await adopt("nowhere/app.json")
        try say("{\"a\":1}")
        await Poll.until {
            keeper.changed(ResourceName(namespace: "shop", name: "app"))
            return !keeper.problems.isEmpty
        }
        let snapshot = try ConfigWorld.snapshot([ConfigWorld.source("base"), ConfigWorld.config()])
        _ = try await ConfigParticipant(world.board, FileBoundary(ofFolder: "/nowhere"), files: keeper)
            .prepare(snapshot, generation: Generation(number: 2, hash: "0")).commit()
        await Poll.until { keeper.problems.isEmpty }
        #expect(keeper.problems.isEmpty)
    }

    @Test func `before there is a value nothing is wrong, whatever the rules are for`() async throws {
        try await adopt(paths: "\"/values/{**}\"")
        // It has looked once: what it is told next it looks at after that.
        try say("{\"a\":1}")
        #expect(await becomes("{\"a\":1}"))
        #expect(told.reports == 0)
    }

    @Test func `the format is the file's`() async throws {
        try await adopt("app.env", ", format: dotenv")
        try say("{\"a\":\"x y\"}")
        await Poll.until {
            keeper.changed(ResourceName(namespace: "shop", name: "app"))
            return content("app.env")?.contains("x y") == true
        }
        #expect(told.problems.isEmpty, "\(told.problems)")
        try say("{\"a\":\"\\u0001\"}")
        await Poll.until {
            keeper.changed(ResourceName(namespace: "shop", name: "app"))
            return !told.problems.isEmpty
        }
        #expect(content("app.env")?.contains("x y") == true)
    }

    @Test func `who reads it is told of what is new, and of nothing else, until it could be told`() async throws {
        told.fail("nobody answers")
        try await adopt("app.json", ", onChange: {signal: HUP, unit: web.service}")
        try say("{\"a\":1}")
        #expect(await becomes("{\"a\":1}"))
        await Poll.until { told.problems.contains { $0.found.contains("nobody answers") } }
        told.fail(nil)
        await Poll.until {
            keeper.changed(ResourceName(namespace: "shop", name: "app"))
            return told.problems.isEmpty
        }
        let count = told.count
        try await adopt("app.json", ", mode: 0640, onChange: {signal: HUP, unit: web.service}")
        await Poll.until {
            (try? FileAccess.facts("\(path)/app.json", followingLinks: false).permissions & 0o777) == 0o640
        }
        try say("{\"a\":2}")
        #expect(await becomes("{\"a\":2}"))
        await Poll.until { told.count == count + 1 }
        #expect(told.count == count + 1, "other rights are no other content")
    }

    @Test func `who could not be told is told by the process that comes next`() async throws {
        told.fail("nobody answers")
        try await adopt("app.json", ", onChange: {signal: HUP, unit: web.service}")
        try say("{\"a\":1}")
        #expect(await becomes("{\"a\":1}"))
        await Poll.until { !told.problems.isEmpty }
        #expect(UntoldFiles(state).load() == ["\(path)/app.json"])
        keeper.stop()

        let later = Told()
        let next = try ProjectionKeeper(
            world.board,
            ProjectionKeeper.Host(
                number: { _ in geteuid() }, tell: { _, _ in later.tell() }, closedFolders: []), UntoldFiles(state)
        ) { later.note($0) }
        try await adopt("app.json", ", onChange: {signal: HUP, unit: web.service}", to: next)
        await Poll.until { later.count == 1 && UntoldFiles(state).load().isEmpty }
        #expect(later.count == 1 && UntoldFiles(state).load().isEmpty)
        next.stop()
    }

    @Test func `who is told slowly holds up one telling, and no file`() async throws {
        let hook = "onChange: {signal: HUP, unit: web.service}"
        let second = "{path: \"\(path)/other.json\", workload: web, owner: \(geteuid()), \(hook)}"
        let gates = told.hold()
        try await adopt("app.json", ", \(hook)}, \(second.dropLast())")
        try say("{\"a\":1}")
        #expect(await becomes("{\"a\":1}"))
        await Poll.until { told.count == 1 }
        // It is held: one of the two is being told, and the other one waits.
        try say("{\"a\":2}")
        await Poll.until { world.json() == "{\"a\":2}" }
        keeper.changed(ResourceName(namespace: "shop", name: "app"))
        gates.first.open()
        await Poll.until { told.count == 2 }
        #expect(content() == "{\"a\":2}" && content("other.json") == "{\"a\":2}", "files go before who is told next")
        gates.later.open()
        await Poll.until { told.count == 3 }
        #expect(told.problems.isEmpty)
    }

    @Test func `nobody is told before the data plane serves what says whom to tell`() async throws {
        try await adopt("app.json", ", onChange: {signal: HUP, unit: web.service}", isServed: false)
        try say("{\"a\":1}")
        #expect(await becomes("{\"a\":1}"))
        // The keeper has looked again, and told nobody.
        try say("{\"a\":2}")
        #expect(await becomes("{\"a\":2}"))
        #expect(told.count == 0 && told.problems.isEmpty)
        keeper.served()
        await Poll.until { told.count == 1 }
        #expect(told.count == 1)
    }

    @Test(arguments: [
        ("link/app.json", "folders, and no link"), ("target.json", "a regular file"), ("open/app.json", "nobody else"),
        ("nowhere/app.json", "replaced"), ("closed/app.json", "elsewhere"),
    ])
    func `a way that others could bend, or that leads nowhere, is told of, and nothing is written`(
        file: String, says: String
    ) async throws {
        for name in ["real", "open", "closed"] { unsafe mkdir("\(path)/\(name)", 0o755) }
        unsafe chmod("\(path)/open", 0o777)
        unsafe symlink("\(path)/real", "\(path)/link")
        unsafe symlink("\(path)/victim", "\(path)/target.json")
        folder.write("mine", to: "victim")
        try await adopt(file)
        try say("{\"a\":1}")
        await Poll.until {
            keeper.changed(ResourceName(namespace: "shop", name: "app"))
            return !told.problems.isEmpty
        }
        let problem = try #require(told.problems.first)
        #expect(problem.code == .projectedFile && problem.expected.contains(says), "\(problem)")
        #expect(content("victim") == "mine")
        #expect(content("real/app.json") == nil && content("open/app.json") == nil && content("closed/app.json") == nil)
    }

    @Test func `an owner that is not there is told of`() async throws {
        try await adopt(owner: "4000000")
        try say("{\"a\":1}")
        await Poll.until {
            keeper.changed(ResourceName(namespace: "shop", name: "app"))
            return !told.problems.isEmpty
        }
        #expect(told.problems.first?.found.contains("this host does not have") == true)
        #expect(content() == nil)
    }
}
