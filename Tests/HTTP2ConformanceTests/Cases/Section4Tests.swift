import HPACKCoding
import Testing

extension HTTP2Conformance {
    /// HTTP frames (RFC 9113 § 4).
    @Suite struct Section4 {
        @Test(arguments: TestedServer.Origin.tested, Section4.cases)
        func `frames and field blocks`(origin: TestedServer.Origin, requirement: RequirementCase) throws {
            try requirement.run(at: TestedServer.of(origin))
        }

        private static let get = Fields.get.block
        /// A literal that says it is longer than what comes.
        private static let truncated = get + [0x00, 0x05, 0x61]

        static let cases: [RequirementCase] = format + size + compression

        private static let format: [RequirementCase] = [
            .init(
                "4.1", "Frames of unknown types are discarded", send: [.unknown(), .unknown(1), .headers(1)], .answer),
            .init("4.1", "Undefined flags of PING are ignored", send: [.ping().with(.init(rawValue: 0xfe))], .nothing),
            .init(
                "4.1", "Undefined flags of SETTINGS are ignored",
                send: [.settings().with(.init(rawValue: 0xfe)), .headers(1)], .answer),
            .init(
                "4.1", "Undefined flags of HEADERS are ignored",
                send: [.headers(1).with(.init(rawValue: 0xd2))], .answer),
            .init(
                "4.1", "Undefined flags of DATA are ignored",
                send: [.headers(1, .post, endStream: false), .data(1, endStream: true).with(.init(rawValue: 0xf6))],
                .answer),
            .init(
                "4.1", "Undefined flags of WINDOW_UPDATE, PRIORITY and RST_STREAM are ignored",
                send: [
                    .windowUpdate(0, 1).with(.init(rawValue: 0xff)), .priority(3).with(.init(rawValue: 0xff)),
                    .headers(1), .resetStream(1).with(.init(rawValue: 0xff)),
                ], .nothing),
            .init(
                "4.1", "The reserved bit is ignored",
                send: [.headers(1).withReservedBit, .ping().withReservedBit, .windowUpdate(0, 1).withReservedBit],
                .answer),
        ]

        /// A field of more octets.
        private static func large(_ count: Int) -> [UInt8] { HPACK.literal("x", String(repeating: "y", count: count)) }

        private static func sized(
            _ requirement: String, _ outcome: Outcome, _ frames: @escaping @Sendable (Int) -> [Frame]
        ) -> RequirementCase {
            .init("4.2", requirement, steps: [.sendSized(frames)], outcome)
        }

        private static let size: [RequirementCase] = [
            .init(
                "4.2", "Frames of 2^14 octets are taken",
                send: [.headers(1, .post, endStream: false), .data(1, count: 16_384, endStream: true)], .answer),
            .init(
                "4.2", "Unknown frames of 2^14 octets are taken", send: [.unknown(count: 16_384), .headers(1)], .answer),
            sized(
                "A DATA frame above SETTINGS_MAX_FRAME_SIZE is an error", .error(.frameSizeError)
            ) { [.headers(1, .post, endStream: false), .data(1, count: $0 + 1, endStream: true)] },
            sized(
                "A HEADERS frame above SETTINGS_MAX_FRAME_SIZE is a connection error", .connectionError(.frameSizeError)
            ) { [.headers(1, block: get + large($0))] },
            sized(
                "A CONTINUATION above SETTINGS_MAX_FRAME_SIZE is a connection error", .connectionError(.frameSizeError)
            ) { [.headers(1, block: get, endHeaders: false), .continuation(1, large($0))] },
            sized(
                "SETTINGS above SETTINGS_MAX_FRAME_SIZE are a connection error", .connectionError(.frameSizeError)
            ) { [.settings([Setting](repeating: .unknown(1), count: $0 / 6 + 1))] },
            sized(
                "An unknown frame above SETTINGS_MAX_FRAME_SIZE on stream 0 is a connection error",
                .connectionError(.frameSizeError)
            ) { [.unknown(count: $0 + 1)] },
            .init(
                "4.2", "PADDED HEADERS too small for a Pad Length are a connection error",
                send: [.headers(1, block: []).with(.padded)], .connectionError(.frameSizeError, .protocolError)),
            .init(
                "4.2", "HEADERS too small for the priority they announce are a connection error",
                send: [.headers(1, block: [0, 0, 0, 0]).with(.priority)],
                .connectionError(.frameSizeError, .protocolError)),
            .init(
                "4.2", "PADDED DATA too small for a Pad Length are an error",
                send: [.headers(1, .post, endStream: false), .data(1, count: 0).with(.padded)],
                .error(.frameSizeError, .protocolError)),
            .init(
                "4.2", "GOAWAY too small for its codes is a connection error",
                send: [Frame(kind: .goAway, payload: [0, 0, 0, 0, 0, 0, 0])], .connectionError(.frameSizeError)),
        ]

