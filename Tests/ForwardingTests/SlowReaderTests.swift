import TestSupport
import Testing

@testable import Forwarding

/// Who reads slowly, and steadily, is no reader that has stalled: the socket says for seconds that it takes nothing, while it is read
/// from all the time. Here for longer than what a reader may stall.
@Suite struct `A slow and steady reader` {
    private static let timeouts = "stream: 2s"
    /// More than all buffers on the way hold.
    private static let byteCount = 24 << 20
    private static let sip = 64 << 10
    private static let body = [UInt8](repeating: 7, count: byteCount)

    /// Takes sips for longer than the timeout, and then the rest.
    /// - Returns: How many bytes came, up to `byteCount`.
    private static func read(_ connection: RawConnection) -> Int {
        var count = 0
        for _ in 0..<24 {
            let bytes = connection.receive(count: sip)
            guard !bytes.isEmpty else { return count }
            count += bytes.count
            Pause.ofSlowPeer(.milliseconds(150))
        }
        while count < byteCount {
            let bytes = connection.receive(count: min(1 << 20, byteCount - count))
            guard !bytes.isEmpty else { return count }
            count += bytes.count
        }
        return count
    }

    private static var answering: TestBackend {
        TestBackend { connection, _ in
            _ = connection.receive(through: "\r\n\r\n")
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(byteCount)\r\n\r\n")
            connection.send(body)
        }
    }

    @Test(arguments: ["", "Connection: close\r\n"])
    func `gets its whole answer over HTTP/1.1`(field: String) async throws {
        try await Shop.serve(Self.answering, more: [Shop.proxy("timeouts: {\(Self.timeouts)}")]) { port, _ in
            let client = try RawConnection(port: port)
            client.send("GET /a HTTP/1.1\r\nHost: orders\r\n\(field)\r\n")
            #expect(client.receive(through: "\r\n\r\n").hasPrefix("HTTP/1.1 200 "))
            #expect(Self.read(client) == Self.byteCount)
        }
    }

    @Test func `gets its whole answer over HTTP/2, however large its windows are`() async throws {
        try await Shop.serve(Self.answering, more: [Shop.proxy("timeouts: {\(Self.timeouts)}")]) { port, _ in
            let peer = HTTP2Peer(calling: try RawConnection(port: port))
            peer.send(settings: [(id: 4, value: 0x7FFF_FFFF)])
            peer.send(HTTP2Peer.FrameType.windowUpdate, HTTP2Peer.bytes(0x7000_0000))
            let fields = [(":method", "GET"), (":scheme", "http"), (":authority", "orders"), (":path", "/a")]
            let stream = peer.begin(fields, ends: true)
            var count = 0
            var sipped = 0
            var ended = false
            while !ended, let frame = peer.receive() {
                guard frame.stream == stream, frame.type == HTTP2Peer.FrameType.data else { continue }
                count += frame.payload.count
                ended = frame.endsStream
                guard count > sipped + Self.sip, sipped < 24 * Self.sip else { continue }
                sipped += Self.sip
                Pause.ofSlowPeer(.milliseconds(150))
            }
            #expect(ended && count == Self.byteCount)
        }
    }

    @Test func `gets a whole request as a workload`() async throws {
        let backend = TestBackend { connection, _ in
            _ = connection.receive(through: "\r\n\r\n")
            let count = Self.read(connection)
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: \("\(count)".utf8.count)\r\n\r\n\(count)")
        }
        let timeouts = "timeouts: {\(Self.timeouts), requestBody: 60s}"
        try await Shop.serve(backend, more: [Shop.proxy(timeouts)]) { port, _ in
            let client = try RawConnection(port: port)
            client.send("POST /a HTTP/1.1\r\nHost: orders\r\nContent-Length: \(Self.byteCount)\r\n\r\n")
            client.send(Self.body)
            let response = client.response()
            #expect(response.status == 200 && response.body == "\(Self.byteCount)")
        }
    }

    @Test(arguments: Shop.Way.allCases)
    func `gets all that comes over TCP`(way: Shop.Way) async throws {
        let backend = TestBackend { connection, _ in
            connection.send(Self.body)
            connection.endOutput()
        }
        try await Shop.serveTCP(backend, Self.timeouts, way: way) { port, _ in
            let client = try RawConnection(port: port)
            #expect(Self.read(client) == Self.byteCount)
            #expect(client.endsCleanly() == true)
        }
    }

    @Test func `has its whole time from when it was last seen to take something of what it is judged by`() {
        var reader = ReaderProgress()
        reader.began(at: 1_000)
        reader.look(written: 500, unacknowledged: 300, at: 2_000)
        var offset: UInt64 = 400
        #expect(reader.last(upTo: &offset) == 2_000)
        // Nothing more was taken.
        reader.look(written: 500, unacknowledged: 300, at: 3_000)
        #expect(reader.last(upTo: &offset) == 2_000)
        // The last of it was, and this is the first to see it.
        reader.look(written: 500, unacknowledged: 0, at: 4_000)
        #expect(reader.last(upTo: &offset) == 4_000)
        // What is taken later is none of it.
        reader.look(written: 900, unacknowledged: 0, at: 5_000)
        #expect(reader.last(upTo: &offset) == nil)
    }
}
