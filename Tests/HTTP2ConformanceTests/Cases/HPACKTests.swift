import HPACKCoding
import Testing

extension HTTP2Conformance {
    /// HPACK, as a decoder's peer sees it. Sections are RFC 7541's.
    @Suite struct HPACKRules {
        @Test(arguments: TestedServer.Origin.tested, HPACKRules.cases)
        func `field blocks (RFC 7541)`(origin: TestedServer.Origin, requirement: RequirementCase) throws {
            try requirement.run(at: TestedServer.of(origin))
        }

        static let cases: [RequirementCase] = representations + tables + mistakes

        private static let get = Fields.get.block
        /// The method and scheme by index, the path as `path` has it.
        private static func request(_ path: [UInt8], _ rest: [UInt8] = []) -> [UInt8] {
            HPACK.indexed(2) + HPACK.indexed(6) + path + HPACK.literal(nameAt: 1, Fields.authority) + rest
        }

        /// A GET for which all of a block counts.
        private static func block(
            _ section: String, _ what: String, _ rest: [UInt8], _ outcome: Outcome = .answer
        ) -> RequirementCase {
            .init(section, what, send: [.headers(1, block: get + rest)], outcome)
        }

        private static func wrong(_ section: String, _ what: String, _ rest: [UInt8]) -> RequirementCase {
            block(section, what + " is a decoding error", rest, .connectionError(.compressionError))
        }

        private static let representations: [RequirementCase] =
            [
                .init(
                    "6.1", "Indexed fields", send: [.headers(1, block: request(HPACK.indexed(4)))], .answer)
            ]
            + [HPACK.Indexing.incremental, .without, .never].flatMap { indexing in
                [false, true].flatMap { huffman -> [RequirementCase] in
                    let how = "\(indexing)\(huffman ? ", Huffman-coded" : "")"
                    return [
                        block(
                            "6.2", "A literal with a name of the table (\(how))",
                            HPACK.literal(nameAt: 58, "probe/1.0", indexing, huffman: huffman)),
                        block(
                            "6.2", "A literal with a new name (\(how))",
                            HPACK.literal("x-probe", "1.0", indexing, huffman: huffman)),
                        .init(
                            "6.2", "A pseudo-header as a literal (\(how))",
                            send: [
                                .headers(
                                    1, block: request(HPACK.literal(nameAt: 4, "/", indexing, huffman: huffman)))
                            ], .answer),
                    ]
                }
            }
            + [
                block("5.2", "An empty string", HPACK.literal("x-a", "")),
                block("5.2", "An empty Huffman-coded string", HPACK.literal("x-a", "", huffman: true)),
                block(
                    "5.2", "All octets that a value may have, Huffman-coded",
                    HPACK.literal(
                        "x-a", String(latin1: (0x21...0x7e).map { UInt8($0) } + (0x80...0xff).map { UInt8($0) }),
                        huffman: true)),
                block(
                    "5.1", "An integer in more octets than it needs",
                    [0x00] + HPACK.string("x-a") + [0x7f, 0x80, 0x00] + Array(repeating: 0x61, count: 127)),
                block("5.2", "A string of 8,000 octets", HPACK.literal("x-a", String(repeating: "a", count: 8000))),
            ]

