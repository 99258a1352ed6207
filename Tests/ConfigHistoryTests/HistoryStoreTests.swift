import CommonValues
import Diagnostics
import Glibc
import Manifests
import Reconciliation
import Synchronization
import SystemInterfaces
import TestSupport
import Testing

@testable import ConfigHistory

struct HistoryStoreTests {
    private let world: HistoryWorld
    private let web = HistoryWorld.web

    init() throws { world = try HistoryWorld() }

    @Test func `what is published is kept, for its owner alone, with times and what was other`() throws {
        try world.keep("{\"a\":1,\"b\":2}", at: 10)
        try world.keep("{\"a\":1,\"b\":3,\"c\":{\"d\":4}}", at: 20)
        let listing = world.store().listing(of: web)
        #expect(listing.problems == [])
        #expect(listing.headings.map(\.lastAt.seconds) == [20, 10])
        #expect(listing.headings.map(\.changeCount) == [2, 2])
        for path in [world.folder] + (try world.files().map { "\(world.folder)/\($0)" }) {
            let facts = try FileAccess.facts(path, followingLinks: false)
            #expect(facts.permissions & 0o777 == (facts.kind == .folder ? 0o700 : 0o600))
        }
    }

    @Test func `of a Config that never had a value nothing is kept, and that is no problem`() throws {
        #expect(try world.store().contents(of: web).entries.isEmpty)
        #expect(world.store().listing(of: web).problems.isEmpty)
        guard case .unknown = world.store().find("0123456789ab", of: web) else {
            Issue.record("found")
            return
        }
    }

    @Test func `the same value again is the newest again, and known since when it was first`() throws {
        for (index, json) in ["{\"a\":1}", "{\"a\":2}", "{\"a\":1}"].enumerated() {
            try world.keep(json, at: Int64(index))
        }
        #expect(try world.values() == ["{\"a\":1}", "{\"a\":2}"])
        #expect(try world.files().count == 2)
        let newest = try #require(world.store().listing(of: web).headings.first)
        #expect(newest.firstAt.seconds == 0 && newest.lastAt.seconds == 2 && newest.changeCount == 1)
    }

    @Test func `what was published last is not written again after a restart, unless it is from elsewhere`() throws {
        try world.keep("{\"a\":1}", at: 1)
        let writes = Mutex(0)
        let counting = FileWriter { call, _ throws(SystemCallError) in
            if call == "rename" { writes.withLock { $0 += 1 } }
        }
        try world.keep("{\"a\":1}", at: 2, in: world.store(HistoryLimits(), counting))
        #expect(writes.withLock { $0 } == 0)
        _ = try world.store(HistoryLimits(), counting).keep(
            try HistoryWorld.published("{\"a\":1}", at: 3, file: "shop/moved"), of: web)
        #expect(writes.withLock { $0 } == 1)
        #expect(try world.files().count == 1)
        #expect(world.store().listing(of: web).headings.map(\.lastAt.seconds) == [1])
    }

    @Test func `what was kept last counts for what is other, unless somebody has put something else there`() throws {
        let first = try world.store().keep(try HistoryWorld.published("{\"a\":1}"), of: web)
        let second = try world.store().keep(try HistoryWorld.published("{\"a\":1,\"b\":2}"), after: first.kept, of: web)
        #expect(second.kept.heading.changeCount == 1)
        try FileWriter().remove("\(world.folder)/\(second.kept.entry.name)")
        let third = try world.store().keep(try HistoryWorld.published("{\"a\":5,\"b\":2}"), after: second.kept, of: web)
        #expect(third.kept.heading.changeCount == 2 && third.warnings.isEmpty)
        #expect(try world.values() == ["{\"a\":5,\"b\":2}", "{\"a\":1}"])
    }

    @Test func `of the 101st the oldest goes`() throws {
        for number in 0...100 { _ = try world.store().keep(try HistoryWorld.number(number), of: web) }
        let values = try world.values()
        #expect(values.count == 100)
        #expect(values.first == "{\"n\":100}" && values.last == "{\"n\":1}")
    }

    @Test func `all together have their bytes, the newest has its own, and what is larger is told`() throws {
        var limits = HistoryLimits()
        limits.byteCount = 4_000
        limits.valueByteCount = 3_000
        let text = String(repeating: "x", count: 1_000)
        for number in 0..<5 { try world.keep("{\"n\":\(number),\"text\":\"\(text)\"}", in: world.store(limits)) }
        #expect(try world.values().count == 3)
        let sizes = try world.store().contents(of: web).entries.map(\.byteCount)
        #expect(sizes.reduce(0, +) <= limits.byteCount)
        let large = "{\"text\":\"\(text)\(text)\(text)\"}"
        let failure = #expect(throws: HistoryFailure.self) { try world.keep(large, in: world.store(limits)) }
        #expect(failure?.isFinal == true && failure?.problem.code == .configHistory)
        #expect(try world.values().count == 3)
    }

