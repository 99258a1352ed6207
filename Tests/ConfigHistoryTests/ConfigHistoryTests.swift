import CommonValues
import ConfigMerging
import Diagnostics
import Glibc
import Manifests
import Synchronization
import SystemInterfaces
import TestSupport
import Testing

@testable import ConfigHistory

/// The thread that keeps what Configs were.
struct ConfigHistoryTests {
    private let world: HistoryWorld
    private let web = HistoryWorld.web

    init() throws { world = try HistoryWorld() }

    /// A disk that takes nothing while it is full.
    private final class Disk: Sendable {
        private let full = Mutex(false)
        var isFull: Bool {
            get { full.withLock { $0 } }
            set { full.withLock { $0 = newValue } }
        }

        var writer: FileWriter {
            FileWriter { [self] call, _ throws(SystemCallError) in
                if isFull, call == "write" { throw SystemCallError("write", errno: ENOSPC) }
            }
        }
    }

    private func keep(_ json: String, in history: ConfigHistory) throws {
        let evaluated = try HistoryWorld.evaluated(json)
        history.keep(evaluated.recipe, evaluated.value, revision: ConfigRevision.of(evaluated.value), of: web)
    }

    private func revision(_ json: String) throws -> String { ConfigRevision.of(try HistoryWorld.evaluated(json).value) }

    @Test func `what is told before it ends is kept`() throws {
        let history = try ConfigHistory(world.held)
        history.adopt([web])
        for number in 0..<10 { try keep("{\"n\":\(number)}", in: history) }
        history.stop()
        #expect(try world.values().first == "{\"n\":9}")
        #expect(history.problems == [])
    }

    @Test func `a full disk is told, holds up nobody, and what waited is kept when there is room`() async throws {
        let disk = Disk()
        let told = Mutex<[[Diagnostic.Code]]>([])
        let history = try ConfigHistory(world.held, writer: disk.writer) { problems in
            told.withLock { $0.append(problems.map(\.code)) }
        }
        history.adopt([web])
        try keep("{\"n\":0}", in: history)
        #expect(await Poll.until { (try? world.values().count) == 1 })
        disk.isFull = true
        try keep("{\"n\":1}", in: history)
        #expect(await Poll.until { !history.problems.isEmpty })
        #expect(history.problems.map(\.code) == [.configHistory])
        #expect(history.problems.first?.found.contains("No space left on device") == true)
        // Also what is not kept yet can be had.
        guard case .found = await history.past(try revision("{\"n\":1}"), of: web) else {
            Issue.record("what waits is not found")
            return
        }
        let listing = await history.listing(of: web)
        #expect(listing?.headings.count == 1 && listing?.problems.map(\.code) == [.configHistory])
        disk.isFull = false
        #expect(await Poll.until { history.problems.isEmpty })
        #expect(try world.values() == ["{\"n\":1}", "{\"n\":0}"])
        history.stop()
        #expect(told.withLock { $0 } == [[.configHistory], []])
    }

    @Test func `what waits while nothing can be written is bounded, and the newest is among it`() async throws {
        let disk = Disk()
        disk.isFull = true
        let history = try ConfigHistory(world.held, writer: disk.writer)
        history.adopt([web])
        for number in 0..<50 { try keep("{\"n\":\(number)}", in: history) }
        // Whatever it was told by now it has taken up.
        #expect(await history.listing(of: web)?.headings.isEmpty == true)
        disk.isFull = false
        history.stop()
        #expect(try world.values() == (34...49).reversed().map { "{\"n\":\($0)}" })
    }

    @Test func `a pin that cannot be read is looked for again until it can`() async throws {
        try world.keep("{\"a\":1}")
        let found = Mutex<[String]>([])
        try FileWriter().rename(world.folder, to: world.folder + ".away")
        world.scratch.write("no folder", to: "configs/shop/web")
        let history = try ConfigHistory(world.held)
        history.adopt([web])
        history.find(pin: try revision("{\"a\":1}"), of: web) { finding in
            found.withLock { list in
                switch finding.finding {
                case .found: list.append("found")
                case .unreadable: list.append("unreadable")
                case .unknown, .ambiguous: list.append("unknown")
                }
            }
        }
        #expect(await Poll.until { !found.withLock { $0.isEmpty } })
        try FileWriter().remove(world.folder)
        try FileWriter().rename(world.folder + ".away", to: world.folder)
        #expect(await Poll.until { found.withLock { $0.last } == "found" })
        #expect(found.withLock { Set($0.dropLast()) } == ["unreadable"])
        history.stop()
    }

    @Test func `for want of a revision there is what was published last`() async throws {
        for json in ["{\"a\":1}", "{\"a\":2}"] { try world.keep(json) }
        let newest = Mutex<String?>(nil)
        let history = try ConfigHistory(world.held)
        history.find(pin: String(repeating: "0", count: 12), of: web) { found in
            guard case .unknown = found.finding else { return }
            guard case .found(let past) = found.newest else { return }
            newest.withLock { $0 = past.revision }
        }
        #expect(await Poll.until { newest.withLock { $0 } != nil })
        #expect(newest.withLock { $0 } == (try revision("{\"a\":2}")))
        history.stop()
    }

    @Test func `without a state folder it is told that nothing is kept`() async throws {
        let history = try ConfigHistory(HeldFolder("/nowhere/heddle"))
        history.adopt([web])
        try keep("{\"a\":1}", in: history)
        #expect(await Poll.until { !history.problems.isEmpty })
        #expect(history.problems.allSatisfy { $0.code == .configHistory })
        history.stop()
    }
}
