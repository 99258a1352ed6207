import HTTPSemantics
import Testing
import WireChecks

@testable import WireProtocols

/// What a server makes of frames, after the settings of both sides.
private struct Violation: Sendable, CustomTestStringConvertible {
    let what: String
    let frames: [HTTP2Frame]
    let code: HTTP2ErrorCode
    /// The stream that is reset; `nil`: the connection is given up.
    var stream: UInt32?

    var testDescription: String { what }
}

private let open = HTTP2Frame.headers(1, plainRequest, endsStream: false)
private let closedHalf = HTTP2Frame.headers(1, plainRequest)

private let violationsByClients: [Violation] = [
    // RFC 9113 § 4.2, § 4.3.
    Violation(
        what: "a frame over the size", frames: [open, HTTP2Frame(.data, id: 1, [UInt8](repeating: 0, count: 16_385))],
        code: .frameSizeError),
    Violation(
        what: "a block that does not decode",
        frames: [HTTP2Frame(.headers, flags: 5, id: 1, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF])], code: .compressionError),
    Violation(what: "index 0", frames: [HTTP2Frame(.headers, flags: 5, id: 1, [0x80])], code: .compressionError),
    Violation(
        what: "an index outside the tables", frames: [HTTP2Frame(.headers, flags: 5, id: 1, [0xFE])],
        code: .compressionError),
    Violation(
        what: "a table larger than allowed",
        frames: [
            HTTP2Frame(.headers, flags: 5, id: 1, HPACK.integer(4097, prefix: 5, 0x20) + HPACK.literals(plainRequest))
        ], code: .compressionError),
    Violation(
        what: "a table size after a field",
        frames: [HTTP2Frame(.headers, flags: 5, id: 1, HPACK.literals(plainRequest) + [0x20])], code: .compressionError),
    Violation(
        what: "a string that is cut", frames: [HTTP2Frame(.headers, flags: 5, id: 1, [0x00, 0x05, 0x61])],
        code: .compressionError),
    Violation(
        what: "Huffman padding of a whole byte",
        frames: [HTTP2Frame(.headers, flags: 5, id: 1, [0x00, 0x82, 0x1F, 0xFF, 0x01, 0x61])], code: .compressionError),
    // § 5.1.
    Violation(what: "DATA on an idle stream", frames: [.data(1, "a")], code: .protocolError),
    Violation(what: "RST_STREAM on an idle stream", frames: [.reset(1, 8)], code: .protocolError),
    Violation(what: "WINDOW_UPDATE on an idle stream", frames: [.windowUpdate(1, 1)], code: .protocolError),
    Violation(
        what: "CONTINUATION without HEADERS", frames: [HTTP2Frame(.continuation, flags: 4, id: 1)], code: .protocolError
    ),
    Violation(what: "DATA after END_STREAM", frames: [closedHalf, .data(1, "a")], code: .streamClosed, stream: 1),
    Violation(what: "HEADERS after END_STREAM", frames: [closedHalf, closedHalf], code: .streamClosed, stream: 1),
    Violation(
        what: "DATA after RST_STREAM", frames: [open, .reset(1, 8), .data(1, "a")], code: .streamClosed, stream: 1),
    Violation(what: "HEADERS after RST_STREAM", frames: [open, .reset(1, 8), open], code: .streamClosed, stream: 1),
    // § 5.1.1.
    Violation(what: "an even stream", frames: [.headers(2, plainRequest)], code: .protocolError),
    Violation(
        what: "a stream that was left out", frames: [.headers(5, plainRequest), .headers(3, plainRequest)],
        code: .protocolError),
    Violation(
        what: "DATA on a stream that was left out", frames: [.headers(5, plainRequest), .data(3, "a")],
        code: .protocolError),
    // § 6.1 to § 6.10.
    Violation(what: "DATA on the connection", frames: [.data(0, "a")], code: .protocolError),
    Violation(
        what: "padding over the payload of DATA", frames: [open, HTTP2Frame(.data, flags: 8, id: 1, [5, 1, 2])],
        code: .protocolError),
    Violation(what: "HEADERS on the connection", frames: [.headers(0, plainRequest)], code: .protocolError),
    Violation(
        what: "padding over the payload of HEADERS",
        frames: [HTTP2Frame(.headers, flags: 0x0D, id: 1, [200] + HPACK.literals(plainRequest))], code: .protocolError),
    Violation(what: "RST_STREAM on the connection", frames: [.reset(0, 8)], code: .protocolError),
    Violation(
        what: "RST_STREAM of 3 bytes", frames: [open, HTTP2Frame(.resetStream, id: 1, [0, 0, 8])], code: .frameSizeError
    ),
    Violation(what: "SETTINGS on a stream", frames: [HTTP2Frame(.settings, id: 1)], code: .protocolError),
    Violation(what: "SETTINGS of 5 bytes", frames: [HTTP2Frame(.settings, [0, 3, 0, 0, 0])], code: .frameSizeError),
    Violation(
        what: "an acknowledgement with settings", frames: [HTTP2Frame(.settings, flags: 1, [0, 3, 0, 0, 0, 1])],
        code: .frameSizeError),
    Violation(what: "ENABLE_PUSH of 2", frames: [.settings([(2, 2)])], code: .protocolError),
    Violation(what: "a window of 2^31", frames: [.settings([(4, 1 << 31)])], code: .flowControlError),
    Violation(what: "a frame size under 2^14", frames: [.settings([(5, 16_383)])], code: .protocolError),
    Violation(what: "a frame size over 2^24 - 1", frames: [.settings([(5, 1 << 24)])], code: .protocolError),
    Violation(
        what: "PUSH_PROMISE from a client", frames: [open, HTTP2Frame(.pushPromise, flags: 4, id: 1, [0, 0, 0, 2])],
        code: .protocolError),
    Violation(
        what: "PING on a stream", frames: [HTTP2Frame(.ping, id: 1, [UInt8](repeating: 0, count: 8))],
        code: .protocolError),
    Violation(
        what: "PING of 7 bytes", frames: [HTTP2Frame(.ping, [UInt8](repeating: 0, count: 7))], code: .frameSizeError),
    Violation(
        what: "GOAWAY on a stream", frames: [HTTP2Frame(.goAway, id: 1, [UInt8](repeating: 0, count: 8))],
        code: .protocolError),
    Violation(
        what: "GOAWAY of 7 bytes", frames: [HTTP2Frame(.goAway, [UInt8](repeating: 0, count: 7))], code: .frameSizeError
    ),
    Violation(what: "WINDOW_UPDATE of 3 bytes", frames: [HTTP2Frame(.windowUpdate, [0, 0, 1])], code: .frameSizeError),
    Violation(
        what: "WINDOW_UPDATE of 0 on a stream", frames: [open, .windowUpdate(1, 0)], code: .protocolError, stream: 1),
    Violation(what: "WINDOW_UPDATE of 0 on the connection", frames: [.windowUpdate(0, 0)], code: .protocolError),
    Violation(
        what: "the connection's window over 2^31 - 1", frames: [.windowUpdate(0, 0x7FFF_FFFF)], code: .flowControlError),
    Violation(
        what: "a stream's window over 2^31 - 1", frames: [open, .windowUpdate(1, 0x7FFF_FFFF)], code: .flowControlError,
        stream: 1),
    Violation(
        what: "another frame within a header block",
        frames: [
            HTTP2Frame(.headers, flags: 1, id: 1, HPACK.literals(plainRequest)),
            HTTP2Frame(.ping, [UInt8](repeating: 0, count: 8)),
        ], code: .protocolError),
    Violation(
        what: "CONTINUATION of another stream",
        frames: [
            HTTP2Frame(.headers, flags: 1, id: 1, HPACK.literals(plainRequest)),
            HTTP2Frame(.continuation, flags: 4, id: 3),
        ], code: .protocolError),
    Violation(
        what: "an unknown frame within a header block",
        frames: [HTTP2Frame(.headers, flags: 1, id: 1, HPACK.literals(plainRequest)), HTTP2Frame(type: 0xEE)],
        code: .protocolError),
    Violation(
        what: "CONTINUATION after the end of the block", frames: [open, HTTP2Frame(.continuation, flags: 4, id: 1)],
        code: .protocolError),
]

