import EtcdManifests
import Testing

@Suite struct SetRecordTests {
    private let hash = String(repeating: "0123456789abcdef", count: 4)

    @Test func aRecordIsReadAsItWasWritten() {
        let plain = SetRecord(hash: hash, number: 1_764_556_800_123)
        let signed = SetRecord(hash: hash, number: 7, signature: [UInt8](repeating: 9, count: 64))
        #expect(
            String(decoding: plain.bytes, as: UTF8.self) == "heddle-manifests-1\nset \(hash)\nnumber 1764556800123\n")
        #expect(SetRecord(plain.bytes) == plain)
        #expect(SetRecord(signed.bytes) == signed)
        #expect("\(plain.pushedAt)" == "2025-12-01T02:40:00.123Z")
    }

    @Test(arguments: [
        "", "heddle-manifests-1\n", "heddle-manifests-2\nset HASH\nnumber 1\n",
        "heddle-manifests-1\nset HASH\nnumber 01\n",
        "heddle-manifests-1\nset HASH\nnumber 1", "heddle-manifests-1\nset HASH\nnumber 1\n\n",
        "heddle-manifests-1\nset HASH\nnumber +1\n", "heddle-manifests-1\nset HASH\nnumber 253402300800000\n",
        "heddle-manifests-1\nset HASh\nnumber 1\n", "heddle-manifests-1\nset ../HASH\nnumber 1\n",
        "heddle-manifests-1\nset HASH\nnumber 1\nsignature AAAA\n", "heddle-manifests-1\nset HASH\nnumber 1\nextra\n",
    ])
    func whatOnlyLooksLikeARecordIsNone(text: String) {
        let text = text.replacing("HASH", with: hash).replacing("HASh", with: hash.uppercased())
        #expect(SetRecord(Array(text.utf8)) == nil)
    }

    @Test func anotherPlaceSetOrNumberIsAnotherMessage() {
        let record = SetRecord(hash: hash, number: 7)
        let messages: Set<[UInt8]> = [
            record.message(at: "/mesh"), record.message(at: "/mesh2"),
            SetRecord(hash: hash, number: 8).message(at: "/mesh"),
            SetRecord(hash: String(hash.reversed()), number: 7).message(at: "/mesh"),
        ]
        #expect(messages.count == 4)
    }
}
