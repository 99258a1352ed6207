import HPACKCoding
import Testing

/// The suite's own coding, against the examples of RFC 7541.
struct WireTests {
    @Test func `the Huffman code is that of the examples`() {
        let coded: [UInt8] = [0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff]
        #expect(HuffmanCode.encode(Array("www.example.com".utf8)) == coded)
        #expect(HuffmanCode.decode(coded) == Array("www.example.com".utf8))
        #expect(HuffmanCode.words[HuffmanCode.endOfString] == .init(bits: 0x3fff_ffff, count: 30))
        let all = (0...255).map { UInt8($0) }
        #expect(HuffmanCode.decode(HuffmanCode.encode(all)) == all)
    }

    @Test func `integers are those of the examples`() {
        #expect(HPACK.integer(10, prefix: 5) == [10])
        #expect(HPACK.integer(1337, prefix: 5) == [31, 154, 10])
        #expect(HPACK.integer(42, prefix: 8) == [42])
    }

    @Test func `the tables are those of the examples`() throws {
        #expect(HPACK.staticTable.count == 61)
        #expect(HPACK.staticTable[60].name == "www-authenticate")
        #expect(HPACK.staticTable[31].name == "cookie")
        // C.4.1 and C.4.2
        var decoder = HPACKDecoder()
        let first = try decoder.decode(
            [0x82, 0x86, 0x84, 0x41, 0x8c, 0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff])
        #expect(Fields(lines: first)[":authority"] == "www.example.com")
        let second = try decoder.decode([0x82, 0x86, 0x84, 0xbe, 0x58, 0x86, 0xa8, 0xeb, 0x10, 0x64, 0x9c, 0xbf])
        #expect(Fields(lines: second)[":authority"] == "www.example.com")
        #expect(Fields(lines: second)["cache-control"] == "no-cache")
        #expect(decoder.table.first == Field("cache-control", "no-cache"))
    }
}
