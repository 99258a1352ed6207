import Diagnostics
import SPIFFE
import Testing

@testable import Reconciliation

struct LastGoodStoreTests {
    private let set = LastGoodSet(
        generation: Generation(number: 7, hash: ""), resourceCount: 3,
        files: [ManifestSource(path: "a.yaml", bytes: [1, 2, 3]), ManifestSource(path: "b/c.yaml", bytes: [])])

    @Test func `what is kept is loaded again`() throws {
        let folder = TestFolder()
        let store = LastGoodStore(stateFolder: folder.heldState)
        #expect(try store.load()?.files.count == nil)
        try store.keep(set)
        let loaded = try store.load()
        #expect(loaded?.generation.number == 7)
        #expect(loaded?.resourceCount == 3)
        #expect(loaded?.files.map(\.path) == ["a.yaml", "b/c.yaml"])
        #expect(loaded?.files.map(\.bytes) == [[1, 2, 3], []])
    }

    @Test func `no damage is believed, and none crashes`() {
        let bytes = set.encoded
        for index in bytes.indices {
            var damaged = bytes
            damaged[index] ^= 0x81
            #expect(LastGoodSet(decoding: damaged) == nil)
            #expect(LastGoodSet(decoding: Array(bytes[..<index])) == nil)
        }
    }
}

extension LastGoodSet: Equatable {
    static func == (left: LastGoodSet, right: LastGoodSet) -> Bool { left.encoded == right.encoded }
}
