import HPACKCoding
import Testing

extension HTTP2Conformance {
    /// Frame definitions (RFC 9113 § 6), up to PRIORITY and RST_STREAM; the rest is in files of its own.
    @Suite struct Section6 {
        @Test(arguments: TestedServer.Origin.tested, Section6.cases)
        func `frames of a stream`(origin: TestedServer.Origin, requirement: RequirementCase) throws {
            try requirement.run(at: TestedServer.of(origin))
        }

        static let cases: [RequirementCase] = data + headers + priority + reset + push + continuation

        private static let open = Frame.headers(1, .post, endStream: false)
        private static let get = Fields.get.block

        private static let data: [RequirementCase] = [
            .init("6.1", "DATA on stream 0 is a connection error", send: [.data(0)], .connectionError(.protocolError)),
            .init("6.1", "DATA in one frame", send: [open, .data(1, endStream: true)], .answer),
            .init(
                "6.1", "DATA in several frames", send: [open, .data(1), .data(1), .data(1, endStream: true)], .answer),
            .init(
                "6.1", "DATA may be empty", send: [open, .data(1, count: 0), .data(1, count: 0, endStream: true)],
                .answer),
            .init(
                "6.1", "Padding is taken off",
                send: [open, .data(1, [1, 2], endStream: true, padding: 5, paddingSent: 5)], .answer),
            .init(
                "6.1", "Padding may be all there is",
                send: [open, .data(1, [], endStream: true, padding: 255, paddingSent: 255)], .answer),
            .init(
                "6.1", "A Pad Length may be 0",
                send: [open, .data(1, [1], endStream: true, padding: 0, paddingSent: 0)],
                .answer),
            .init(
                "6.1", "Padding as long as the payload is a connection error",
                send: [open, .data(1, [1, 2], endStream: true, padding: 3, paddingSent: 0)],
                .connectionError(.protocolError)),
            .init(
                "6.1", "Padding longer than the payload is a connection error",
                send: [open, .data(1, [1, 2], endStream: true, padding: 200, paddingSent: 0)],
                .connectionError(.protocolError)),
        ]

        private static func flagged(_ flags: Frame.Flags, _ payload: [UInt8], on stream: UInt32 = 1) -> Frame {
            Frame(kind: .headers, flags: flags.union([.endHeaders, .endStream]), stream: stream, payload: payload)
        }

        private static let headers: [RequirementCase] = [
            .init(
                "6.2", "HEADERS on stream 0 are a connection error", send: [.headers(0)],
                .connectionError(.protocolError)),
            .init(
                "6.2", "HEADERS with padding", send: [flagged(.padded, [8] + get + [UInt8](repeating: 0, count: 8))],
                .answer),
            .init("6.2", "HEADERS with a priority", send: [flagged(.priority, [0, 0, 0, 0, 255] + get)], .answer),
            .init(
                "6.2", "HEADERS with padding and a priority",
                send: [flagged([.padded, .priority], [2, 0, 0, 0, 0, 0] + get + [0, 0])], .answer),
            .init(
                "6.2", "Padding as long as the payload is a connection error",
                send: [flagged(.padded, [UInt8(get.count + 1)] + get)], .connectionError(.protocolError)),
            .init(
                "6.2", "Padding that leaves no room for a priority is a connection error",
                send: [flagged([.padded, .priority], [4, 0, 0, 0, 0, 0, 0, 0])],
                .connectionError(.protocolError, .frameSizeError)),
            .init(
                "6.2", "END_STREAM counts once the CONTINUATIONs are there",
                send: [.headers(1, block: [], endHeaders: false), .continuation(1, get)], .answer),
        ]

        private static let priority: [RequirementCase] = [
            .init(
                "6.3", "PRIORITY on stream 0 is a connection error", send: [.priority(0)],
                .connectionError(.protocolError)),
            .init(
                "6.3", "A PRIORITY of 4 octets is an error", settings: [.initialWindowSize(0)],
                send: [.headers(1), Frame(kind: .priority, stream: 1, payload: [0, 0, 0, 0])], .error(.frameSizeError)),
            .init(
                "6.3", "A PRIORITY of 6 octets is an error", settings: [.initialWindowSize(0)],
                send: [.headers(1), Frame(kind: .priority, stream: 1, payload: [0, 0, 0, 0, 0, 0])],
                .error(.frameSizeError)),
            .init(
                "6.3", "PRIORITY changes no stream's state",
                send: [.priority(7), .headers(1), .priority(1), .priority(3), .headers(3)], .answer(3, 200)),
            .init(
                "6.3", "PRIORITY for a higher stream closes no lower one", send: [.priority(9), .headers(1)], .answer),
        ]