@Test(arguments: violationsByClients)
private func `a violation has the code that RFC 9113 names`(violation: Violation) {
    for isSplit in [false, true] {
        let client = RawClient()
        if isSplit {
            for frame in violation.frames { for byte in frame.bytes { client.server.receive([byte]) } }
            client.look()
        } else {
            client.send(violation.frames)
        }
        if let stream = violation.stream {
            #expect(client.resetCode(stream) == violation.code)
            #expect(client.goAwayCode == nil && client.server.isAlive && !client.server.session.isOver)
        } else {
            #expect(client.goAwayCode == violation.code)
            #expect(client.server.session.isOver)
        }
    }
}

@Test func `after END_STREAM of both sides a stream is closed for good`() {
    for frame in [HTTP2Frame.data(1, "a"), closedHalf] {
        let client = RawClient()
        client.server.onEnd = { $0.respond(ok(), body: [1]) }
        client.send(closedHalf)
        client.send(frame)
        #expect(client.goAwayCode == .streamClosed)
    }
}

@Test func `frames that cross our reset are left out`() {
    for frames in [[HTTP2Frame.data(1, "late")], [.headers(1, [("x-t", "1")])], [.reset(1, 8)], [.windowUpdate(1, 10)]]
    {
        let client = RawClient()
        client.send(open)
        client.server.session.reset(client.server.streams[0], .cancel)
        client.look()
        client.send(frames)
        client.send(.headers(3, plainRequest))
        #expect(client.goAwayCode == nil && client.server.streams.count == 2 && client.resetCode(3) == nil)
    }
}

