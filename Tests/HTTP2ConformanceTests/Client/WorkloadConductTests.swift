import HPACKCoding
import Testing

/// What RFC 9113 requires of a client, as far as a server can see it: Heddle towards a workload that breaks rules, and
/// what becomes of the call.
struct WorkloadConductTests {
    @Test(arguments: connection + streams + heads + content)
    func `a workload's mistakes are answered as the RFC says, and reach no caller`(test: WorkloadCase) async throws {
        try await test.run()
    }

    private static let ok = Frame.headers(1, .ok, endStream: false)
    private static let end = Frame.data(1, Array("hello".utf8), endStream: true)
    private static let whole = [ok, end]

    // MARK: Frames of the connection

    private static func breaks(
        _ section: String, _ what: String, _ code: Code, send frames: [Frame]
    ) -> WorkloadCase {
        .init(section, what + " is a connection error", send: frames, .fails, .connectionError([code]))
    }

    private static let connection: [WorkloadCase] = [
        .init("8.1", "An answer", send: whole, .gets("hello"), .nothing),
        .init(
            "4.1", "Unknown frames", send: [.unknown(), .unknown(1), ok, .unknown(1), end], .gets("hello"), .nothing),
        .init("6.7", "PING among the answer", send: [ok, .ping(), end], .gets("hello"), .nothing),
        .init(
            "6.5", "SETTINGS among the answer", send: [ok, .settings(.maxFrameSize(20_000)), end], .gets("hello"),
            .nothing),
        .init("6.3", "PRIORITY", send: [.priority(1), ok, end, .priority(1)], .gets("hello"), .nothing),
        breaks(
            "4.2", "A frame above SETTINGS_MAX_FRAME_SIZE", .frameSizeError,
            send: [ok, .unknown(0, count: 1 << 24 - 1)]),
        breaks("4.3", "A field block that cannot be decoded", .compressionError, send: [.headers(1, block: [0x80])]),
        breaks(
            "RFC 7541 5.2", "A Huffman-coded EOS", .compressionError,
            send: [
                .headers(
                    1,
                    block: [0x88, 0x00] + HPACK.string("x")
                        + HPACK.string(coded: HuffmanCode.encode([97], ending: [HuffmanCode.endOfString])))
            ]),
        breaks(
            "RFC 7541 6.3", "A table larger than allowed", .compressionError,
            send: [.headers(1, block: HPACK.sizeUpdate(1 << 24) + Fields.ok.block)]),
        breaks(
            "4.3", "A frame within a field block", .protocolError,
            send: [.headers(1, block: Fields.ok.block, endStream: false, endHeaders: false), .ping()]),
        breaks(
            "6.5", "An acknowledgement with settings", .frameSizeError,
            send: [.settings(.maxFrameSize(20_000)).with(.acknowledgement)]),
        breaks(
            "6.5", "SETTINGS of 5 octets", .frameSizeError, send: [Frame(kind: .settings, payload: [0, 0, 0, 0, 0])]),
        breaks("6.5", "SETTINGS on a stream", .protocolError, send: [Frame(kind: .settings, stream: 1)]),
        breaks("6.5.2", "SETTINGS_ENABLE_PUSH of a server", .protocolError, send: [.settings(.enablePush(1))]),
        breaks(
            "6.5.2", "SETTINGS_INITIAL_WINDOW_SIZE above 2^31-1", .flowControlError,
            send: [.settings(.initialWindowSize(1 << 31))]),
        breaks("6.5.2", "SETTINGS_MAX_FRAME_SIZE below 2^14", .protocolError, send: [.settings(.maxFrameSize(1))]),
        breaks("6.6", "PUSH_PROMISE", .protocolError, send: [.pushPromise(1, promised: 2)]),
        breaks("6.7", "PING of 4 octets", .frameSizeError, send: [Frame(kind: .ping, payload: [0, 0, 0, 0])]),
        breaks(
            "6.7", "PING on a stream", .protocolError,
            send: [Frame(kind: .ping, stream: 1, payload: [UInt8](repeating: 0, count: 8))]),
        breaks(
            "6.8", "GOAWAY on a stream", .protocolError,
            send: [Frame(kind: .goAway, stream: 1, payload: [UInt8](repeating: 0, count: 8))]),
        breaks("6.9", "WINDOW_UPDATE of 0", .protocolError, send: [.windowUpdate(0, 0)]),
        breaks(
            "6.9", "WINDOW_UPDATE of 3 octets", .frameSizeError, send: [Frame(kind: .windowUpdate, payload: [0, 0, 1])]),
        breaks("6.9.1", "A window above 2^31-1", .flowControlError, send: [.windowUpdate(0, 0x7fff_ffff)]),
        breaks("6.10", "CONTINUATION of nothing", .protocolError, send: [ok, .continuation(1)]),
    ]

    // MARK: Streams

