import EtcdClient
import HTTPTransfers
import Synchronization
import TestSupport
import Testing

/// What a follower has told.
final class Told: Sendable {
    private struct State {
        var entries: [EtcdEntries] = []
        var reasons: [String] = []
        var isAway = false
    }

    private let state = Mutex(State())

    func take(_ news: EtcdNews) {
        state.withLock { state in
            switch news {
            case .entries(let entries):
                state.entries.append(entries)
                state.isAway = false
            case .away(let reason):
                state.reasons.append(reason)
                state.isAway = true
            }
        }
    }

    /// Of the last one.
    var values: [String: String]? { all.last }
    var all: [[String: String]] {
        state.withLock { state in
            state.entries.map { entries in
                Dictionary(
                    uniqueKeysWithValues: entries.values.map {
                        (String(decoding: $0, as: UTF8.self), String(decoding: $1.value, as: UTF8.self))
                    })
            }
        }
    }
    var revisions: [Int64] { state.withLock { $0.entries.map(\.revision) } }
    var isAway: Bool { state.withLock { $0.isAway } }
    var reasons: [String] { state.withLock { $0.reasons } }
}

@Suite(.enabled(if: EtcdServer.program != nil, "etcd is not installed")) struct EtcdFollowerTests {
    private let loop: TransferLoop
    private let etcd: EtcdServer
    private let told = Told()

    init() throws {
        loop = try TransferLoop()
        etcd = try EtcdServer()
    }

    private func follow(_ prefix: String = "/app/", endpoints: [String]? = nil) -> EtcdFollower {
        EtcdFollower(
            Array(prefix.utf8), of: EtcdAccess(endpoints: endpoints ?? [etcd.endpoint]), on: loop, tell: told.take)
    }

    @Test func whatIsThereIsToldAndThenWhatChanges() throws {
        try etcd.put("/app/a", "1")
        try etcd.put("/apple", "not below the prefix")
        let follower = follow()
        defer { follower.stop() }
        #expect(Poll.until { told.values == ["/app/a": "1"] })
        try etcd.put("/app/b", "2")
        #expect(Poll.until { told.values == ["/app/a": "1", "/app/b": "2"] })
        try etcd.delete("/app/a")
        #expect(Poll.until { told.values == ["/app/b": "2"] })
        #expect(told.reasons.isEmpty)
    }

    @Test func anEmptyPrefixIsAllThatIsThere() throws {
        try etcd.put("x", "1")
        let follower = follow("")
        defer { follower.stop() }
        #expect(Poll.until { told.values == ["x": "1"] })
    }

    @Test func moreThanAPageIsReadAsOfOneRevision() throws {
        for batch in 0..<55 {
            try etcd.put((0..<100).map { ("/app/\(batch)-\($0)", "value") })
        }
        let follower = follow()
        defer { follower.stop() }
        #expect(Poll.until { told.values?.count == 5_500 })
        #expect(told.all.count == 1)
    }

    @Test func changesOfOneTransactionAreToldAtOnce() throws {
        let follower = follow()
        defer { follower.stop() }
        #expect(Poll.until { told.values == [:] })
        for number in 0..<50 { try etcd.put([("/app/a", "\(number)"), ("/app/b", "\(number)")]) }
        #expect(Poll.until { told.values == ["/app/a": "49", "/app/b": "49"] })
        #expect(told.all.allSatisfy { $0["/app/a"] == $0["/app/b"] })
        #expect(told.revisions == told.revisions.sorted())
    }

    @Test func aServerThatIsKilledIsAwayAndThenBack() throws {
        try etcd.put("/app/a", "1")
        let follower = follow()
        defer { follower.stop() }
        #expect(Poll.until { told.values == ["/app/a": "1"] })
        etcd.kill()
        #expect(Poll.until { told.isAway })
        try etcd.start()
        try etcd.put("/app/a", "2")
        #expect(Poll.until { told.values == ["/app/a": "2"] })
        #expect(!told.isAway)
    }

    @Test func aStoreThatIsWipedIsReadAnew() throws {
        for number in 0..<20 { try etcd.put("/app/a", "\(number)") }
        let follower = follow()
        defer { follower.stop() }
        #expect(Poll.until { told.values == ["/app/a": "19"] })
        try etcd.wipe()
        #expect(Poll.until { told.values == [:] })
        try etcd.put("/app/b", "new")
        #expect(Poll.until { told.values == ["/app/b": "new"] })
    }

    @Test func whatIsCompactedMeanwhileIsReadAnew() throws {
        try etcd.put("/app/a", "1")
        let follower = follow()
        defer { follower.stop() }
        #expect(Poll.until { told.values == ["/app/a": "1"] })
        etcd.kill()
        try etcd.start()
        for number in 2..<20 { try etcd.put("/app/a", "\(number)") }
        try etcd.compact(at: etcd.put("/app/b", "x"))
        #expect(Poll.until { told.values == ["/app/a": "19", "/app/b": "x"] })
    }

    @Test func aServerThatStandsStillIsAway() throws {
        let follower = follow()
        defer { follower.stop() }
        #expect(Poll.until { told.values == [:] })
        etcd.freeze()
        #expect(Poll.until { told.isAway })
        etcd.thaw()
        try etcd.put("/app/a", "1")
        #expect(Poll.until { told.values == ["/app/a": "1"] && !told.isAway })
    }

    @Test func theNextEndpointIsAskedWhereOneIsNotThere() throws {
        try etcd.put("/app/a", "1")
        let follower = follow(endpoints: ["http://127.0.0.1:\(TestPort.free())", etcd.endpoint])
        defer { follower.stop() }
        #expect(Poll.until { told.values == ["/app/a": "1"] })
    }

    @Test func whoHasNoPasswordIsToldSoAndWhoHasReads() throws {
        try etcd.put("/app/a", "1")
        for name in ["root", "reader"] {
            try etcd.ask("/v3/auth/user/add", #"{"name":"\#(name)","password":"secret"}"#)
        }
        try etcd.ask("/v3/auth/role/add", #"{"name":"root"}"#)
        try etcd.ask("/v3/auth/user/grant", #"{"user":"root","role":"root"}"#)
        try etcd.ask("/v3/auth/user/grant", #"{"user":"reader","role":"root"}"#)
        try etcd.ask("/v3/auth/enable", "{}")
        let stranger = follow()
        defer { stranger.stop() }
        #expect(Poll.until { told.isAway })
        #expect(told.reasons.first?.contains("user name is empty") == true)

        let other = Told()
        var access = EtcdAccess(endpoints: [etcd.endpoint])
        access.user = EtcdAccess.User(name: "reader") { Array("secret".utf8) }
        let follower = EtcdFollower(Array("/app/".utf8), of: access, on: loop, tell: other.take)
        defer { follower.stop() }
        #expect(Poll.until { other.values == ["/app/a": "1"] })
    }

    @Test func anotherServerIsNoEtcd() throws {
        let web = TestBackend.fixed("HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n<html>hi</html>")
        let follower = follow(endpoints: ["http://127.0.0.1:\(web.port)"])
        defer { follower.stop() }
        #expect(Poll.until { told.isAway })
    }

    @Test func whoStopsHearsNothingMore() throws {
        let follower = follow()
        #expect(Poll.until { told.values == [:] })
        follower.stop()
        // Another one hears of it: the loop has passed it by then.
        let other = Told()
        let second = EtcdFollower(
            Array("/app/".utf8), of: EtcdAccess(endpoints: [etcd.endpoint]), on: loop, tell: other.take)
        defer { second.stop() }
        #expect(Poll.until { other.values == [:] })
        try etcd.put("/app/a", "1")
        #expect(Poll.until { other.values == ["/app/a": "1"] })
        #expect(told.values == [:])
    }
}