@Test func `frames that may come for a closed stream are left out`() {
    let client = RawClient()
    client.server.onEnd = { $0.respond(ok(), body: [1]) }
    client.send(closedHalf)
    client.send(.windowUpdate(1, 10), .reset(1, 8), HTTP2Frame(.priority, id: 1, [0, 0, 0, 0, 16]))
    client.send(.headers(3, plainRequest))
    #expect(client.goAwayCode == nil && client.server.streams.count == 2)
}

@Test func `what nobody has to know is left out`() {
    let client = RawClient()
    client.send(
        HTTP2Frame(type: 0xEE, flags: 0xFF, id: 7, payload: [1, 2, 3]), .settings([(0xABCD, 1)]),
        HTTP2Frame(.priority, id: 9, [0, 0, 0, 0, 16]), HTTP2Frame(.ping, flags: 1, [UInt8](repeating: 9, count: 8)),
        HTTP2Frame(.goAway, [0, 0, 0, 0, 0, 0, 0xFF, 0xFF]))
    #expect(client.goAwayCode == nil)
    #expect(client.server.goAways.first?.code == HTTP2ErrorCode(rawValue: 0xFFFF))
}

@Test func `padding, priorities and CONTINUATION are read`() {
    let client = RawClient()
    let block = HPACK.literals(plainRequest)
    client.send(
        HTTP2Frame(.headers, flags: 0x28, id: 1, [3, 0, 0, 0, 0, 16] + block[..<10] + [0, 0, 0]),
        HTTP2Frame(.continuation, id: 1, Array(block[10..<20])),
        HTTP2Frame(.continuation, flags: 4, id: 1, Array(block[20...])),
        HTTP2Frame(.data, flags: 9, id: 1, [2, 65, 66, 0, 0]))
    #expect(client.server.streams.first?.head.summary == "GET a.b / [host: a.b]")
    #expect(client.server.streams.first?.body == [65, 66] && client.server.streams.first?.isEnded == true)
}

