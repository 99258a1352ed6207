import HTTPSemantics
import WireProtocols

/// One caller's connection that speaks HTTP/2: bytes in, bytes out.
final class HTTP2Conversation: HTTP2SessionHandler {
    enum Beginning {
        case yes, no
        /// Too few bytes to tell.
        case perhaps
    }

    private let service: String
    private let session = HTTP2Session(role: .server, limits: HTTP2Limits(), memory: HTTP2Memory())
    private var streams: [HTTP2EchoStream] = []
    private var output: [UInt8] = []
    private let start = ContinuousClock.now

    init(service: String) {
        self.service = service
        session.handler = self
    }

    /// Whether a connection begins as every client's of HTTP/2 does (RFC 9113 § 3.4).
    static func begins(_ bytes: [UInt8]) -> Beginning {
        let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8
        guard preface.starts(with: bytes.prefix(preface.count)) else { return .no }
        return bytes.count < preface.count ? .perhaps : .yes
    }

    /// - Returns: What is to be sent now; `isOver`: and then the connection closed.
    func answer(to bytes: [UInt8]) -> (bytes: [UInt8], isOver: Bool) {
        session.now = UInt64((ContinuousClock.now - start) / .milliseconds(1))
        let isAlive = session.receive(bytes.span)
        session.flush(upTo: .max)
        defer { output = [] }
        return (output, !isAlive || session.isOver)
    }

    func forget(_ stream: HTTP2EchoStream) { streams.removeAll { $0 === stream } }

    // MARK: HTTP2SessionHandler

    func write(_ bytes: Span<UInt8>) { output.append(copying: bytes) }

    func receivedRequest(_ id: Int32, endsStream: Bool) {
        var head = MessageHead()
        guard (try? session.takeRequest(into: &head, scheme: .http)) != nil else { return }
        let stream = HTTP2EchoStream(of: self, session, head, service: service)
        streams.append(stream)
        session.attach(stream, to: id)
        if endsStream { stream.receivedEnd() }
    }

    func receivedPingAcknowledgement(_ payload: UInt64) {}
    func receivedGoAway(lastStream: Int32, code: HTTP2ErrorCode) {}
    func receivedSettings() {}
    func exceeded(_ limit: HTTP2Limit) {}
    func refusedStream(_ id: Int32, _ error: HTTP2Error) {}
}

/// One call on it. Answered when the request is whole.
final class HTTP2EchoStream: HTTP2Stream {
    private unowned let conversation: HTTP2Conversation
    private unowned let session: HTTP2Session
    private let service: String
    private let method: String
    private let target: String
    private let fields: [(name: String, value: String)]
    private let isGRPC: Bool
    private var receivedBytes = 0
    private var rest: ArraySlice<UInt8> = []

    init(
        of conversation: HTTP2Conversation, _ session: HTTP2Session, _ head: borrowing MessageHead, service: String
    ) {
        self.conversation = conversation
        self.session = session
        self.service = service
        method = Self.text(head, head.method)
        target = Self.text(head, head.path) + (head.hasQuery ? "?" + Self.text(head, head.query) : "")
        var fields: [(name: String, value: String)] = []
        for field in head.fields { fields.append((Self.text(head, field.name), Self.text(head, field.value))) }
        self.fields = fields
        isGRPC = fields.contains { $0.name == "content-type" && $0.value.hasPrefix("application/grpc") }
        super.init()
    }

    private static func text(_ head: borrowing MessageHead, _ range: ByteRange) -> String {
        var bytes: [UInt8] = []
        bytes.append(copying: head.bytes(range))
        return String(decoding: bytes, as: UTF8.self)
    }

    override func receivedData(_ bytes: Span<UInt8>) {
        receivedBytes += bytes.count
        session.consume(self, bytes.count)
    }

    override func receivedEnd() {
        let request = Request(
            method: method, target: target, version: "HTTP/2", fields: fields, bodyByteCount: receivedBytes)
        let text = Array(request.json(service: service).utf8)
        rest = method == "HEAD" ? [] : (isGRPC ? Self.message(text) : text)[...]
        var head = MessageHead()
        head.status = 200
        head.addField(.contentType, value: Array((isGRPC ? "application/grpc" : "application/json").utf8).span)
        session.submitResponse(head, on: self, endsStream: rest.isEmpty)
    }

    override func closed(_ code: HTTP2ErrorCode) { conversation.forget(self) }

    // MARK: The answer's body

    override func nextData(limit: Int) -> HTTP2DataStep {
        if rest.isEmpty { return isGRPC ? .trailers : .bytes(0, isLast: true) }
        let count = min(limit, rest.count)
        return .bytes(count, isLast: !isGRPC && count == rest.count)
    }

    override func writeData(_ count: Int) {
        conversation.write(Array(rest.prefix(count)).span)
        rest = rest.dropFirst(count)
    }

    override func sendTrailers() {
        var trailers = MessageHead()
        trailers.addField(name: Array("grpc-status".utf8).span, value: Array("0".utf8).span)
        session.submitTrailers(trailers, on: self)
    }

    /// `message Echo { string text = 1; }` as Protocol Buffers encodes it, after gRPC's prefix of five bytes.
    private static func message(_ text: [UInt8]) -> [UInt8] {
        var length = text.count
        var message: [UInt8] = [0x0A]
        while length >= 0x80 {
            message.append(UInt8(length & 0x7F) | 0x80)
            length >>= 7
        }
        message.append(UInt8(length))
        message += text
        let size = UInt32(message.count)
        return [0, UInt8(size >> 24), UInt8(size >> 16 & 0xFF), UInt8(size >> 8 & 0xFF), UInt8(size & 0xFF)] + message
    }
}
