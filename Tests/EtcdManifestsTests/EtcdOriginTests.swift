import Cryptography
import Diagnostics
import Foundation
import Reconciliation
import SystemInterfaces
import TestSupport
import Testing

@testable import EtcdManifests

@Suite(.enabled(if: EtcdServer.program != nil, "etcd is not installed")) struct EtcdOriginTests {
    private let world: SetWorld

    init() throws { world = try SetWorld() }

    /// The first of the readings, from now on, that is so.
    private func reading(of origin: EtcdOrigin, _ isSo: (FolderReading) -> Bool) async -> FolderReading? {
        for await reading in origin.readings where isSo(reading) { return reading }
        return nil
    }

    @Test func whatIsPushedIsRead() async throws {
        try await world.push(["a.yaml": "1"])
        let origin = try world.origin()
        #expect(await origin.readNow(after: nil)?.texts == ["a.yaml": "1"])
        for number in 2..<10 {
            try await world.push(["a.yaml": "\(number)"])
            #expect(await reading(of: origin) { $0.texts == ["a.yaml": "\(number)"] } != nil)
        }
        #expect(origin.bytes(of: "a.yaml") == Array("9".utf8))
    }

    @Test func aSetThatIsHalfThereIsRefusedUntilItIsWhole() async throws {
        try await world.push(["a.yaml": "1", "b.yaml": "1"])
        let origin = try world.origin()
        #expect(await origin.readNow(after: nil)?.problems.isEmpty == true)
        let files = SetWorld.sources(["a.yaml": "2", "b.yaml": "2"])
        let record = SetRecord(hash: SetHash.of(files), number: 2_000_000)
        try world.etcd.put(world.key("a.yaml", of: record), "2")
        try world.etcd.put("/mesh/one/current", String(decoding: record.bytes, as: UTF8.self))
        let half = await reading(of: origin) { !$0.problems.isEmpty }
        #expect(half?.codes == [.setDamaged])
        #expect(half?.texts == ["a.yaml": "1", "b.yaml": "1"])
        try world.etcd.put(world.key("b.yaml", of: record), "2")
        #expect(await origin.readNow(after: nil)?.texts == ["a.yaml": "2", "b.yaml": "2"])
    }

    @Test func whatIsNoRecordIsRefused() async throws {
        try await world.push(["a.yaml": "1"])
        let origin = try world.origin()
        #expect(await origin.readNow(after: nil)?.problems.isEmpty == true)
        try world.etcd.put("/mesh/one/current", "sets/whatever")
        #expect(await origin.readNow(after: nil)?.codes == [.setRecord])
    }

    @Test func aPrefixThatIsWipedIsAnEmptySet() async throws {
        try await world.push(["a.yaml": "1"])
        let origin = try world.origin()
        #expect(await origin.readNow(after: nil)?.texts.count == 1)
        try world.etcd.delete("/mesh/one/current")
        let empty = await reading(of: origin) { $0.files.isEmpty }
        #expect(empty?.problems.isEmpty == true)
        try world.etcd.wipe()
        try await world.push(["a.yaml": "2"])
        #expect(await reading(of: origin) { $0.texts == ["a.yaml": "2"] } != nil)
    }

    @Test func compactedAndRestartedEtcdIsFollowed() async throws {
        try await world.push(["a.yaml": "1"])
        let origin = try world.origin()
        #expect(await origin.readNow(after: nil)?.texts.count == 1)
        world.etcd.kill()
        #expect(await reading(of: origin) { $0.codes == [.setAway] }?.texts == ["a.yaml": "1"])
        try world.etcd.start()
        try await world.push(["a.yaml": "2"])
        try world.etcd.compact(at: try await world.store.current().revision)
        #expect(await reading(of: origin) { $0.texts == ["a.yaml": "2"] && $0.problems.isEmpty } != nil)
    }

    @Test func anEtcdThatIsAwayFromTheBeginningIsSaidInTheEnd() async throws {
        world.etcd.kill()
        let origin = try world.origin(patience: .milliseconds(300))
        #expect(await origin.readNow(after: nil)?.codes == [.setAway])
    }

    @Test func anEditIsMadeOfWhatWasSeenAlone() async throws {
        try await world.push(["a.yaml": "1"])
        let origin = try world.origin()
        let seen = try #require(await origin.readNow(after: nil))
        try await origin.replace(seen, with: SetWorld.sources(["a.yaml": "2"]))
        #expect(await origin.readNow(after: EditedFiles())?.texts == ["a.yaml": "2"])
        let error = await #expect(throws: Rejection.self) {
            try await origin.replace(seen, with: SetWorld.sources(["a.yaml": "3"]))
        }
        #expect(error?.diagnostics.map(\.code) == [.setConflict])
        #expect(await origin.readNow(after: nil)?.texts == ["a.yaml": "2"])
    }

    @Test func theServedSetIsKnownByItsName() async throws {
        let record = try await world.push(["a.yaml": "1"])
        let state = try world.state()
        let reading = try #require(await world.origin(state: state).readNow(after: nil))
        // Another process reads it from the state folder.
        world.etcd.kill()
        let later = try world.origin(state: state, patience: .zero)
        #expect(later.record(ofGeneration: FolderReading.hash(of: reading.files)) == record)
    }

    // MARK: Signatures

    @Test func onlyWhatIsSignedForThisPlaceIsRead() async throws {
        let origin = try world.origin(keys: world.keys())
        try await world.push(["a.yaml": "1"])
        #expect(await origin.readNow(after: nil)?.codes == [.setUnsigned])
        try await world.push(["a.yaml": "1"], signer: world.signer("other"))
        #expect(await origin.readNow(after: nil)?.codes == [.setUnsigned])
        let record = try await world.push(["a.yaml": "1"], signer: world.signer())
        #expect(await origin.readNow(after: nil)?.texts == ["a.yaml": "1"])
        // Signed by the same key, for another prefix.
        let elsewhere = SetRecord(hash: record.hash, number: record.number + 1)
        let message = elsewhere.message(at: "/mesh/two")
        let signer = try world.signer()
        let signature = try Ed25519.signature(of: message, by: signer.key, origin: "one")
        let moved = SetRecord(hash: record.hash, number: record.number + 1, signature: signature)
        try world.etcd.put("/mesh/one/current", String(decoding: moved.bytes, as: UTF8.self))
        #expect(await origin.readNow(after: nil)?.codes == [.setUnsigned])
    }

    @Test func anOldSignedSetIsNotTakenAgain() async throws {
        let state = try world.state()
        let old = try await world.push(["a.yaml": "1"], signer: world.signer())
        let new = try await world.push(["a.yaml": "2"], signer: world.signer())
        let origin = try world.origin(keys: world.keys(), state: state)
        #expect(await origin.readNow(after: nil)?.texts == ["a.yaml": "2"])
        try world.etcd.put("/mesh/one/current", String(decoding: old.bytes, as: UTF8.self))
        #expect(await origin.readNow(after: nil)?.codes == [.setOlder])
        // Nor by who starts anew with the same state.
        #expect(try await world.origin(keys: world.keys(), state: state).readNow(after: nil)?.codes == [.setOlder])
        try world.etcd.put("/mesh/one/current", String(decoding: new.bytes, as: UTF8.self))
        #expect(await origin.readNow(after: nil)?.texts == ["a.yaml": "2"])
        // Whoever means to go back to it says so, though it is named already.
        try world.etcd.put("/mesh/one/current", String(decoding: old.bytes, as: UTF8.self))
        #expect(await origin.readNow(after: nil)?.codes == [.setOlder])
        try await world.push(["a.yaml": "1"], signer: world.signer())
        #expect(await origin.readNow(after: nil)?.texts == ["a.yaml": "1"])
    }

    @Test func whatWasSeenIsNotForgottenWhereItCannotBeRead() async throws {
        let state = try world.state()
        try await world.push(["a.yaml": "1"], signer: world.signer())
        #expect(try await world.origin(keys: world.keys(), state: state).readNow(after: nil)?.problems.isEmpty == true)
        let file = state.path + "/generations/sets"
        let right = try #require(FileManager.default.contents(atPath: file))
        try Data("HEDDLE-SETS-1\nsomething\n".utf8).write(to: URL(fileURLWithPath: file))
        let origin = try world.origin(keys: world.keys(), state: state)
        #expect(await origin.readNow(after: nil)?.codes == [.setMemory])
        try right.write(to: URL(fileURLWithPath: file))
        #expect(await origin.readNow(after: nil)?.problems.isEmpty == true)
    }

    @Test func aKeptSetServesOnlyIfItWasSigned() async throws {
        let state = try world.state()
        let files = SetWorld.sources(["a.yaml": "1"])
        try await world.push(["a.yaml": "1"])
        #expect(try await world.origin(state: state).readNow(after: nil)?.texts.count == 1)
        let origin = try world.origin(keys: world.keys(), state: state)
        #expect(await origin.objection(toKept: files)?.code == .setUnsigned)
        try await world.push(["a.yaml": "1"], signer: world.signer())
        #expect(await origin.readNow(after: nil)?.texts.count == 1)
        #expect(await origin.objection(toKept: files) == nil)
    }

    @Test func aSignedMeshIsNotEditedByItsNodes() async throws {
        try await world.push(["a.yaml": "1"], signer: world.signer())
        let origin = try world.origin(keys: world.keys())
        let reading = try #require(await origin.readNow(after: nil))
        let error = await #expect(throws: Rejection.self) { try await origin.replace(reading, with: []) }
        #expect(error?.diagnostics.map(\.code) == [.setUnsigned])
    }
}