@Test func `a wrong preface ends the connection with PROTOCOL_ERROR`() {
    for bytes in [
        Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8), HTTP2Frame.preface.dropLast() + [0],
        HTTP2Frame.preface + HTTP2Frame.windowUpdate(0, 1).bytes,
    ] {
        let server = HTTP2Peer(.server)
        server.receive(bytes)
        let goAway = HTTP2Frame.parse(server.takeOutput()).first { $0.kind == .goAway }
        #expect(goAway?.code == HTTP2ErrorCode.protocolError.rawValue)
        #expect(server.session.isOver)
    }
}

// MARK: Clients

private let violationsByServers: [Violation] = [
    Violation(
        what: "PUSH_PROMISE",
        frames: [HTTP2Frame(.pushPromise, flags: 4, id: 1, [0, 0, 0, 2] + HPACK.literals(plainRequest))],
        code: .protocolError),
    Violation(
        what: "HEADERS on a stream that nobody opened", frames: [.headers(3, [(":status", "200")])],
        code: .protocolError),
    Violation(what: "HEADERS on a server's stream", frames: [.headers(2, [(":status", "200")])], code: .protocolError),
    Violation(what: "DATA on a stream that nobody opened", frames: [.data(7, "a")], code: .protocolError),
    Violation(
        what: "DATA before HEADERS", frames: [.data(1, "a", endsStream: true)], code: .protocolError, stream: 1),
    Violation(
        what: "DATA after END_STREAM", frames: [.headers(1, [(":status", "200")]), .data(1, "a")], code: .streamClosed),
    Violation(
        what: "HEADERS after END_STREAM",
        frames: [.headers(1, [(":status", "200")]), .headers(1, [(":status", "200")])], code: .streamClosed),
    Violation(what: "DATA after RST_STREAM", frames: [.reset(1, 8), .data(1, "a")], code: .streamClosed, stream: 1),
    Violation(what: "ENABLE_PUSH from a server", frames: [.settings([(2, 1)])], code: .protocolError),
    Violation(
        what: "more than the stream's window",
        frames: [.headers(1, [(":status", "200")], endsStream: false)]
            + (0..<17).map { _ in HTTP2Frame(.data, id: 1, [UInt8](repeating: 0, count: 16_384)) },
        code: .flowControlError, stream: 1),
]

@Test(arguments: violationsByServers)
private func `a server's violation has the code that RFC 9113 names`(violation: Violation) {
    let server = RawServer()
    server.client.consumes = false
    _ = server.request(requestHead("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
    server.send(violation.frames)
    if let stream = violation.stream {
        #expect(server.resetCode(stream) == violation.code && server.goAwayCode == nil)
    } else {
        #expect(server.goAwayCode == violation.code && server.client.session.isOver)
    }
}

@Test func `more than the connection's window ends the connection`() {
    var limits = HTTP2Limits()
    limits.connectionWindow = 65_535
    let client = RawClient(limits: limits)
    client.server.consumes = false
    client.send([open] + (0..<5).map { _ in HTTP2Frame(.data, id: 1, [UInt8](repeating: 0, count: 16_384)) })
    #expect(client.goAwayCode == .flowControlError)
}

@Test func `a stream that a server refuses can be tried again`() {
    let server = RawServer()
    let call = server.request(requestHead("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
    server.send(.reset(1, HTTP2ErrorCode.refusedStream.rawValue))
    #expect(call.code == .refusedStream)
}

@Test func `a server that has had enough of a request resets it after its answer`() {
    let server = RawServer()
    let call = server.request(requestHead("POST / HTTP/1.1\r\nHost: a\r\n\r\n"), body: [1])
    server.send(.headers(1, [(":status", "200")]), .reset(1, 0))
    #expect(call.isEnded && call.head.status == 200 && call.code == .noError)
}
