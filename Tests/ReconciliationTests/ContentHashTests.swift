import Testing

@testable import Reconciliation

struct ContentHashTests {
    @Test func `agrees with MurmurHash3's reference values`() {
        #expect(ContentHash(of: []).description == "00000000000000000000000000000000")
        let fox = Array("The quick brown fox jumps over the lazy dog".utf8)
        #expect(ContentHash(of: fox).description == "e34bbc7bbc071b6c7a433ca9c49a9347")
    }

    @Test func `every byte counts, at every length`() {
        for count in 1...40 {
            let bytes = (0..<count).map(UInt8.init)
            for index in bytes.indices {
                var other = bytes
                other[index] ^= 1
                #expect(ContentHash(of: bytes) != ContentHash(of: other))
            }
        }
    }
}