        private static let tables: [RequirementCase] = [
            block(
                "2.3.2", "A field of this block's own table",
                HPACK.literal("x-a", "1", .incremental) + HPACK.indexed(62)),
            .init(
                "2.3.2", "The newest has the lowest index",
                send: [
                    .headers(
                        1,
                        block: HPACK.literal(nameAt: 4, "/older", .incremental)
                            + HPACK.literal(nameAt: 4, "/", .incremental) + get),
                    .headers(3, block: request(HPACK.indexed(62))),
                ], .answer(3, 200)),
            .init(
                "2.3.2", "A name of the dynamic table with another value",
                send: [
                    .headers(1, block: get + HPACK.literal("x-a", "1", .incremental)),
                    .headers(3, block: get + HPACK.literal(nameAt: 62, "2", .incremental) + HPACK.indexed(63)),
                ], .answer(3, 200)),
            .init(
                "4.2", "An update to the size at the start of a block",
                send: [
                    .headers(1, block: HPACK.sizeUpdate(100) + get + HPACK.literal("x-a", "1", .incremental)),
                    .headers(3, block: get + HPACK.indexed(62)),
                ], .answer(3, 200)),
            .init(
                "4.2", "Two updates to the size at the start of a block",
                send: [.headers(1, block: HPACK.sizeUpdate(0) + HPACK.sizeUpdate(4096) + get)], .answer),
            .init(
                "4.3", "A smaller size takes the oldest fields out",
                send: [
                    .headers(
                        1,
                        block: get + HPACK.literal("x-a", "1", .incremental) + HPACK.literal("x-b", "2", .incremental)),
                    // 36 octets each.
                    .headers(3, block: HPACK.sizeUpdate(71) + get + HPACK.indexed(62)),
                    .headers(5, block: get + HPACK.indexed(63)),
                ], .connectionError(.compressionError)),
            .init(
                "4.3", "A size of 0 empties the table",
                send: [
                    .headers(1, block: get + HPACK.literal("x-a", "1", .incremental)),
                    .headers(3, block: HPACK.sizeUpdate(0) + HPACK.sizeUpdate(4096) + get + HPACK.indexed(62)),
                ], .connectionError(.compressionError)),
            .init(
                "4.4", "New fields take the oldest ones out",
                send: [
                    .headers(1, block: get + HPACK.literal("x-a", String(repeating: "a", count: 3000), .incremental)),
                    .headers(3, block: get + HPACK.literal("x-b", String(repeating: "b", count: 3000), .incremental)),
                    .headers(5, block: get + HPACK.indexed(63)),
                ], .connectionError(.compressionError)),
            .init(
                "4.4", "A field larger than the table empties it, and is no error",
                send: [
                    .headers(1, block: get + HPACK.literal("x-a", "1", .incremental)),
                    .headers(3, block: get + HPACK.literal("x-b", String(repeating: "b", count: 5000), .incremental)),
                ], .answer(3, 200)),
            .init(
                "4.4", "After a field larger than the table nothing is in it",
                send: [
                    .headers(1, block: get + HPACK.literal("x-a", "1", .incremental)),
                    .headers(3, block: get + HPACK.literal("x-b", String(repeating: "b", count: 5000), .incremental)),
                    .headers(5, block: get + HPACK.indexed(62)),
                ], .connectionError(.compressionError)),
            .init(
                "4.4", "A field may take out the one whose name it takes",
                send: [
                    .headers(1, block: get + HPACK.literal("x-a", String(repeating: "a", count: 4000), .incremental)),
                    .headers(
                        3, block: get + HPACK.literal(nameAt: 62, String(repeating: "b", count: 4000), .incremental)),
                    .headers(5, block: get + HPACK.indexed(62)),
                ], .answer(5, 200)),
        ]

        private static let mistakes: [RequirementCase] = [
            wrong("2.3.3", "An index beyond both tables", HPACK.indexed(62)),
            wrong("2.3.3", "A large index", HPACK.indexed(1 << 20)),
            wrong("2.3.3", "A literal whose name is beyond both tables", HPACK.literal(nameAt: 70, "x")),
            wrong(
                "2.3.3", "A literal to be indexed whose name is beyond both tables",
                HPACK.literal(nameAt: 70, "x", .incremental)),
            wrong("4.2", "An update to the size after a field", HPACK.sizeUpdate(100)),
            .init(
                "4.2", "An update to the size at the end of trailers is a decoding error",
                send: [
                    .headers(1, .post, endStream: false),
                    .headers(1, block: HPACK.literal("x-a", "1") + HPACK.sizeUpdate(1)),
                ], .connectionError(.compressionError)),
            wrong("5.1", "An integer that never ends", [0xff] + [UInt8](repeating: 0x80, count: 20)),
            wrong("5.1", "An integer of 2^35", [0xff, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]),
            wrong("5.1", "A length of 2^63", [0x00, 0x7f] + [UInt8](repeating: 0xff, count: 8) + [0x7f]),
            wrong("5.2", "A string longer than the block", [0x00, 0x7f, 0x61]),
            wrong("5.2", "A block that ends before a value", [0x00] + HPACK.string("x-a")),
            wrong(
                "5.2", "Huffman padding of more than 7 bits",
                [0x00] + HPACK.string("x-a") + HPACK.string(coded: HuffmanCode.encode(Array("a".utf8), extraOctets: 1))),
            wrong(
                "5.2", "Huffman padding of zeros",
                [0x00] + HPACK.string("x-a") + HPACK.string(coded: HuffmanCode.encode(Array("a".utf8), padding: 0))),
            wrong(
                "5.2", "A Huffman-coded EOS",
                [0x00] + HPACK.string("x-a")
                    + HPACK.string(coded: HuffmanCode.encode(Array("a".utf8), ending: [HuffmanCode.endOfString]))),
            wrong(
                "5.2", "Huffman padding alone", [0x00] + HPACK.string("x-a") + HPACK.string(coded: [0xff])),
            wrong("6.1", "Index 0", HPACK.indexed(0)),
            .init(
                "6.3", "An update beyond SETTINGS_HEADER_TABLE_SIZE is a decoding error",
                send: [.headers(1, block: HPACK.sizeUpdate(1 << 24) + get)], .connectionError(.compressionError)),
        ]

        @Test(arguments: TestedServer.Origin.tested)
        func `the server's own field blocks can be read over many requests`(origin: TestedServer.Origin) throws {
            let probe = try TestedServer.of(origin).probe()
            for index in 0..<50 {
                let id = UInt32(2 * index + 1)
                probe.send(.headers(id, .get.adding("x-number", "\(index)")))
                probe.readEnd(of: id)
                #expect(probe.stream(id).status == 200)
            }
            #expect(probe.conduct.complaints.isEmpty, "\(probe.story)")
        }
    }
}
