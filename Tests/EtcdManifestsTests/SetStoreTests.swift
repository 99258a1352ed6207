import Cryptography
import Diagnostics
import EtcdClient
import Reconciliation
import TestSupport
import Testing

@testable import EtcdManifests

@Suite(.enabled(if: EtcdServer.program != nil, "etcd is not installed")) struct SetStoreTests {
    private let world: SetWorld

    init() throws { world = try SetWorld() }

    private func found(_ record: SetRecord) async throws -> [ManifestSource]? {
        try? await world.store.files(of: record.hash).get()
    }

    @Test func whatWasPushedIsThereAndNamed() async throws {
        let record = try await world.push(["a.yaml": "1", "shop/b.yml": "2"])
        #expect(try await world.store.current().bytes == record.bytes)
        #expect(try await found(record)?.map(\.path) == ["a.yaml", "shop/b.yml"])
        let again = try await world.push(["a.yaml": "1", "shop/b.yml": "2"])
        #expect(again == record)
    }

    @Test func theDigestIsTheOneThatIsDocumented() {
        // printf 'heddle-manifest-set-1\n\0\0\0\0\0\0\0\6a.yaml\0\0\0\0\0\0\0\1x' | sha256sum
        let encoded =
            Array("heddle-manifest-set-1\n".utf8) + [0, 0, 0, 0, 0, 0, 0, 6] + Array("a.yaml".utf8)
            + [0, 0, 0, 0, 0, 0, 0, 1] + Array("x".utf8)
        #expect(SetHash.of(SetWorld.sources(["a.yaml": "x"])) == SHA256.hexadecimal(of: encoded))
        let other = SetHash.of(SetWorld.sources(["a.yaml": "", "x.yaml": ""]))
        #expect(other != SetHash.of(SetWorld.sources(["a.yaml": "x.yaml"])))
    }

    @Test func aSetThatIsAlteredOrNotAllThereIsNone() async throws {
        let record = try await world.push(["a.yaml": "1", "b.yaml": "2"])
        try world.etcd.delete(world.key("b.yaml", of: record))
        #expect(try await found(record) == nil)
        try world.etcd.put(world.key("b.yaml", of: record), "3")
        #expect(try await found(record) == nil)
        try world.etcd.put(world.key("b.yaml", of: record), "2")
        #expect(try await found(record)?.count == 2)
        try world.etcd.put(world.key("c.yaml", of: record), "")
        #expect(try await found(record) == nil)
        // Pushed anew it is mended where it lies.
        try await world.push(["a.yaml": "1", "b.yaml": "2"])
        #expect(try await found(record)?.count == 2)
    }

    @Test func manyFilesAndLargeOnesArePushedInPieces() async throws {
        var files: [String: String] = [:]
        for number in 0..<350 { files["many/\(number).yaml"] = String(repeating: "\(number % 10)", count: 20_000) }
        for number in 0..<5 {
            files["large-\(number).yaml"] = String(repeating: "\(number)", count: SetFiles.fileByteLimit)
        }
        let record = try await world.push(files)
        #expect(try await found(record)?.count == 355)
    }

    @Test func whatIsTooLargeIsNotPushed() async throws {
        let large = String(repeating: "x", count: SetFiles.fileByteLimit + 1)
        let error = await #expect(throws: Rejection.self) { try await world.push(["a.yaml": large]) }
        #expect(error?.diagnostics.map(\.code) == [.setTooLarge])
        #expect(try await world.store.current().bytes == nil)
    }

    @Test(arguments: ["../a.yaml", "/a.yaml", ".hidden/a.yaml", "a//b.yaml", "a.txt", "a\nb.yaml", ""])
    func aNameThatLeadsElsewhereIsNoSets(path: String) async throws {
        let error = await #expect(throws: Rejection.self) { try await world.push([path: "x"]) }
        #expect(error?.diagnostics.map(\.code) == [.setDamaged])
    }

    @Test func aNameThatLeadsElsewhereIsNotReadEither() async throws {
        let files = SetWorld.sources(["../a.yaml": "x"])
        let hash = SetHash.of(files)
        try world.etcd.put("/mesh/one/sets/\(hash)/../a.yaml", "x")
        #expect(try await found(SetRecord(hash: hash, number: 1)) == nil)
    }

    @Test func tenSetsAreKeptAndTheOneThatIsNamed() async throws {
        var records: [SetRecord] = []
        for number in 0..<13 { records.append(try await world.push(["a.yaml": "\(number)"])) }
        for (number, record) in records.enumerated() {
            #expect((try await found(record) != nil) == (number >= 3), "\(number)")
        }
        // An old one is as new as any, once it is pushed anew.
        try await world.push(["a.yaml": "3"])
        for number in 20..<29 { try await world.push(["a.yaml": "\(number)"]) }
        #expect(try await found(records[3]) != nil)
        #expect(try await found(records[12]) == nil)
    }

    @Test func whoHasSeenAnotherSetPushesNone() async throws {
        try await world.push(["a.yaml": "1"])
        let seen = try await world.store.current().revision
        try await world.push(["a.yaml": "2"])
        let error = await #expect(throws: Rejection.self) {
            try await world.push(["a.yaml": "3"], expecting: seen)
        }
        #expect(error?.diagnostics.map(\.code) == [.setConflict])
        let last = try await world.store.current().revision
        try await world.push(["a.yaml": "3"], expecting: last)
    }

    @Test func numbersGrowThoughTheClockStandsStill() async throws {
        let first = try await world.store.push(SetWorld.sources(["a.yaml": "1"]), signer: nil, now: 5_000)
        let second = try await world.store.push(SetWorld.sources(["a.yaml": "2"]), signer: nil, now: 4_000)
        guard case .named(let one, _) = first, case .named(let two, _) = second else {
            Issue.record("not pushed")
            return
        }
        #expect(one.number == 5_000)
        #expect(two.number == 5_001)
    }

    @Test func aDeadEtcdIsSaid() async throws {
        world.etcd.kill()
        let error = await #expect(throws: Rejection.self) { try await world.push(["a.yaml": "1"]) }
        #expect(error?.diagnostics.map(\.code) == [.setAway])
    }
}
