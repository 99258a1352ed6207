import HPACKCoding
import Testing

extension HTTP2Conformance {
    /// Peers that cost more than they pay (issue: bad input). Each is held to a limit, and the next caller is none the
    /// worse for it.
    @Suite struct Floods {
        /// Frames that are sent again and again on one connection.
        struct Flood: Sendable, CustomTestStringConvertible {
            let testDescription: String
            var settings: [Setting] = []
            /// Sent once, before the others.
            var first: [Frame] = []
            let codes: Set<Code>
            let frames: @Sendable (UInt32) -> [Frame]

            init(
                _ what: String, settings: [Setting] = [], first: [Frame] = [], orError codes: Code...,
                frames: @escaping @Sendable (UInt32) -> [Frame]
            ) {
                testDescription = what
                self.settings = settings
                self.first = first
                self.codes = Set(codes + [.enhanceYourCalm])
                self.frames = frames
            }
        }

        private static func id(_ index: UInt32) -> UInt32 { 2 * index + 1 }

        static let floods: [Flood] = [
            Flood("CVE-2023-44487, requests that are reset at once") { [.headers(id($0)), .resetStream(id($0))] },
            Flood("CVE-2023-44487, with content to come") {
                [.headers(id($0), .post, endStream: false), .resetStream(id($0), .noError)]
            },
            Flood("CVE-2019-9512, PING") { _ in [.ping()] },
            Flood("CVE-2019-9515, SETTINGS") { _ in [.settings(.maxFrameSize(16_384))] },
            Flood("CVE-2019-9515, SETTINGS without a setting") { _ in [.settings()] },
            Flood("CVE-2019-9518, empty DATA", first: [.headers(1, .post, endStream: false)]) { _ in
                [.data(1, count: 0)]
            },
            Flood(
                "CVE-2024-27316, CONTINUATION",
                first: [.headers(1, block: Fields.get.block, endHeaders: false)]
            ) { [.continuation(1, HPACK.literal("x-\($0)", "1"), endHeaders: false)] },
            Flood(
                "CVE-2019-9518, empty CONTINUATION",
                first: [.headers(1, block: Fields.get.block, endHeaders: false)]
            ) { _ in [.continuation(1, endHeaders: false)] },
            Flood(
                "CONTINUATION of a block that is refused anyway",
                first: [.headers(1, block: Fields.get.beginning("X", "1").block, endHeaders: false)]
            ) { _ in [.continuation(1, HPACK.literal("x", String(repeating: "y", count: 200)), endHeaders: false)] },
            Flood("CVE-2025-8671, WINDOW_UPDATE of 0", orError: .protocolError) {
                [.headers(id($0)), .windowUpdate(id($0), 0)]
            },
            Flood("CVE-2025-8671, a window above 2^31-1", orError: .flowControlError) {
                [.headers(id($0), .request("GET", "/silent")), .windowUpdate(id($0), 0x7fff_ffff)]
            },
            Flood("CVE-2025-8671, DATA after END_STREAM", settings: [.initialWindowSize(0)], orError: .streamClosed) {
                [.headers(id($0)), .data(id($0))]
            },
            Flood("CVE-2025-8671, HEADERS after END_STREAM", settings: [.initialWindowSize(0)], orError: .streamClosed)
            {
                [.headers(id($0)), .headers(id($0))]
            },
            Flood("CVE-2025-8671, PRIORITY of a wrong length", orError: .frameSizeError) {
                [.headers(id($0)), Frame(kind: .priority, stream: id($0), payload: [0])]
            },
            Flood("CVE-2025-8671, content-length that lies") {
                [
                    .headers(id($0), .post.adding("content-length", "9"), endStream: false),
                    .data(id($0), endStream: true),
                ]
            },
            Flood("CVE-2025-8671, malformed trailers") {
                [.headers(id($0), .post, endStream: false), .headers(id($0), Fields([("X", "1")]))]
            },
            Flood("CVE-2025-8671, malformed heads") { [.headers(id($0), .get.adding("X", "1"))] },
            Flood(
                "CVE-2025-8671, streams above the number allowed", settings: [.initialWindowSize(0)],
                orError: .protocolError, .refusedStream
            ) { [.headers(id($0))] },
        ]

        @Test(arguments: TestedServer.Origin.tested, Floods.floods)
        func `a flood ends with its connection`(origin: TestedServer.Origin, flood: Flood) throws {
            guard TestedServer.other == nil else { return }
            let server = try TestedServer.of(origin)
            let probe = try server.probe(flood.settings)
            probe.acknowledges = false
            probe.send(flood.first)
            for round in UInt32(0)..<100 {
                guard probe.send((100 * round..<100 * round + 100).flatMap(flood.frames)) else { break }
            }
            let hasEnded = probe.readToEnd()
            #expect(hasEnded, "\(flood.testDescription); \(probe.story)")
            let isExpected = probe.connectionError.map(flood.codes.contains) ?? false
            #expect(isExpected, "\(flood.testDescription); \(probe.story)")

            let next = try server.probe()
            next.send(.headers(1))
            next.readEnd(of: 1)
            #expect(next.stream(1).status == 200, "\(next.story)")
        }

