import HPACKCoding
import TestSupport

/// Workloads that answer as a path says:
/// - `/large`: 1 MiB
/// - `/trailers`: no content, and a trailer
/// - `/silent`: never; nor is the request's content read
/// - `/cut`: a head that announces 100 bytes, ten of them, and the end of the connection (HTTP/1.1) or a reset (HTTP/2)
/// - `/early`: 103, and then as any other (HTTP/1.1 alone)
/// - `/hop`: an answer in chunks with fields of the connection's and a trailer (HTTP/1.1 alone)
/// - any other: the request's head as text, a line each, and then its content
enum OriginServer {
    static let largeByteCount = 1 << 20
    /// Where requests go that no workload may see.
    static let forbidden = "/forbidden"

    static func http1() -> TestBackend {
        TestBackend { connection, backend in
            while true {
                let head = connection.receive(through: "\r\n\r\n")
                guard head.hasSuffix("\r\n\r\n") else {
                    if connection.isEnded { return }
                    continue
                }
                backend.note(head)
                let request = Response(head: head, body: "")
                let path = head.split(separator: " ").dropFirst().first ?? ""
                switch path.prefix(while: { $0 != "?" }) {
                case "/silent":
                    while !connection.isEnded { _ = connection.receive() }
                    return
                case "/cut":
                    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789")
                    return
                case "/large":
                    connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(largeByteCount)\r\n\r\n")
                    connection.send([UInt8](repeating: UInt8(ascii: "x"), count: largeByteCount))
                case "/hop": connection.send(hopByHop)
                case "/trailers":
                    connection.send(
                        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n0\r\nX-Sum: 7\r\n\r\n")
                default:
                    if path == "/early" { connection.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n") }
                    guard let body = content(of: request, connection) else { return }
                    let answer = head + body
                    connection.send(
                        "HTTP/1.1 200 OK\r\nContent-Length: \(answer.utf8.count)\r\n\r\n"
                            + (head.hasPrefix("HEAD ") ? "" : answer))
                }
            }
        }
    }

    private static let hopByHop = """
        HTTP/1.1 200 OK\r
        Connection: keep-alive, X-Hop\r
        X-Hop: 1\r
        Keep-Alive: timeout=5\r
        Proxy-Connection: keep-alive\r
        Upgrade: h2c\r
        X-Mixed-CASE:   a  value \t\r
        Transfer-Encoding: chunked\r
        Trailer: X-Sum\r
        \r
        5\r
        hello\r
        0\r
        X-Sum: 7\r
        \r\n
        """

    /// What follows a head; `nil` if it broke off.
    private static func content(of request: Response, _ connection: RawConnection) -> String? {
        if let length = request.field("content-length").flatMap(Int.init) {
            let bytes = connection.receive(count: length)
            return bytes.count == length ? String(latin1: bytes) : nil
        }
        guard request.field("transfer-encoding") == "chunked" else { return "" }
        var body = ""
        while true {
            guard let size = Int(connection.receive(through: "\r\n").dropLast(1), radix: 16) else { return nil }
            if size == 0 { break }
            body += String(latin1: connection.receive(count: size))
            _ = connection.receive(through: "\r\n")
        }
        while true {
            let line = connection.receive(through: "\r\n")
            if line == "\r\n" { return body }
            guard line.hasSuffix("\r\n") else { return nil }
            body += line
        }
    }

    static func http2() -> TestBackend {
        TestBackend { connection, backend in
            let probe = HTTP2Probe(connection, role: .server)
            guard probe.shakeHands() else { return }
            let answering = Answering(probe: probe, backend: backend)
            // Requests may have come with the preface.
            for frame in probe.log { answering.respond(to: frame) }
            while !probe.hasEnded {
                if let frame = probe.next() { answering.respond(to: frame) }
            }
        }
    }

    private final class Answering {
        let probe: HTTP2Probe
        let backend: TestBackend
        /// What is left to send on each stream.
        var left: [UInt32: [UInt8]] = [:]
        var answered: Set<UInt32> = []

        init(probe: HTTP2Probe, backend: TestBackend) {
            self.probe = probe
            self.backend = backend
        }

        func respond(to frame: Frame) {
            let stream = probe.stream(frame.stream)
            let path = stream.heads.first?[":path"]?.prefix { $0 != "?" } ?? ""
            if frame.kind == .data, !frame.payload.isEmpty {
                // Other streams of the connection are not to wait.
                probe.send(.windowUpdate(0, UInt32(frame.payload.count)))
                if !stream.hasEnded, path != "/silent" {
                    probe.send(.windowUpdate(frame.stream, UInt32(frame.payload.count)))
                }
            }
            if stream.hasEnded, answered.insert(frame.stream).inserted { begin(frame.stream, stream, path) }
            for id in left.keys { sendMore(id) }
        }

        private func begin(_ id: UInt32, _ request: HTTP2Probe.Stream, _ path: Substring) {
            let head = request.heads[0].lines.map { "\($0.name): \($0.value)\r\n" }.joined()
            backend.note(head)
            switch path {
            case "/silent": break
            case "/trailers":
                probe.send(.headers(id, .ok, endStream: false), .headers(id, Fields([("x-sum", "7")])))
            case "/cut":
                probe.send(
                    .headers(id, .ok.adding("content-length", "100"), endStream: false), .data(id, count: 10),
                    .resetStream(id, .internalError))
            default:
                let answer =
                    path == "/large"
                    ? [UInt8](repeating: UInt8(ascii: "x"), count: OriginServer.largeByteCount)
                    : head.latin1 + request.body
                        + request.heads.dropFirst().flatMap { $0.lines }.flatMap {
                            "\($0.name): \($0.value)\r\n".latin1
                        }
                let isHead = request.heads[0][":method"] == "HEAD"
                probe.send(.headers(id, .ok.adding("content-length", "\(answer.count)"), endStream: isHead))
                if !isHead { left[id] = answer }
            }
        }

        private func sendMore(_ id: UInt32) {
            guard let bytes = left[id] else { return }
            if probe.stream(id).reset != nil { left[id] = nil }
            var sent = 0
            while sent < bytes.count, probe.stream(id).reset == nil {
                let count = min(16_384, bytes.count - sent, probe.credit.left(id))
                guard count > 0 else { break }
                let isLast = sent + count == bytes.count
                probe.send(.data(id, Array(bytes[sent..<sent + count]), endStream: isLast))
                sent += count
            }
            left[id] = sent < bytes.count && probe.stream(id).reset == nil ? Array(bytes[sent...]) : nil
        }
    }
}
