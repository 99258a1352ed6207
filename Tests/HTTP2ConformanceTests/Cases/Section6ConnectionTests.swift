import HPACKCoding
import TestSupport
import Testing

extension HTTP2Conformance {
    /// Frames of the connection: SETTINGS, PING, GOAWAY (RFC 9113 §§ 6.5, 6.7, 6.8), and error codes (§ 7).
    @Suite struct Section6Connection {
        @Test(arguments: TestedServer.Origin.tested, Section6Connection.cases)
        func `frames of the connection`(origin: TestedServer.Origin, requirement: RequirementCase) throws {
            try requirement.run(at: TestedServer.of(origin))
        }

        static let cases: [RequirementCase] = settings + ping + goAway + codes

        private static let settings: [RequirementCase] = [
            .init(
                "6.5", "An acknowledgement with a payload is a connection error",
                send: [.settings(.initialWindowSize(1)).with(.acknowledgement)], .connectionError(.frameSizeError)),
            .init(
                "6.5", "SETTINGS on a stream are a connection error",
                send: [Frame(kind: .settings, stream: 1, payload: Setting.initialWindowSize(1).bytes)],
                .connectionError(.protocolError)),
            .init(
                "6.5", "SETTINGS of 3 octets are a connection error",
                send: [Frame(kind: .settings, payload: [0, 3, 0])], .connectionError(.frameSizeError)),
            .init(
                "6.5", "SETTINGS of 7 octets are a connection error",
                send: [Frame(kind: .settings, payload: Setting.initialWindowSize(1).bytes + [0])],
                .connectionError(.frameSizeError)),
            .init("6.5", "SETTINGS may be empty", send: [.settings(), .headers(1)], .answer),
            .init(
                "6.5", "An acknowledgement of nothing is taken or an error", send: [.settingsAcknowledgement],
                .nothingOrError(.protocolError)),
            .init(
                "6.5.2", "SETTINGS_ENABLE_PUSH may be 0 or 1",
                send: [.settings(.enablePush(1)), .settings(.enablePush(0)), .headers(1)], .answer),
            .init(
                "6.5.2", "Another SETTINGS_ENABLE_PUSH is a connection error", send: [.settings(.enablePush(2))],
                .connectionError(.protocolError)),
            .init(
                "6.5.2", "A SETTINGS_INITIAL_WINDOW_SIZE of 2^31 is a connection error",
                send: [.settings(.initialWindowSize(1 << 31))], .connectionError(.flowControlError)),
            .init(
                "6.5.2", "A SETTINGS_INITIAL_WINDOW_SIZE of 2^31-1 is taken",
                send: [.settings(.initialWindowSize(0x7fff_ffff)), .headers(1)], .answer),
            .init(
                "6.5.2", "A SETTINGS_MAX_FRAME_SIZE below 2^14 is a connection error",
                send: [.settings(.maxFrameSize(16_383))], .connectionError(.protocolError)),
            .init(
                "6.5.2", "A SETTINGS_MAX_FRAME_SIZE above 2^24-1 is a connection error",
                send: [.settings(.maxFrameSize(1 << 24))], .connectionError(.protocolError)),
            .init(
                "6.5.2", "A SETTINGS_MAX_FRAME_SIZE of 2^24-1 is taken",
                send: [.settings(.maxFrameSize(1 << 24 - 1)), .headers(1)], .answer),
            .init(
                "6.5.2", "A SETTINGS_MAX_CONCURRENT_STREAMS of 0 is nothing special to a server",
                send: [.settings(.maxConcurrentStreams(0)), .headers(1)], .answer),
            .init(
                "6.5.2", "A SETTINGS_HEADER_TABLE_SIZE of 2^32-1 is taken",
                send: [.settings(.headerTableSize(.max)), .headers(1)], .answer),
            .init(
                "6.5.2", "A SETTINGS_MAX_HEADER_LIST_SIZE is an advice",
                send: [.settings(.maxHeaderListSize(0x7fff_ffff)), .headers(1)], .answer),
            .init(
                "6.5.3", "The last of several values counts",
                send: [.settings(.initialWindowSize(0), .unknown(1), .initialWindowSize(1 << 20)), .headers(1)],
                .answer),
            .init(
                "6.5.3", "A wrong value among right ones is a connection error",
                send: [.settings(.initialWindowSize(1), .enablePush(3), .initialWindowSize(2))],
                .connectionError(.protocolError)),
        ]

        private static let ping: [RequirementCase] = [
            .init(
                "6.7", "PING on a stream is a connection error",
                send: [Frame(kind: .ping, stream: 1, payload: [UInt8](repeating: 0, count: 8))],
                .connectionError(.protocolError)),
            .init(
                "6.7", "PING of 6 octets is a connection error",
                send: [Frame(kind: .ping, payload: [UInt8](repeating: 0, count: 6))], .connectionError(.frameSizeError)),
            .init(
                "6.7", "PING of 9 octets is a connection error",
                send: [Frame(kind: .ping, payload: [UInt8](repeating: 0, count: 9))], .connectionError(.frameSizeError)),
            .init(
                "6.7", "A PING acknowledgement of 0 octets is a connection error",
                send: [Frame(kind: .ping, flags: .acknowledgement)], .connectionError(.frameSizeError)),
        ]