    @Test func `a process that is killed at any step loses the newest at most, and the next one clears up`() throws {
        var isOver = false
        var step = 0
        while !isOver {
            let world = try HistoryWorld()
            var limits = HistoryLimits()
            limits.valueCount = 2
            try world.keep("{\"a\":1}", at: 1)
            try world.keep("{\"a\":2}", at: 2)
            let count = Mutex(0)
            let killed = FileWriter { [step] _, _ throws(SystemCallError) in
                let calls = count.withLock { count in
                    count += 1
                    return count
                }
                if calls > step { throw SystemCallError("kill", errno: EINTR) }
            }
            do { try world.keep("{\"a\":1}", at: 3, in: world.store(limits, killed)) } catch {}
            isOver = count.withLock { $0 } <= step
            let values = try world.values()
            #expect(
                values == ["{\"a\":2}", "{\"a\":1}"] || values == ["{\"a\":1}", "{\"a\":2}"], "killed after \(step)")
            #expect(world.store().listing(of: web).problems.isEmpty)
            try world.keep("{\"a\":3}", at: 4, in: world.store(limits))
            #expect(try world.values().first == "{\"a\":3}")
            #expect(try world.files().count == 2, "killed after \(step)")
            step += 1
        }
        #expect(step > 5)
    }

    @Test func `what is damaged is told and skipped, and the others stay`() throws {
        for json in ["{\"a\":1}", "{\"a\":2}", "{\"a\":3}"] { try world.keep(json) }
        let entries = try world.store().contents(of: web).entries
        let (damaged, whole) = (entries[1], entries[0])
        world.scratch.write("nothing", to: "configs/shop/web/\(damaged.name)")
        world.scratch.write("nothing", to: "configs/shop/web/notes")
        let listing = world.store().listing(of: web)
        #expect(listing.headings.count == 2)
        #expect(listing.problems.map(\.code) == [.stateDamaged, .stateDamaged])
        #expect(listing.problems.contains { $0.position.file.hasSuffix(damaged.name) })
        guard case .unreadable(let problem) = world.store().find(damaged.revision, of: web) else {
            Issue.record("it is taken for one that is not there, or for whole")
            return
        }
        #expect(problem.code == .stateDamaged)
        guard case .found(let past) = world.store().find(String(whole.revision.prefix(12)), of: web) else {
            Issue.record("not found")
            return
        }
        #expect(past.revision == whole.revision)
    }

    @Test func `after a damaged one what is published is kept, and in how much it is other is not known`() throws {
        try world.keep("{\"a\":1}")
        let entry = try #require(try world.store().contents(of: web).entries.first)
        world.scratch.write("nothing", to: "configs/shop/web/\(entry.name)")
        let warnings = try world.keep("{\"a\":2}")
        #expect(warnings.map(\.code) == [.stateDamaged] && warnings.map(\.severity) == [.warning])
        let headings = world.store().listing(of: web).headings
        #expect(headings.count == 1 && headings.first?.changeCount == nil)
        let again = try #require(try world.store().contents(of: web).entries.last)
        world.scratch.write("nothing", to: "configs/shop/web/\(again.name)")
        #expect(try world.keep("{\"a\":2}").count == 1)
        #expect(world.store().listing(of: web).headings.map(\.revision) == [again.revision])
    }

    @Test func `a file that says another revision than its name is damaged`() throws {
        try world.keep("{\"a\":1}")
        let entry = try #require(try world.store().contents(of: web).entries.first)
        let other = HistoryStore.Entry.name(entry.sequence, String(entry.revision.reversed()))
        try FileWriter().rename("\(world.folder)/\(entry.name)", to: "\(world.folder)/\(other)")
        guard case .unreadable = world.store().find(String(entry.revision.reversed()), of: web) else {
            Issue.record("it is believed")
            return
        }
    }

    @Test func `a folder that cannot be read is no folder that is not there`() throws {
        try world.keep("{\"a\":1}")
        try FileWriter().rename(world.folder, to: world.folder + ".gone")
        world.scratch.write("no folder", to: "configs/shop/web")
        guard case .unreadable(let problem) = world.store().find("0123456789ab", of: web) else {
            Issue.record("it is taken for one that is not there")
            return
        }
        #expect(problem.code == .stateUnavailable)
        #expect(world.store().listing(of: web).problems.map(\.code) == [.stateUnavailable])
        let failure = #expect(throws: HistoryFailure.self) { try world.keep("{\"a\":2}") }
        #expect(failure?.isFinal == false)
    }

    @Test func `a revision is found by how it begins, if that is one`() throws {
        for number in 0..<40 { _ = try world.store().keep(try HistoryWorld.number(number), of: web) }
        let revisions = world.store().listing(of: web).headings.map(\.revision)
        let shared = try #require(
            revisions.map { String($0.prefix(1)) }.first { digit in
                revisions.count { $0.hasPrefix(digit) } > 1
            })
        guard case .ambiguous(let found) = world.store().find(shared, of: web) else {
            Issue.record("one of several")
            return
        }
        #expect(found.sorted() == revisions.filter { $0.hasPrefix(shared) }.sorted())
    }

    @Test func `of Configs that are gone those stay that had a value last, and others lose theirs`() throws {
        var limits = HistoryLimits()
        limits.goneCount = 1
        let names = ["a", "b", "c"].map { ResourceName(namespace: "old", name: $0) }
        for (index, name) in names.enumerated() {
            _ = try world.store().keep(try HistoryWorld.number(index), of: name)
            var times = [timespec(tv_sec: index + 1, tv_nsec: 0), timespec(tv_sec: index + 1, tv_nsec: 0)]
            let result = unsafe utimensat(AT_FDCWD, "\(world.scratch.path)/configs/old/\(name.name)", &times, 0)
            #expect(result == 0)
        }
        try world.keep("{\"a\":1}")
        try world.store(limits).removeGone(except: [web])
        #expect(try FileAccess.names(inFolder: "\(world.scratch.path)/configs/old").names == ["c"])
        #expect(try world.values() == ["{\"a\":1}"])
        limits.goneCount = 0
        try world.store(limits).removeGone(except: [web])
        #expect(try FileAccess.names(inFolder: "\(world.scratch.path)/configs").names == ["shop"])
    }
}
