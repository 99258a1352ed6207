import EtcdClient
import HTTPTransfers
import TestSupport
import Testing

@Suite(.enabled(if: EtcdServer.program != nil, "etcd is not installed")) struct EtcdRequestsTests {
    private let loop: TransferLoop
    private let etcd: EtcdServer

    init() throws {
        loop = try TransferLoop()
        etcd = try EtcdServer()
    }

    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test func stepsAreMadeTogetherOrNotAtAll() async throws {
        let requests = EtcdRequests(EtcdAccess(endpoints: [etcd.endpoint]), on: loop)
        let put = EtcdTransaction.Step.put(key: bytes("/a"), value: bytes("1"))
        let isAbsent = EtcdTransaction.Condition.unchanged(key: bytes("/a"), revision: 0)
        let revision = try await requests.commit(EtcdTransaction(where: [isAbsent], [put]))
        let found = try await requests.entry(of: bytes("/a"))
        #expect(found.entry?.value == bytes("1"))
        #expect(found.entry?.revision == revision)
        #expect(try await requests.commit(EtcdTransaction(where: [isAbsent], [put])) == nil)

        try etcd.put("/b/1", "x")
        try etcd.put("/b/2", "x")
        let newest = try await requests.newestRevision(below: bytes("/b/"))
        let older = EtcdTransaction.Condition.allOlder(prefix: bytes("/b/"), than: newest)
        let gone = EtcdTransaction.Step.deleteAll(prefix: bytes("/b/"))
        #expect(try await requests.commit(EtcdTransaction(where: [older], [gone])) == nil)
        let oldest = EtcdTransaction.Condition.allOlder(prefix: bytes("/b/"), than: newest + 1)
        #expect(try await requests.commit(EtcdTransaction(where: [oldest], [gone])) != nil)
        #expect(try await requests.entries(below: bytes("/b/"), byteLimit: 100, countLimit: 10).values.isEmpty)
    }

    @Test func moreThanIsAskedForIsSaid() async throws {
        let requests = EtcdRequests(EtcdAccess(endpoints: [etcd.endpoint]), on: loop)
        for number in 0..<3 { try etcd.put("/a/\(number)", "0123456789") }
        #expect(try await requests.entries(below: bytes("/a/"), byteLimit: 42, countLimit: 3).values.count == 3)
        for limits in [(41, 3), (42, 2)] {
            let error = await #expect(throws: EtcdFailure.self) {
                try await requests.entries(below: bytes("/a/"), byteLimit: limits.0, countLimit: limits.1)
            }
            #expect(error?.isTooLarge == true)
        }
    }

    @Test func anotherEndpointIsAskedWhereOneIsAway() async throws {
        try etcd.put("/a", "1")
        let requests = EtcdRequests(
            EtcdAccess(endpoints: ["http://127.0.0.1:\(TestPort.free())", etcd.endpoint]), on: loop)
        for _ in 0..<2 { #expect(try await requests.entry(of: bytes("/a")).entry?.value == bytes("1")) }
        etcd.kill()
        await #expect(throws: EtcdFailure.self) { try await requests.entry(of: bytes("/a")) }
    }

    @Test func whoHasAPasswordMayAskAndOthersMayNot() async throws {
        try etcd.put("/a", "1")
        try etcd.ask("/v3/auth/user/add", #"{"name":"root","password":"secret"}"#)
        try etcd.ask("/v3/auth/role/add", #"{"name":"root"}"#)
        try etcd.ask("/v3/auth/user/grant", #"{"user":"root","role":"root"}"#)
        try etcd.ask("/v3/auth/enable", "{}")
        var access = EtcdAccess(endpoints: [etcd.endpoint])
        await #expect(throws: EtcdFailure.self) {
            try await EtcdRequests(access, on: loop).entry(of: bytes("/a"))
        }
        access.user = EtcdAccess.User(name: "root") { Array("secret".utf8) }
        let requests = EtcdRequests(access, on: loop)
        #expect(try await requests.entry(of: bytes("/a")).entry?.value == bytes("1"))
        let step = EtcdTransaction.Step.put(key: bytes("/a"), value: bytes("2"))
        #expect(try await requests.commit(EtcdTransaction(where: [], [step])) != nil)
    }
}