        private static let compression: [RequirementCase] =
            [
                .init(
                    "4.3", "A field block that cannot be decoded is a connection error",
                    send: [.headers(1, block: [0xff, 0xff, 0xff, 0xff, 0xff])], .connectionError(.compressionError)),
                .init(
                    "4.3", "A field block that ends within a field is a connection error",
                    send: [.headers(1, block: truncated)], .connectionError(.compressionError)),
                .init(
                    "4.3", "Trailers that cannot be decoded are a connection error",
                    send: [.headers(1, .post, endStream: false), .headers(1, block: [0x80])],
                    .connectionError(.compressionError)),
                .init(
                    "4.3", "The last fragment may be empty",
                    send: [.headers(1, block: get, endHeaders: false), .continuation(1)], .answer),
                .init(
                    "4.3", "HEADERS on another stream within a field block are a connection error",
                    send: [.headers(1, block: get, endHeaders: false), .headers(3)], .connectionError(.protocolError)),
                .init(
                    "4.3", "CONTINUATION on another stream within a field block is a connection error",
                    send: [.headers(1, block: get, endHeaders: false), .continuation(3)],
                    .connectionError(.protocolError)),
                .init(
                    "4.3", "A malformed request's field block still counts for the decoder",
                    send: [
                        .headers(1, block: get + HPACK.literal("x-a", "1", .incremental) + HPACK.literal("X-B", "1")),
                        .headers(3, block: get + HPACK.indexed(62)),
                    ], .answer(3, 200)),
                .init(
                    "4.3", "Trailers' field blocks count for the decoder",
                    send: [
                        .headers(1, .post, endStream: false), .data(1),
                        .headers(1, block: HPACK.literal("x-a", "1", .incremental)),
                        .headers(3, block: get + HPACK.indexed(62)),
                    ], .answer(3, 200)),
                .init(
                    "4.3.1", "The decoder's table has 4,096 octets to begin with",
                    send: [
                        .headers(1, block: HPACK.sizeUpdate(4096) + get + HPACK.literal("x-a", "1", .incremental)),
                        .headers(3, block: get + HPACK.indexed(62)),
                    ], .answer(3, 200)),
            ]
            + within.map { name, frame in
                .init(
                    "4.3", "\(name) within a field block is a connection error",
                    send: [.headers(1, block: get, endHeaders: false), frame, .continuation(1)],
                    .connectionError(.protocolError))
            }

        private static let within: [(String, Frame)] = [
            ("PRIORITY", .priority(1)), ("DATA", .data(1)), ("HEADERS", .headers(1)), ("PING", .ping()),
            ("RST_STREAM", .resetStream(1)), ("SETTINGS", .settings()),
            ("an acknowledgement", .settingsAcknowledgement),
            ("WINDOW_UPDATE", .windowUpdate(1, 1)), ("WINDOW_UPDATE on stream 0", .windowUpdate(0, 1)),
            ("GOAWAY", .goAway()), ("PUSH_PROMISE", .pushPromise(1, promised: 2)),
        ]

        @Test(arguments: TestedServer.Origin.tested)
        func `§ 4.3 a fragment may end anywhere in a field block`(origin: TestedServer.Origin) throws {
            let probe = try TestedServer.of(origin).probe()
            for end in Self.get.indices {
                let id = UInt32(2 * end + 1)
                probe.send(
                    .headers(id, block: Array(Self.get[..<end]), endHeaders: false),
                    .continuation(id, Array(Self.get[end...])))
                probe.readEnd(of: id)
                #expect(probe.stream(id).status == 200, "\(end); \(probe.story)")
            }
        }

        /// What the server sends itself.
        @Test(arguments: TestedServer.Origin.tested, [16_384, 20_000, 1 << 20])
        func `§ 4.2 no frame is larger than the client's SETTINGS_MAX_FRAME_SIZE`(
            origin: TestedServer.Origin, size: UInt32
        ) throws {
            let probe = try TestedServer.of(origin).probe([.maxFrameSize(size), .initialWindowSize(1 << 24)])
            probe.send(.windowUpdate(0, 1 << 24), .headers(1, .request("GET", "/large")))
            probe.readEnd(of: 1)
            #expect(probe.stream(1).hasEnded, "\(probe.story)")
            #expect(probe.stream(1).body.count == 1 << 20)
            #expect(probe.conduct.complaints.isEmpty)
        }

        @Test(arguments: TestedServer.Origin.tested, [0, 100, 4096, 65_536])
        func `§ 4.3.1 the server's field blocks keep to the client's table size, and say so when it shrinks`(
            origin: TestedServer.Origin, size: UInt32
        ) throws {
            let probe = try TestedServer.of(origin).probe()
            probe.send(.headers(1))
            probe.readEnd(of: 1)
            let count = probe.settingsAcknowledgements
            probe.send(.settings(.headerTableSize(size)))
            probe.read { $0.settingsAcknowledgements > count }
            for id: UInt32 in [3, 5, 7] {
                probe.send(.headers(id))
                probe.readEnd(of: id)
                #expect(probe.stream(id).status == 200, "\(probe.story)")
            }
            // The strict decoder has refused whatever breaks a rule.
            #expect(probe.conduct.complaints.isEmpty, "\(probe.story)")
        }
    }
}
