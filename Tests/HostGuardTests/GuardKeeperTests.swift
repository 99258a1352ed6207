import CommonValues
import EventLoops
import Testing

@testable import HostGuard

/// With the real nft in a network of its own, and a program before it that fails as it is told to.
@Suite(.enabled(if: Network.canBeMade, "root, ip and nft are needed for a network of one's own"))
struct GuardKeeperTests {
    private let network = Network()
    private let table = GuardTable(
        name: "heddle-guard-1-2", node: "a", ports: [80, 8081],
        endpoints: [.ip(.init(v4: 0x7F00_0001), port: 80)], users: [998])

    private func keeper() -> GuardKeeper {
        let path = network.filter
        return GuardKeeper(instance: "1-2", node: "a") { PacketFilter(path: path) }
    }

    @Test func `what is held is not made again`() async {
        let keeper = keeper()
        #expect(await keeper.prepare(table) == nil)
        await keeper.commit(table)
        #expect(keeper.standing == .init(table: table))
        let calls = network.callCount
        #expect(await keeper.prepare(table) == nil)
        await keeper.commit(table)
        await keeper.abandon()
        #expect(network.callCount == calls)
    }

    @Test func `what was prepared and given up is as it was before`() async {
        let keeper = keeper()
        await keeper.commit(table)
        let before = network.list(table.name)
        var other = table
        other.ports = [81]
        #expect(await keeper.prepare(other) == nil)
        #expect(GuardListing(network.list(table.name) ?? "").ports == [80, 81, 8081])
        await keeper.abandon()
        #expect(network.list(table.name) == before && keeper.standing.table == table)
        #expect(await !keeper.check())
    }

    @Test func `the first that is given up leaves what an earlier process had`() async {
        await keeper().commit(table)
        let next = keeper()
        var other = table
        other.ports = [81]
        #expect(await next.prepare(other) == nil)
        await next.abandon()
        #expect(GuardListing(network.list(table.name) ?? "").ports == [80, 81, 8081])
        #expect(next.standing == .init())
    }

    @Test func `what an earlier process left goes when none is wanted`() async {
        await keeper().commit(table)
        let next = keeper()
        await next.commit(nil)
        #expect(network.list(table.name) == nil)
        let calls = network.callCount
        await next.commit(nil)
        #expect(network.callCount == calls)
    }

    @Test func `what could not be removed is tried again at the next change`() async {
        await keeper().commit(table)
        let next = keeper()
        network.mode = "echo no >&2; exit 1"
        await next.commit(nil)
        #expect(next.standing == .init())
        network.mode = nil
        await next.commit(nil)
        #expect(network.list(table.name) == nil)
    }

    @Test func `a rehearsal leaves no trace`() async {
        #expect(await keeper().rehearse(table) == nil)
        #expect(network.list(table.name) == nil)
    }

    @Test(arguments: [
        "delete table inet heddle-guard-1-2", "add element inet heddle-guard-1-2 users { 7 }",
        "flush chain inet heddle-guard-1-2 output", "add chain inet heddle-guard-1-2 more",
        "delete element inet heddle-guard-1-2 ports { 80 }",
    ])
    func `a table that was changed or removed is made again`(change: String) async {
        let keeper = keeper()
        await keeper.commit(table)
        let before = network.list(table.name)
        #expect(await !keeper.check())
        #expect(await keeper.look() == .asItWas)
        network.run(change)
        #expect(await keeper.check())
        #expect(await keeper.look() == .restored)
        #expect(network.list(table.name) == before)
        #expect(await !keeper.check())
    }

    @Test func `one that was changed is told of, though it cannot be made again at once`() async {
        let keeper = keeper()
        await keeper.commit(table)
        network.run("flush chain inet heddle-guard-1-2 output")
        // It can be looked at, and not be made.
        network.mode = """
            case "$1" in -f) exit 1;; esac
            exec /usr/sbin/ip netns exec \(network.name) /usr/sbin/nft "$@"
            """
        #expect(await keeper.check())
        #expect(await keeper.look() == .failed)
        network.mode = nil
        #expect(await keeper.look() == .restored)
        #expect(await keeper.look() == .asItWas)
    }