    private static let streams: [WorkloadCase] = [
        breaks("5.1", "DATA on an idle stream", .protocolError, send: [.data(3)]),
        breaks("5.1", "HEADERS on an idle stream of the client's", .protocolError, send: [.headers(3, .ok)]),
        breaks("5.1", "HEADERS on a stream that was not promised", .protocolError, send: [.headers(2, .ok)]),
        breaks("5.1", "RST_STREAM on an idle stream", .protocolError, send: [.resetStream(3)]),
        breaks("5.1", "WINDOW_UPDATE on an idle stream", .protocolError, send: [.windowUpdate(3, 1)]),
        breaks("6.1", "DATA on stream 0", .protocolError, send: [.data(0)]),
        breaks(
            "6.1", "Padding longer than its frame", .protocolError,
            send: [ok, .data(1, [1], endStream: true, padding: 9, paddingSent: 0)]),
        breaks("6.2", "HEADERS on stream 0", .protocolError, send: [.headers(0, .ok)]),
        breaks("6.4", "RST_STREAM on stream 0", .protocolError, send: [.resetStream(0)]),
        breaks(
            "6.4", "RST_STREAM of 3 octets", .frameSizeError,
            send: [Frame(kind: .resetStream, stream: 1, payload: [0, 0, 0])]),
        .init("5.1", "DATA after END_STREAM", send: whole + [.data(1)], .gets("hello"), .nothingOrError(.streamClosed)),
        .init(
            "5.1", "HEADERS after END_STREAM", send: whole + [.headers(1, .ok)], .gets("hello"),
            .nothingOrError(.streamClosed, .protocolError)),
        .init("5.1", "WINDOW_UPDATE after END_STREAM", send: whole + [.windowUpdate(1, 1)], .gets("hello"), .nothing),
        .init(
            "6.9", "WINDOW_UPDATE of 0 on a stream", send: [ok, .windowUpdate(1, 0)], .fails, .error(.protocolError)),
        .init(
            "6.9.1", "A stream's window above 2^31-1", method: "GET", send: [.windowUpdate(1, 0x7fff_ffff)], .fails,
            .error(.flowControlError)),
        .init("6.4", "A reset before the head", send: [.resetStream(1, .internalError)], .status(502), .nothing),
        .init("6.4", "A reset after the head", send: [ok, .data(1), .resetStream(1, .cancel)], .fails, .nothing),
        .init(
            "6.4", "A reset without an error after the head", send: [ok, .data(1), .resetStream(1, .noError)],
            .fails, .nothing),
        .init(
            "7", "A reset with an unknown code", send: [ok, .data(1), .resetStream(1, .unknown)], .fails, .nothing),
        .init(
            "8.1", "A reset without an error after the answer", send: whole + [.resetStream(1, .noError)],
            .gets("hello"), .nothing),
        .init(
            "6.8", "GOAWAY with an error, and the answer after it", send: [.goAway(last: 1, .internalError), ok, end],
            .getsSomething, .end),
        .init("6.8", "GOAWAY, and the answer after it", send: [.goAway(last: 1), ok, end], .gets("hello"), .end),
    ]

    // MARK: Heads

    private static func malformed(_ section: String, _ what: String, _ fields: Fields) -> WorkloadCase {
        .init(
            section, what + " is malformed", send: [.headers(1, fields, endStream: false), end], .status(502),
            .streamError(.protocolError))
    }

    private static let heads: [WorkloadCase] =
        [
            malformed("8.3.2", "A head without :status", Fields([("x-a", "1")])),
            malformed("8.3.2", "An empty head", Fields([])),
            malformed("8.3", "Two :status", Fields([(":status", "200"), (":status", "200")])),
            malformed("8.3", "Two different :status", Fields([(":status", "200"), (":status", "404")])),
            malformed("8.3", ":status behind a field", Fields([("x-a", "1"), (":status", "200")])),
            malformed("8.3", ":path in a response", .ok.adding(":path", "/")),
            malformed("8.3", "An unknown pseudo-header", .ok.adding(":test", "1")),
            malformed("8.6", "Status 101", .status("101")),
            malformed("8.2.1", "A capital in a name", .ok.adding("X-a", "1")),
            malformed("8.2.1", "A blank in a name", .ok.adding("x a", "1")),
            malformed("8.2.1", "A colon in a name", .ok.adding("x:a", "1")),
            malformed("8.2.1", "CR LF in a name", .ok.adding("x\r\na", "1")),
            malformed("8.2.1", "An empty name", .ok.adding("", "1")),
            malformed("8.2.1", "CR LF in a value", .ok.adding("x-a", "b\r\nc: d")),
            malformed("8.2.1", "LF in a value", .ok.adding("x-a", "b\nc")),
            malformed("8.2.1", "CR in a value", .ok.adding("x-a", "b\rc")),
            malformed("8.2.1", "NUL in a value", .ok.adding("x-a", "b\0c")),
            malformed("8.2.1", "White space before a value", .ok.adding("x-a", " b")),
            malformed("8.2.1", "White space behind a value", .ok.adding("x-a", "b\t")),
        ]
        + ["", "20", "2000", "2 0", "abc", "+20", "099", "200 OK"].map {
            malformed("8.3.2", ":status \"\($0)\"", .status($0))
        }
        + [
            ("connection", "close"), ("keep-alive", "timeout=5"), ("proxy-connection", "close"),
            ("transfer-encoding", "chunked"), ("upgrade", "websocket"),
        ].map { malformed("8.2.2", "\($0.0) in a response", .ok.adding($0.0, $0.1)) }
        + [
            .init(
                "8.1", "Interim responses",
                send: [
                    .headers(1, .status("103").adding("link", "</a>"), endStream: false),
                    .headers(1, .status("100"), endStream: false), ok, end,
                ],
                .gets("hello"), .nothing),
            .init(
                "8.1", "An interim response that ends the stream is malformed", send: [.headers(1, .status("103"))],
                .status(502), .streamError(.protocolError)),
            .init(
                "4.3", "A malformed head's field block counts for the decoder, and one in pieces is whole",
                send: [
                    .headers(1, block: Array(Fields.ok.block[..<3]), endStream: false, endHeaders: false),
                    .continuation(1, Array(Fields.ok.block[3...])), end,
                ], .gets("hello"), .nothing),
            .init(
                "6.2", "A head with padding and a priority",
                send: [
                    Frame(
                        kind: .headers, flags: [.endHeaders, .padded, .priority], stream: 1,
                        payload: [2, 0, 0, 0, 0, 1] + Fields.ok.block + [0, 0]), end,
                ], .gets("hello"), .nothing),
        ]