        private static let goAway: [RequirementCase] = [
            .init(
                "6.8", "GOAWAY on a stream is a connection error",
                send: [Frame(kind: .goAway, stream: 1, payload: [UInt8](repeating: 0, count: 8))],
                .connectionError(.protocolError))
        ]

        private static let codes: [RequirementCase] = [
            .init(
                "7", "RST_STREAM with an unknown code ends its stream alone",
                send: [.headers(1, .post, endStream: false), .resetStream(1, .unknown), .headers(3)], .answer(3, 200))
        ]

        @Test(arguments: TestedServer.Origin.tested)
        func `§ 6.5.3 each SETTINGS is acknowledged, in its turn`(origin: TestedServer.Origin) throws {
            let probe = try TestedServer.of(origin).probe()
            let count = probe.settingsAcknowledgements
            probe.send(
                .settings(), .ping(Array("1st ping".utf8)), .settings(.maxFrameSize(20_000)),
                .ping(Array("2nd ping".utf8)), .settings(.unknown(1)), .ping(Array("3rd ping".utf8)))
            probe.read { $0.pingAcknowledgements.count == 3 && $0.settingsAcknowledgements == count + 3 }
            #expect(probe.settingsAcknowledgements == count + 3, "\(probe.story)")
            #expect(probe.pingAcknowledgements.map(String.init(latin1:)) == ["1st ping", "2nd ping", "3rd ping"])
        }

        @Test(arguments: TestedServer.Origin.tested)
        func `§ 6.7 PING comes back as it was, and an acknowledgement not at all`(origin: TestedServer.Origin) throws {
            let probe = try TestedServer.of(origin).probe()
            let payload: [UInt8] = [0, 255, 1, 254, 2, 253, 3, 252]
            probe.send(.ping(Array("unasked!".utf8), acknowledges: true), .ping(payload))
            probe.read { !$0.pingAcknowledgements.isEmpty }
            probe.makeRoundTrip()
            #expect(probe.pingAcknowledgements.first == payload, "\(probe.story)")
            #expect(probe.pingAcknowledgements.count == 2, "\(probe.story)")
        }

        @Test(arguments: TestedServer.Origin.tested, [Code.noError, .internalError, .unknown])
        func `§ 6.8 after a client's GOAWAY, streams that it opened are still answered`(
            origin: TestedServer.Origin, code: Code
        ) throws {
            let probe = try TestedServer.of(origin).probe([.initialWindowSize(10)])
            probe.send(.headers(1))
            probe.read { $0.stream(1).body.count == 10 }
            probe.send(.goAway(code, debug: Array("why not".utf8)), .windowUpdate(1, 1 << 20))
            probe.readEnd(of: 1)
            #expect(probe.stream(1).hasEnded && probe.stream(1).reset == nil, "\(probe.story)")
            #expect(probe.connectionError == nil, "\(probe.story)")
            #expect(probe.conduct.complaints.isEmpty)
        }

        @Test(arguments: TestedServer.Origin.tested)
        func `§ 6.8 a server that ends says so ahead, and answers what was on its way`(
            origin: TestedServer.Origin
        ) async throws {
            guard origin != .itself else { return }
            let backend = origin == .http1 ? OriginServer.http1() : OriginServer.http2()
            let port = TestPort.free()
            let mesh = try await TestedMesh(
                [
                    TestedMesh.proxy,
                    TestedMesh.shop(
                        "shop", protocol: origin == .http1 ? "HTTP" : "HTTP2", orders: backend.port, outbound: port),
                ].joined(separator: "\n---\n"))
            let probe = try TestedServer(address: "127.0.0.1", port: port).probe([.initialWindowSize(10)])
            probe.acknowledges = false
            probe.send(.headers(1))
            probe.read { $0.stream(1).body.count == 10 }
            async let stopped: Void = mesh.stop(deadline: .seconds(10))
            let problem = await Thread.run { Self.difference(whileEnding: probe) }
            #expect(problem == nil, "\(probe.story)")
            #expect(probe.conduct.complaints.isEmpty, "\(probe.story)")
            await stopped
        }

        /// From GOAWAY's first step to the end of the connection.
        private static func difference(whileEnding probe: HTTP2Probe) -> String? {
            probe.read { !$0.goAways.isEmpty }
            guard probe.goAways.map(\.last) == [0x7fff_ffff] else { return "no first step" }
            // On its way when the server said so: streams are taken until it knows that the client heard of it.
            probe.send(.headers(3, .request("HEAD")))
            probe.read { $0.stream(3).isOver }
            guard probe.stream(3).status == 200 else { return "what was on its way is not answered" }
            for frame in probe.log where frame.kind == .ping { probe.send(.ping(frame.payload, acknowledges: true)) }
            probe.read { $0.goAways.count == 2 }
            guard probe.goAways.last?.last == 3 else { return "no second step" }
            probe.send(.windowUpdate(1, 1 << 20))
            guard probe.readToEnd(), probe.stream(1).hasEnded else { return "what was under way is not answered" }
            return probe.connectionError.map { "\($0)" }
        }
    }
}
