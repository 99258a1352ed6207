import HTTPSemantics
import Testing
import WireChecks

@testable import WireProtocols

private func bytes(_ hexadecimal: String) -> [UInt8] {
    let digits = hexadecimal.filter { $0 != " " && $0 != "\n" }
    return stride(from: 0, to: digits.count, by: 2).map { offset in
        let start = digits.index(digits.startIndex, offsetBy: offset)
        return UInt8(digits[start..<digits.index(start, offsetBy: 2)], radix: 16)!
    }
}

/// What requests with these header blocks, one after the other, turn out to be.
private func requests(_ blocks: [[UInt8]]) -> [String] {
    let client = RawClient()
    for (index, block) in blocks.enumerated() {
        client.send(HTTP2Frame(.headers, flags: 5, id: UInt32(2 * index + 1), block))
    }
    #expect(client.goAwayCode == nil && client.server.refused.isEmpty)
    return client.server.streams.map { $0.head.summary }
}

private let appendixC3And4 = [
    "GET www.example.com / [host: www.example.com]",
    "GET www.example.com / [cache-control: no-cache, host: www.example.com]",
    "GET www.example.com /index.html [custom-key: custom-value, host: www.example.com]",
]

@Test func `requests without Huffman coding, RFC 7541 appendix C.3`() {
    #expect(
        requests([
            bytes("8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d"), bytes("8286 84be 5808 6e6f 2d63 6163 6865"),
            bytes("8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65"),
        ]) == appendixC3And4)
}

@Test func `requests with Huffman coding, appendix C.4`() {
    #expect(
        requests([
            bytes("8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff"), bytes("8286 84be 5886 a8eb 1064 9cbf"),
            bytes("8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf"),
        ]) == appendixC3And4)
}

@Test func `each kind of field, appendix C.2`() {
    let start = bytes("8287 85 41 01 61")
    for (field, expected) in [
        ("400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572", "custom-key: custom-header"),
        ("000a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572", "custom-key: custom-header"),
        ("1008 7061 7373 776f 7264 0673 6563 7265 74", "password: secret"),
        ("90", "accept-encoding: gzip, deflate"),
    ] {
        #expect(requests([start + bytes(field)]) == ["GET a /index.html [\(expected), host: a]"])
    }
}

@Test func `responses of a table that throws entries out, appendix C.5 and C.6`() {
    let expected = [
        "302 [cache-control: private, date: Mon, 21 Oct 2013 20:13:21 GMT, location: https://www.example.com]",
        "307 [cache-control: private, date: Mon, 21 Oct 2013 20:13:21 GMT, location: https://www.example.com]",
        "200 [cache-control: private, date: Mon, 21 Oct 2013 20:13:22 GMT, location: https://www.example.com, content-encoding: gzip, "
            + "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1]",
    ]
    let plain = [
        "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e "
            + "1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "4803 3330 37c1 c0bf",
        "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d "
            + "4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 "
            + "7369 6f6e 3d31",
    ]
    let huffman = [
        "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b "
            + "97c8 e9ae 82ae 43d3",
        "4883 640e ffc1 c0bf",
        "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf "
            + "cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
    ]
    for blocks in [plain, huffman] {
        let server = RawServer()
        let calls = (0..<3).map { _ in server.request(requestHead("GET / HTTP/1.1\r\nHost: a\r\n\r\n")) }
        // A table of 256 bytes, as the appendix has it.
        let resize = bytes("3fe1 01")
        for (index, block) in blocks.enumerated() {
            server.send(
                HTTP2Frame(.headers, flags: 5, id: UInt32(2 * index + 1), (index == 0 ? resize : []) + bytes(block)))
        }
        let found = calls.map { call in
            let fields = call.head.textCopy().fields.map { "\($0.name): \($0.value)" }.joined(separator: ", ")
            return "\(call.head.status) [\(fields)]"
        }
        #expect(found == expected)
    }
}

@Test func `integers of several bytes, appendix C.1.2`() {
    // 31 + 10 + 9 · 128 = 1337, as a string's length.
    let value = [UInt8](repeating: 97, count: 1337)
    #expect(HPACK.integer(1337, prefix: 5, 0) == [31, 154, 10])
    let found = requests([HPACK.literals(plainRequest) + HPACK.literal(Array("x".utf8), value)])
    #expect(found == ["GET a.b / [x: \(String(repeating: "a", count: 1337)), host: a.b]"])
}

@Test func `what is written first is appendix C.3's, and from then on an index`() {
    let client = HTTP2Peer(.client)
    for _ in 0..<2 { _ = client.request(requestHead("GET / HTTP/1.1\r\nHost: www.example.com\r\n\r\n")) }
    let blocks = HTTP2Frame.parse(client.takeOutput()).filter { $0.kind == .headers }.map(\.payload)
    #expect(blocks == [bytes("8287 410f 7777 772e 6578 616d 706c 652e 636f 6d84"), bytes("8287 be84")])
}

@Test func `a peer's smaller table is kept to`() {
    let client = RawClient(settings: [(1, 0)])
    client.server.onEnd = { $0.respond(ok("X-One: a\r\n")) }
    client.send(.headers(1, plainRequest), .headers(3, plainRequest))
    let blocks = client.frames.filter { $0.kind == .headers }.map(\.payload)
    #expect(blocks.count == 2 && blocks[0].first == 0x20)
    // Nothing of the first is referred to by the second.
    #expect(Array(blocks[0].dropFirst()) == blocks[1])
}