        private static let reset: [RequirementCase] = [
            .init(
                "6.4", "RST_STREAM on stream 0 is a connection error", send: [.resetStream(0)],
                .connectionError(.protocolError)),
            .init(
                "6.4", "RST_STREAM on an idle stream is a connection error", send: [.headers(1), .resetStream(3)],
                .connectionError(.protocolError)),
            .init(
                "6.4", "A RST_STREAM of 3 octets is a connection error", settings: [.initialWindowSize(0)],
                send: [.headers(1), Frame(kind: .resetStream, stream: 1, payload: [0, 0, 0])],
                .connectionError(.frameSizeError)),
            .init(
                "6.4", "A RST_STREAM of 5 octets is a connection error", settings: [.initialWindowSize(0)],
                send: [.headers(1), Frame(kind: .resetStream, stream: 1, payload: [0, 0, 0, 0, 8])],
                .connectionError(.frameSizeError)),
            .init(
                "6.4", "RST_STREAM ends an open stream", send: [open, .resetStream(1), .headers(3)], .answer(3, 200)),
        ]

        private static let push: [RequirementCase] = [
            .init(
                "6.6", "PUSH_PROMISE of a client is a connection error", send: [open, .pushPromise(1, promised: 2)],
                .connectionError(.protocolError)),
            .init(
                "6.6", "PUSH_PROMISE on stream 0 is a connection error", send: [.pushPromise(0, promised: 2)],
                .connectionError(.protocolError)),
            .init(
                "8.4", "PUSH_PROMISE of a client is a connection error, whatever it promises",
                send: [open, .pushPromise(1, promised: 3)], .connectionError(.protocolError)),
        ]

        private static let continuation: [RequirementCase] = [
            .init(
                "6.10", "CONTINUATIONs make up a field block",
                send: [
                    .headers(1, block: Array(get[..<5]), endHeaders: false),
                    .continuation(1, Array(get[5..<9]), endHeaders: false), .continuation(1, Array(get[9...])),
                ], .answer),
            .init(
                "6.10", "CONTINUATIONs make up trailers",
                send: [
                    open, .data(1),
                    .headers(1, block: HPACK.literal("x-a", "1"), endHeaders: false),
                    .continuation(1, HPACK.literal("x-b", "2")),
                ], .answer),
            .init(
                "6.10", "A frame between CONTINUATIONs is a connection error",
                send: [
                    .headers(1, block: get, endHeaders: false), .continuation(1, endHeaders: false), .data(1),
                ], .connectionError(.protocolError)),
            .init(
                "6.10", "CONTINUATION on stream 0 is a connection error",
                send: [.headers(1, block: get, endHeaders: false), .continuation(0)], .connectionError(.protocolError)),
            .init(
                "6.10", "CONTINUATION after HEADERS with END_HEADERS is a connection error",
                send: [.headers(1, .post, endStream: false), .continuation(1, HPACK.literal("x", "y"))],
                .connectionError(.protocolError)),
            .init(
                "6.10", "CONTINUATION after CONTINUATION with END_HEADERS is a connection error",
                send: [
                    .headers(1, block: Fields.post.block, endStream: false, endHeaders: false), .continuation(1),
                    .continuation(1, HPACK.literal("x", "y")),
                ], .connectionError(.protocolError)),
            .init(
                "6.10", "CONTINUATION after DATA is a connection error", send: [open, .data(1), .continuation(1)],
                .connectionError(.protocolError)),
        ]

        @Test(arguments: TestedServer.Origin.tested)
        func `§ 6.1 padding counts for flow control, and is given back`(origin: TestedServer.Origin) throws {
            let probe = try TestedServer.of(origin).probe()
            probe.send(Self.open)
            let frame = Frame.data(1, [1], endStream: false, padding: 255, paddingSent: 255)
            // Both windows several times over.
            let total = 4 * probe.credit.left(1) / frame.payload.count
            for _ in 0..<total {
                probe.read { $0.credit.left(1) >= frame.payload.count || $0.stream(1).isOver || !$0.goAways.isEmpty }
                probe.send(frame)
            }
            probe.send(.data(1, count: 0, endStream: true))
            probe.readEnd(of: 1)
            #expect(probe.stream(1).status == 200, "\(probe.story)")
            #expect(probe.conduct.complaints.isEmpty, "\(probe.story)")
        }

        @Test(arguments: TestedServer.Origin.tested)
        func `§ 6.4 nothing more comes on a stream after its RST_STREAM was read`(origin: TestedServer.Origin) throws {
            let probe = try TestedServer.of(origin).probe()
            probe.send(.headers(1, .request("GET", "/large")))
            probe.read { !$0.stream(1).body.isEmpty }
            probe.send(.resetStream(1))
            probe.makeRoundTrip()
            let count = probe.log.count { $0.stream == 1 }
            probe.send(.windowUpdate(0, 1 << 21), .windowUpdate(1, 1 << 21), .headers(3))
            probe.readEnd(of: 3)
            probe.makeRoundTrip()
            #expect(probe.stream(3).status == 200, "\(probe.story)")
            #expect(probe.log.count { $0.stream == 1 } == count, "\(probe.story)")
        }
    }
}