    @Test func `what somebody added goes with the next change`() async {
        let keeper = keeper()
        await keeper.commit(table)
        network.run("add chain inet heddle-guard-1-2 evil { type filter hook input priority -5; policy drop; }")
        var other = table
        other.users = [998, 7]
        #expect(await keeper.prepare(other) == nil)
        await keeper.commit(other)
        #expect(network.list(table.name)?.contains("evil") == false)
    }

    @Test func `counters go on over a change`() async {
        let keeper = keeper()
        await keeper.commit(table)
        network.run("delete table inet heddle-guard-1-2")
        network.run(GuardScript.anew(table, counts: GuardCounts(local: 7, remote: 9)))
        // As if packets had been refused meanwhile.
        #expect(await !keeper.check())
        var other = table
        other.ports = [81]
        await keeper.commit(other)
        #expect(keeper.standing.refused == GuardCounts(local: 7, remote: 9))
    }

    @Test func `another table is as good as what was there before`() async {
        network.run("add table inet heddle-guard-1-2")
        network.run("add set inet heddle-guard-1-2 users { type ipv4_addr; }")
        let keeper = keeper()
        #expect(await keeper.prepare(table) != nil)
        await keeper.commit(table)
        #expect(keeper.standing == .init(table: table))
    }

    @Test(arguments: ["exit 0", "echo garbage", "yes | head -c 5000000"])
    func `a program that does nothing is not believed`(mode: String) async {
        let keeper = keeper()
        network.mode = mode
        await keeper.commit(table)
        #expect(keeper.standing.failure != nil)
        network.mode = nil
        #expect(await keeper.check())
        #expect(await keeper.look() == .mended)
        #expect(keeper.standing == .init(table: table))
    }

    @Test(arguments: [
        ("echo 'Operation not permitted (you must be root)' >&2; exit 1", PacketFilter.Failure.notPermitted),
        ("echo 'Error: no memory' >&2; exit 1", .refused(reason: "Error: no memory")),
        ("kill -9 $$", .refused(reason: "killed by signal 9")),
    ])
    func `why it cannot be held is told until it can`(mode: String, failure: PacketFilter.Failure) async {
        let keeper = keeper()
        network.mode = mode
        #expect(await keeper.prepare(table) == failure)
        await keeper.commit(table)
        #expect(keeper.standing == .init(table: table, failure: failure))
        #expect(await keeper.look() == .failed)
        network.mode = nil
        #expect(await keeper.look() == .mended)
        #expect(keeper.standing == .init(table: table))
    }

    @Test func `one that could not be looked at was not changed`() async {
        let keeper = keeper()
        await keeper.commit(table)
        network.mode = "kill -9 $$"
        #expect(await !keeper.check())
        #expect(keeper.standing.failure == .refused(reason: "killed by signal 9"))
        network.mode = nil
        let calls = network.callCount
        #expect(await keeper.look() == .mended)
        #expect(network.callCount == calls + 1)
    }

    @Test func `one that cannot be removed is told of until it can`() async {
        let keeper = keeper()
        await keeper.commit(table)
        network.mode = "echo 'Error: no' >&2; exit 1"
        await keeper.commit(nil)
        #expect(keeper.standing == .init(failure: .refused(reason: "Error: no")))
        #expect(await keeper.look() == .failed)
        network.mode = nil
        #expect(await keeper.look() == .mended)
        #expect(network.list(table.name) == nil && keeper.standing == .init())
    }

    @Test func `other guards of the node, or of its ports, are named`() async {
        func other(_ name: String, _ node: String, _ port: UInt16) {
            network.run(
                GuardScript.anew(
                    GuardTable(name: "heddle-guard-\(name)", node: node, ports: [port], endpoints: [], users: []),
                    counts: GuardCounts()))
        }
        other("left", "a", 9)
        other("rival", "b", 8081)
        other("stranger", "b", 9)
        let keeper = keeper()
        await keeper.commit(table)
        #expect(keeper.standing.others.sorted() == ["heddle-guard-left", "heddle-guard-rival"])
        await keeper.commit(nil)
        #expect(keeper.standing.others == ["heddle-guard-left"])
    }

    @Test func `without the program it is missing`() async {
        let keeper = GuardKeeper(instance: "1-2", node: "a") { PacketFilter(path: "/nowhere/nft") }
        #expect(await keeper.prepare(table) == .missing)
        await keeper.commit(table)
        #expect(keeper.standing.failure == .missing)
    }
}
