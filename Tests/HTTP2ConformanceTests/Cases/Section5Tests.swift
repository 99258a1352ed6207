import HPACKCoding
import Testing

extension HTTP2Conformance {
    /// Streams and multiplexing (RFC 9113 § 5).
    @Suite struct Section5 {
        @Test(arguments: TestedServer.Origin.tested, Section5.cases)
        func `streams and their states`(origin: TestedServer.Origin, requirement: RequirementCase) throws {
            try requirement.run(at: TestedServer.of(origin))
        }

        static let cases: [RequirementCase] = idle + halfClosed + closed + identifiers + extensions

        private static let idle: [RequirementCase] = [
            .init("5.1", "idle: DATA is a connection error", send: [.data(1)], .connectionError(.protocolError)),
            .init(
                "5.1", "idle: RST_STREAM is a connection error", send: [.resetStream(1)],
                .connectionError(.protocolError)),
            .init(
                "5.1", "idle: WINDOW_UPDATE is a connection error", send: [.windowUpdate(1, 1)],
                .connectionError(.protocolError)),
            .init(
                "5.1", "idle: CONTINUATION is a connection error", send: [.continuation(1)],
                .connectionError(.protocolError)),
            .init(
                "5.1", "idle: PUSH_PROMISE is a connection error", send: [.pushPromise(1, promised: 2)],
                .connectionError(.protocolError)),
            .init("5.1", "idle: PRIORITY is taken", send: [.priority(1), .headers(1)], .answer),
            .init(
                "5.1", "idle, the server's: HEADERS are a connection error", send: [.headers(2)],
                .connectionError(.protocolError)),
            .init(
                "5.1", "idle, the server's: DATA is a connection error", send: [.data(2)],
                .connectionError(.protocolError)),
            .init(
                "5.1", "idle, the server's: RST_STREAM is a connection error", send: [.resetStream(2)],
                .connectionError(.protocolError)),
            .init(
                "5.1", "idle, the server's: WINDOW_UPDATE is a connection error", send: [.windowUpdate(2, 1)],
                .connectionError(.protocolError)),
            .init(
                "5.1", "idle, above those opened: WINDOW_UPDATE is a connection error",
                send: [.headers(1), .windowUpdate(3, 1)], .connectionError(.protocolError)),
        ]

        /// The stream cannot end while the client takes nothing.
        private static func halfClosed(_ what: String, send frames: [Frame], _ outcome: Outcome) -> RequirementCase {
            .init(
                "5.1", "half-closed (remote): \(what)", settings: [.initialWindowSize(0)],
                send: [.headers(1)] + frames, outcome)
        }

        private static let halfClosed: [RequirementCase] = [
            halfClosed("DATA is an error", send: [.data(1)], .error(.streamClosed)),
            halfClosed("DATA with END_STREAM is an error", send: [.data(1, endStream: true)], .error(.streamClosed)),
            halfClosed("HEADERS are an error", send: [.headers(1)], .error(.streamClosed)),
            halfClosed(
                "CONTINUATION is an error", send: [.continuation(1)],
                .connectionError(.streamClosed, .protocolError)),
            halfClosed("WINDOW_UPDATE is taken", send: [.windowUpdate(1, 1 << 20)], .answer),
            halfClosed("PRIORITY is taken", send: [.priority(1), .windowUpdate(1, 1 << 20)], .answer),
            halfClosed("RST_STREAM is taken", send: [.resetStream(1)], .nothing),
            halfClosed("unknown frames are taken", send: [.unknown(1), .windowUpdate(1, 1 << 20)], .answer),
        ]

        private static func reset(_ what: String, send frames: [Frame], _ outcome: Outcome) -> RequirementCase {
            .init(
                "5.1", "closed by the client's RST_STREAM: \(what)", settings: [.initialWindowSize(0)],
                send: [.headers(1, .post, endStream: false), .resetStream(1)] + frames, outcome)
        }