        /// What costs nothing to speak of is taken, or ends the connection.
        @Test(
            arguments: TestedServer.Origin.tested,
            [
                Flood("CVE-2019-9513, PRIORITY") { [.priority(id($0), dependency: id($0 + 1))] },
                Flood("WINDOW_UPDATE") { _ in [.windowUpdate(0, 1)] },
                Flood("acknowledgements of nothing", orError: .protocolError) { _ in [.settingsAcknowledgement] },
                Flood("answers to no PING") { _ in [.ping(acknowledges: true)] },
                Flood("unknown frames") { _ in [.unknown()] },
            ])
        func `a flood of what is ignored keeps nobody busy`(origin: TestedServer.Origin, flood: Flood) throws {
            let probe = try TestedServer.of(origin).probe()
            for round in UInt32(0)..<20 {
                guard probe.send((100 * round..<100 * round + 100).flatMap(flood.frames)) else { break }
            }
            Outcome.nothingOrError(1, flood.codes).expect(of: probe, flood, sourceLocation: #_sourceLocation)
        }

        static let bombs: [RequirementCase] = [
            bomb("a field of 4,000 octets, 5,000 times", entry: String(repeating: "b", count: 4000), uses: 5000),
            bomb("a small field, 16,000 times", entry: "b", uses: 16_000),
            bomb("cookies of 4,000 octets", name: "cookie", entry: String(repeating: "c", count: 4000), uses: 5000),
            bomb("crumbs of cookies", name: "cookie", entry: "c=1", uses: 16_000),
            .init(
                "6.5.2", "A head of 150 KiB is refused",
                send: large(Fields.get.block, fieldCount: 10), .refusedOrEnded(1)),
            .init(
                "6.5.2", "A head of 101 fields is refused",
                send: [
                    .headers(1, block: Fields.get.block + (0..<101).flatMap { HPACK.literal("x-\($0)", "1") })
                ], .refusedOrEnded(1)),
            .init(
                "6.5.2", "A path of 9,000 octets is refused",
                send: [.headers(1, .request("GET", "/" + String(repeating: "p", count: 9000)))],
                .refusedOrEnded(1)),
            .init(
                "6.5.2", "Trailers of 150 KiB are refused",
                send: [.headers(1, .post, endStream: false)] + large([], fieldCount: 10), .refusedOrEnded(1)),
            .init(
                "6.5.2", "A head of 45 KiB is taken", send: large(Fields.get.block, fieldCount: 3), .answer),
            .init(
                "6.5.2", "A head of 60 fields is taken",
                send: [.headers(1, block: Fields.get.block + (0..<60).flatMap { HPACK.literal("x-\($0)", "1") })],
                .answer),
        ]

        /// One field of 15,000 octets a frame.
        private static func large(_ first: [UInt8], fieldCount: Int) -> [Frame] {
            let field = HPACK.literal("x-a", String(repeating: "a", count: 15_000))
            return [.headers(1, block: first + field, endHeaders: false)]
                + (2..<fieldCount).map { _ in .continuation(1, field, endHeaders: false) } + [.continuation(1, field)]
        }

        private static func bomb(
            _ what: String, name: String = "x-bomb", entry: String, uses: Int
        ) -> RequirementCase {
            let block =
                Fields.get.block + HPACK.literal(name, entry, .incremental)
                + [UInt8](repeating: HPACK.indexed(62)[0], count: uses)
            let frames = stride(from: 0, to: block.count, by: 16_000).map { start in
                let fragment = Array(block[start..<min(start + 16_000, block.count)])
                let isLast = start + 16_000 >= block.count
                return start == 0
                    ? Frame.headers(1, block: fragment, endHeaders: isLast)
                    : .continuation(1, fragment, endHeaders: isLast)
            }
            return .init("RFC 7541 7.3", "An HPACK bomb is refused: \(what)", send: frames, .refusedOrEnded(1))
        }

        @Test(arguments: TestedServer.Origin.tested, Floods.bombs)
        func `heads have a limit`(origin: TestedServer.Origin, requirement: RequirementCase) throws {
            guard TestedServer.other == nil else { return }
            try requirement.run(at: TestedServer.of(origin))
        }

        @Test(arguments: TestedServer.Origin.tested)
        func `streams that are never read keep nobody else waiting`(origin: TestedServer.Origin) throws {
            let server = try TestedServer.of(origin)
            let large = Fields.request("GET", "/large")
            // One closes its streams' windows, one the connection's, one does not read the socket.
            let closed = try server.probe([.initialWindowSize(0)])
            let narrow = try server.probe([.initialWindowSize(1 << 30)])
            let deaf = try server.probe([.initialWindowSize(1 << 30)])
            deaf.send(.windowUpdate(0, 1 << 30))
            for id in stride(from: UInt32(1), to: 50, by: 2) {
                for probe in [closed, narrow, deaf] { probe.send(.headers(id, large)) }
            }
            for _ in 0..<5 {
                let other = try server.probe()
                other.send(.headers(1), .headers(3, .request("HEAD")))
                other.readEnd(of: 1)
                other.readEnd(of: 3)
                #expect(other.stream(1).status == 200 && other.stream(3).status == 200, "\(other.story)")
            }
            #expect(closed.makeRoundTrip() && narrow.makeRoundTrip())
            // The one that was deaf gets all there is, once it listens.
            deaf.readEnd(of: 1)
            #expect(deaf.stream(1).body.count == OriginServer.largeByteCount, "\(deaf.story)")
            #expect(deaf.conduct.complaints.isEmpty && narrow.conduct.complaints.isEmpty)
        }
    }
}