    // MARK: Content and trailers

    private static func length(_ value: String, _ frames: [Frame], _ caller: WorkloadCase.Caller, _ outcome: Outcome)
        -> WorkloadCase
    {
        .init(
            "8.1.1", "content-length: \(value) for \(frames.map(\.content.count)) octets",
            send: [.headers(1, .ok.adding("content-length", value), endStream: frames.isEmpty)] + frames, caller,
            outcome)
    }

    private static let content: [WorkloadCase] = [
        length("5", [end], .gets("hello"), .nothing),
        length("0", [], .gets(""), .nothing),
        length("4", [end], .fails, .streamError(.protocolError)),
        length("6", [end], .fails, .streamError(.protocolError)),
        length("5", [], .fails, .streamError(.protocolError)),
        length("5", [.data(1, count: 0, endStream: true)], .fails, .streamError(.protocolError)),
        length("9", [.data(1), .headers(1, Fields([("x-a", "1")]))], .fails, .streamError(.protocolError)),
        length("-5", [end], .fails, .streamError(.protocolError)),
        length("5 5", [end], .fails, .streamError(.protocolError)),
        length("", [end], .fails, .streamError(.protocolError)),
        .init(
            "8.1.1", "Two content-lengths that differ are malformed",
            send: [
                .headers(1, .ok.adding("content-length", "5").adding("content-length", "6"), endStream: false), end,
            ],
            .fails, .streamError(.protocolError)),
        .init(
            "8.1.1", "An answer to HEAD has a length and no content", method: "HEAD",
            send: [.headers(1, .ok.adding("content-length", "500"))], .status(200), .nothing),
        .init(
            "8.1.1", "304 has a length and no content",
            send: [.headers(1, .status("304").adding("content-length", "500"))],
            .status(304), .nothing),
        .init("8.1.1", "204 has neither", send: [.headers(1, .status("204"))], .status(204), .nothing),
        .init(
            "6.1", "Content with padding",
            send: [ok, .data(1, Array("hello".utf8), endStream: true, padding: 200, paddingSent: 200)],
            .gets("hello"), .nothing),
        .init("6.1", "Content in empty pieces", send: [ok, .data(1, count: 0), end], .gets("hello"), .nothing),
        .init("8.1", "DATA before a head is malformed", send: [.data(1), ok, end], .fails, .error(.protocolError)),
        .init(
            "8.1", "DATA after an interim response is malformed",
            send: [.headers(1, .status("103"), endStream: false), .data(1), ok, end], .fails, .error(.protocolError)),
        .init(
            "8.1", "Trailers without END_STREAM are malformed",
            send: [ok, .data(1), .headers(1, Fields([("x-a", "1")]), endStream: false)], .fails,
            .streamError(.protocolError)),
        .init(
            "8.1", "Pseudo-headers in trailers are malformed",
            send: [ok, .data(1), .headers(1, Fields([(":status", "200")]))],
            .fails, .streamError(.protocolError)),
        .init(
            "8.1", "CR LF in trailers is malformed", send: [ok, .data(1), .headers(1, Fields([("x-a", "1\r\n2")]))],
            .fails,
            .streamError(.protocolError)),
        .init(
            "8.1", "A second final head is malformed", send: [ok, .headers(1, .ok, endStream: false), end], .fails,
            .streamError(.protocolError)),
        .init(
            "8.1", "Trailers", send: [ok, end.without(.endStream), .headers(1, Fields([("x-a", "1")]))], .gets("hello"),
            .nothing),
        .init("8.1", "No content and no trailers", send: [.headers(1, .ok)], .gets(""), .nothing),
        .init("8.1", "Trailers alone", send: [ok, .headers(1, Fields([("x-a", "1")]))], .gets(""), .nothing),
    ]
}

extension Frame {
    func without(_ flags: Flags) -> Frame {
        var frame = self
        frame.flags.subtract(flags)
        return frame
    }
}