        private static func ended(_ what: String, send frames: [Frame], _ outcome: Outcome) -> RequirementCase {
            .init(
                "5.1", "closed by END_STREAM: \(what)",
                steps: [.send(.headers(1)), .readEnd(of: 1), .roundTrip, .send(frames)], outcome)
        }

        private static let closed: [RequirementCase] = [
            reset("DATA is discarded or an error", send: [.data(1)], .nothingOrError(.streamClosed)),
            reset(
                "HEADERS are discarded or an error", send: [.headers(1)], .nothingOrError(.streamClosed, .protocolError)
            ),
            reset(
                "CONTINUATION is an error", send: [.continuation(1)],
                .connectionError(.streamClosed, .protocolError)),
            reset("PRIORITY is taken", send: [.priority(1)], .nothing),
            ended("DATA is discarded or an error", send: [.data(1)], .nothingOrError(.streamClosed)),
            ended(
                "HEADERS are discarded or an error", send: [.headers(1)], .nothingOrError(.streamClosed, .protocolError)
            ),
            ended(
                "CONTINUATION is an error", send: [.continuation(1)],
                .connectionError(.streamClosed, .protocolError)),
            ended("WINDOW_UPDATE is taken", send: [.windowUpdate(1, 1)], .nothing),
            ended("RST_STREAM is taken", send: [.resetStream(1)], .nothing),
            ended("PRIORITY is taken", send: [.priority(1)], .nothing),
            ended("unknown frames are taken", send: [.unknown(1)], .nothing),
            ended(
                "a discarded field block counts for the decoder, unless it is an error",
                send: [
                    .headers(1, block: Fields.get.block + HPACK.literal("x-a", "1", .incremental)),
                    .headers(3, block: Fields.get.block + HPACK.indexed(62)),
                ], .nothingOrError(.streamClosed, .protocolError)),
        ]

        private static let identifiers: [RequirementCase] = [
            .init(
                "5.1.1", "An even stream is a connection error", send: [.headers(4)], .connectionError(.protocolError)),
            .init("5.1.1", "Stream 0 is a connection error", send: [.headers(0)], .connectionError(.protocolError)),
            .init(
                "5.1.1", "A stream below the last one is a connection error",
                send: [.headers(5, .post, endStream: false), .headers(3)],
                .connectionError(.protocolError, .streamClosed)),
            .init(
                "5.1.1", "A stream below the last one is a connection error, however long that is over",
                steps: [.send(.headers(5)), .readEnd(of: 5), .roundTrip, .send(.headers(3))],
                .connectionError(.protocolError, .streamClosed)),
            .init("5.1.1", "Streams may be left out", send: [.headers(1), .headers(2001)], .answer(2001, 200)),
            .init(
                "5.1.1", "The largest stream of all can be used", send: [.headers(0x7fff_ffff)],
                .answer(0x7fff_ffff, 200)),
            .init(
                "5.1.1", "WINDOW_UPDATE and RST_STREAM on a stream that was left out are no errors: it is closed",
                send: [.headers(5), .windowUpdate(3, 1), .resetStream(3), .priority(1)], .answer(5, 200)),
            .init(
                "5.3.2", "Priorities in HEADERS are taken",
                send: [
                    Frame(
                        kind: .headers, flags: [.endStream, .endHeaders, .priority], stream: 1,
                        payload: [0x80, 0, 0, 0, 200] + Fields.get.block)
                ], .answer),
            .init(
                "5.3.2", "Priorities that name streams to come are taken",
                send: [.priority(1, dependency: 99), .headers(1)], .answer),
            .init(
                "5.3.2", "HEADERS that depend on themselves are taken or an error",
                send: [
                    Frame(
                        kind: .headers, flags: [.endStream, .endHeaders, .priority], stream: 1,
                        payload: [0, 0, 0, 1, 16] + Fields.get.block)
                ], .nothingOrError(.protocolError)),
            .init(
                "5.3.2", "A PRIORITY that depends on itself is taken or an error",
                send: [.priority(1, dependency: 1)], .nothingOrError(.protocolError)),
            .init(
                "5.4.1", "After a connection error the connection is closed",
                send: [Frame(kind: .ping, payload: [1, 2, 3])], .connectionError(.frameSizeError)),
            .init(
                "5.4.2", "RST_STREAM is not answered with RST_STREAM", settings: [.initialWindowSize(0)],
                send: [.headers(1), .resetStream(1), .resetStream(1), .resetStream(1)], .nothing),
        ]

