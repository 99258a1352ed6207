import CommonValues
import HTTPSemantics
import Testing

@testable import CallPlanning

/// Calls are found again by them.
struct RequestIDTests {
    @Test func `each is a random UUID of its own`() {
        var random = FastRandom()
        var seen: Set<String> = []
        for _ in 0..<1000 {
            let id = RequestID.random(using: &random)
            let text = String(decoding: id.indices.map { id[$0] }, as: UTF8.self)
            // Version 4, variant 10 (RFC 9562 § 5.4).
            #expect(text.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil)
            seen.insert(text)
        }
        #expect(seen.count == 1000)
    }

    @Test func `of a caller's own each byte is looked at, wherever it stands`() {
        for count in [1, 7, 8, 9, 36, 127, 128] {
            for place in 0..<count {
                for byte in [0, 0x1F, 0x20, 0x21, 0x7E, 0x7F, 0x80, 0xA1, 0xFF] as [UInt8] {
                    var id = [UInt8](repeating: UInt8(ascii: "a"), count: count)
                    id[place] = byte
                    #expect(Self.isUsable(id) == (0x21...0x7E).contains(byte), "\(byte) at \(place) of \(count)")
                }
            }
        }
        #expect(!Self.isUsable([]))
        #expect(!Self.isUsable([UInt8](repeating: UInt8(ascii: "a"), count: 129)))
    }

    private static func isUsable(_ id: [UInt8]) -> Bool { RequestID.isUsable(id.span) }
}
