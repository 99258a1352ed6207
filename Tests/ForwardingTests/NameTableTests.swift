import CommonValues
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import Forwarding

@Suite struct NameTableTests {
    /// A resolver that says what a test wants, and waits where it is told to.
    private final class Resolver: Sendable {
        private struct State {
            var answers: [String: [IPAddress]] = [:]
            var blocked: Set<String> = []
            var asked: [String] = []
        }

        private let state = Mutex(State())

        init(_ answers: [String: [IPAddress]], blocked: Set<String> = []) {
            state.withLock {
                $0.answers = answers
                $0.blocked = blocked
            }
        }

        var asked: [String] { state.withLock { $0.asked } }
        func set(_ name: String, _ addresses: [IPAddress]) { state.withLock { $0.answers[name] = addresses } }
        func block(_ names: Set<String>) { state.withLock { $0.blocked = names } }
        func unblock() { block([]) }

        func lookUp(_ name: String) -> [IPAddress] {
            state.withLock { $0.asked.append(name) }
            Poll.until { state.withLock { !$0.blocked.contains(name) } }
            return state.withLock { $0.answers[name] ?? [] }
        }
    }

    private let one = IPAddress(v4: 0x0A00_0001)
    private let two = IPAddress(v4: 0x0A00_0002)

    /// Asks again, and returns once something else is known.
    private func refresh(_ names: NameTable) async {
        names.refresh()
        for await _ in names.changes { return }
    }

    @Test func `names are known once they are learnt, and asked for once`() async {
        let resolver = Resolver(["a.example": [one], "b.example": [one, two]])
        let names = NameTable(lookUp: resolver.lookUp)
        #expect(names["a.example"] == [])
        await names.learn(["a.example", "b.example", "c.example"], within: .seconds(3600))
        await names.learn(["a.example", "b.example", "c.example"], within: .seconds(3600))
        #expect(names["a.example"] == [one])
        #expect(names["b.example"] == [one, two])
        #expect(names["c.example"] == [])
        #expect(resolver.asked.sorted() == ["a.example", "b.example", "c.example"])
    }

    @Test func `a resolver that does not answer is waited for no longer than was said, and heard later`() async {
        let resolver = Resolver(["slow.example": [one]], blocked: ["slow.example"])
        let names = NameTable(lookUp: resolver.lookUp)
        await names.learn(["slow.example"], within: .zero)
        #expect(names["slow.example"] == [])
        resolver.unblock()
        for await _ in names.changes { break }
        #expect(names["slow.example"] == [one])
    }

    @Test func `one slow name does not hold up others`() async {
        let resolver = Resolver(["a.example": [one]], blocked: ["slow.example"])
        let names = NameTable(lookUp: resolver.lookUp)
        await names.learn(["slow.example"], within: .zero)
        await names.learn(["a.example"], within: .seconds(3600))
        #expect(names["a.example"] == [one])
        resolver.unblock()
    }

    @Test func `however many names are asked for again, one that is new does not wait for them`() async {
        let failing = Set((1...12).map { "\($0).example" })
        let resolver = Resolver(["new.example": [one]])
        let names = NameTable(lookUp: resolver.lookUp)
        await names.learn(failing, within: .seconds(3600))
        resolver.block(failing)
        names.refresh(failedOnly: true)
        await names.learn(["new.example"], within: .seconds(3600))
        #expect(names["new.example"] == [one])
        resolver.unblock()
    }

    @Test func `a name without an answer delays the change that brings it, and none after that`() async {
        let time = Mutex(ContinuousClock.now)
        let resolver = Resolver([:], blocked: ["slow.example"])
        let names = NameTable(now: { time.withLock { $0 } }, lookUp: resolver.lookUp)
        await names.learn(["slow.example"], within: .zero)
        time.withLock { $0 += .seconds(3600) }
        // It would be waited for until the end of the test.
        await names.learn(["slow.example"], within: .seconds(3600))
        resolver.unblock()
        for await _ in names.changes { break }
        #expect(resolver.asked == ["slow.example"])
    }

    @Test func `last good addresses stay, and are said to be stale, until there are others`() async {
        let resolver = Resolver(["a.example": [one]])
        let names = NameTable(lookUp: resolver.lookUp)
        await names.learn(["a.example"], within: .seconds(3600))
        for await _ in names.changes { break }
        resolver.set("a.example", [])
        await refresh(names)
        #expect(names["a.example"] == ResolvedName([one], isStale: true))
        resolver.set("a.example", [one])
        await refresh(names)
        #expect(names["a.example"] == [one])
        resolver.set("a.example", [two])
        await refresh(names)
        #expect(names["a.example"] == [two])
    }

    @Test func `the same addresses in another order are no change`() async {
        let resolver = Resolver(["a.example": [one, two], "b.example": [one]])
        let names = NameTable(lookUp: resolver.lookUp)
        await names.learn(["a.example", "b.example"], within: .seconds(3600))
        for await _ in names.changes { break }
        resolver.set("a.example", [two, one])
        resolver.set("b.example", [two])
        while names["b.example"] == [one] { await refresh(names) }
        #expect(names["a.example"] == [one, two])
    }

    @Test func `those that have no address can be asked for alone`() async {
        let resolver = Resolver(["a.example": [one]])
        let names = NameTable(lookUp: resolver.lookUp)
        await names.learn(["a.example", "b.example"], within: .seconds(3600))
        resolver.set("b.example", [two])
        while names["b.example"] == [] {
            names.refresh(failedOnly: true)
            for await _ in names.changes { break }
        }
        #expect(resolver.asked.count { $0 == "a.example" } == 1)
    }

    @Test func `what nobody names any more is forgotten`() async {
        let resolver = Resolver(["a.example": [one], "b.example": [two]])
        let names = NameTable(lookUp: resolver.lookUp)
        await names.learn(["a.example", "b.example"], within: .seconds(3600))
        names.keep(["b.example"])
        #expect(names["a.example"] == [])
        #expect(names["b.example"] == [two])
    }
}