        private static let extensions: [RequirementCase] = [
            .init(
                "5.5", "Unknown frames are ignored", send: [.unknown(), .headers(1), .unknown(1), .unknown(0)], .answer),
            .init(
                "5.5", "An unknown frame within a field block is a connection error",
                send: [.headers(1, block: Fields.get.block, endHeaders: false), .unknown(1), .continuation(1)],
                .connectionError(.protocolError)),
            .init(
                "5.5", "An unknown frame on stream 0 within a field block is a connection error",
                send: [.headers(1, block: Fields.get.block, endHeaders: false), .unknown(), .continuation(1)],
                .connectionError(.protocolError)),
            .init("5.5", "Unknown settings are ignored", send: [.settings(.unknown(7)), .headers(1)], .answer),
        ]

        @Test(arguments: TestedServer.Origin.tested)
        func `§ 5.1.2 a stream above the announced number is an error, and room comes with the end of another`(
            origin: TestedServer.Origin
        ) throws {
            let probe = try TestedServer.of(origin).probe([.initialWindowSize(0)])
            guard let limit = probe.peerSettings[3], limit <= 1000 else { return }
            for index in 0..<limit { probe.send(.headers(2 * index + 1)) }
            let refused = 2 * limit + 1
            probe.send(
                .headers(refused, block: Fields.get.block + HPACK.literal("x-a", "1", .incremental)))
            probe.read { $0.stream(refused).isOver || !$0.goAways.isEmpty }
            let code = probe.stream(refused).reset ?? probe.connectionError
            #expect(code == .refusedStream || code == .protocolError, "\(probe.story)")
            guard probe.goAways.isEmpty else { return }
            // The field block of the refused stream counts, and there is room again.
            probe.send(.resetStream(1), .windowUpdate(refused - 2, 1 << 20))
            probe.readEnd(of: refused - 2)
            probe.makeRoundTrip()
            probe.send(
                .headers(refused + 2, block: Fields.get.block + HPACK.indexed(62)), .windowUpdate(refused + 2, 1 << 20))
            probe.readEnd(of: refused + 2)
            #expect(probe.stream(refused + 2).status == 200, "\(probe.story)")
            #expect(probe.conduct.complaints.isEmpty, "\(probe.story)")
        }

        @Test(arguments: TestedServer.Origin.tested)
        func `§ 5.2.2 frames are read while streams are blocked`(origin: TestedServer.Origin) throws {
            let probe = try TestedServer.of(origin).probe([.initialWindowSize(0)])
            for id: UInt32 in [1, 3, 5] { probe.send(.headers(id, .request("GET", "/large"))) }
            #expect(probe.makeRoundTrip())
            probe.send(.windowUpdate(5, 1 << 21), .windowUpdate(0, 1 << 21))
            probe.readEnd(of: 5)
            #expect(probe.stream(5).hasEnded, "\(probe.story)")
            #expect(probe.stream(1).body.isEmpty)
        }

        @Test(arguments: TestedServer.Origin.tested)
        func `§ 5.4.1 GOAWAY names the last stream that was taken up`(origin: TestedServer.Origin) throws {
            let probe = try TestedServer.of(origin).probe()
            probe.send(.headers(5))
            probe.readEnd(of: 5)
            probe.send(Frame(kind: .ping, payload: []))
            probe.readToEnd()
            #expect(probe.goAways.last?.last == 5, "\(probe.story)")
        }
    }
}
