import HTTPSemantics
import WireChecks

@testable import WireProtocols

/// A request's head as a parser of HTTP/1.1 makes it.
func requestHead(_ text: String) -> MessageHead {
    var head = MessageHead()
    var framing = HTTP1Framing()
    var scan = HTTP1ScanState()
    do {
        let used = try HTTP1RequestParser.parse(
            Array(text.utf8).span, into: &head, framing: &framing, limits: HTTP1Limits(), scan: &scan, scheme: .https)
        precondition(used == text.utf8.count)
    } catch {
        preconditionFailure("no request: \(error)")
    }
    return head
}

func responseHead(_ text: String) -> MessageHead {
    var head = MessageHead()
    var framing = HTTP1Framing()
    var scan = HTTP1ScanState()
    do {
        let used = try HTTP1ResponseParser.parse(
            Array(text.utf8).span, into: &head, framing: &framing, limits: HTTP1Limits(), scan: &scan,
            requestMethod: .get)
        precondition(used == text.utf8.count)
    } catch {
        preconditionFailure("no response: \(error)")
    }
    return head
}

func trailerSection(_ fields: [(String, String)]) -> MessageHead {
    var head = MessageHead()
    for (name, value) in fields { head.addField(name: Array(name.utf8).span, value: Array(value.utf8).span) }
    return head
}

func ok(_ fields: String = "") -> MessageHead { responseHead("HTTP/1.1 200 OK\r\n\(fields)\r\n") }

extension MessageHead {
    /// All that it says, for people.
    var summary: String {
        let copy = textCopy()
        let fields = copy.fields.map { "\($0.name): \($0.value)" }.joined(separator: ", ")
        return "\(copy.method) \(copy.host) \(copy.path)\(hasQuery ? "?" + text(query) : "") [\(fields)]"
    }

    func value(_ name: String) -> String? { textCopy().fields.first { $0.name == name }?.value }
    func values(_ name: String) -> [String] { textCopy().fields.filter { $0.name == name }.map(\.value) }
}

/// A server with a client that says whatever it likes.
final class RawClient {
    let server: HTTP2Peer
    private(set) var frames: [HTTP2Frame] = []

    init(limits: HTTP2Limits = HTTP2Limits(), settings: [(UInt16, UInt32)] = []) {
        server = HTTP2Peer(.server, limits: limits)
        server.receive(HTTP2Frame.preface)
        send(.settings(settings), HTTP2Frame(.settings, flags: HTTP2Frame.acknowledgement))
        frames = []
    }

    func send(_ frames: HTTP2Frame...) { send(frames) }

    func send(_ frames: [HTTP2Frame]) {
        server.receive(frames.flatMap(\.bytes))
        self.frames += HTTP2Frame.parse(server.takeOutput())
    }

    /// The server has written again.
    func look() { frames += HTTP2Frame.parse(server.takeOutput()) }

    /// The code the stream was reset with.
    func resetCode(_ id: UInt32) -> HTTP2ErrorCode? {
        frames.first { $0.kind == .resetStream && $0.id == id }?.code.map { HTTP2ErrorCode(rawValue: $0) }
    }

    /// The code the connection was given up with.
    var goAwayCode: HTTP2ErrorCode? {
        frames.last { $0.kind == .goAway }?.code.map { HTTP2ErrorCode(rawValue: $0) }
    }
}

/// A client with a server that says whatever it likes.
final class RawServer {
    let client: HTTP2Peer
    private(set) var frames: [HTTP2Frame] = []

    init(limits: HTTP2Limits = HTTP2Limits(), settings: [(UInt16, UInt32)] = []) {
        client = HTTP2Peer(.client, limits: limits)
        send(.settings(settings), HTTP2Frame(.settings, flags: HTTP2Frame.acknowledgement))
        frames = []
    }

    func send(_ frames: HTTP2Frame...) { send(frames) }

    func send(_ frames: [HTTP2Frame]) {
        client.receive(frames.flatMap(\.bytes))
        look()
    }

    func look() { frames += HTTP2Frame.parse(client.takeOutput()) }

    /// Sends a request of the client on its way.
    func request(_ head: borrowing MessageHead, body: [UInt8]? = nil) -> HTTP2PeerStream {
        let stream = client.request(head, body: body)!
        look()
        return stream
    }

    func resetCode(_ id: UInt32) -> HTTP2ErrorCode? {
        frames.first { $0.kind == .resetStream && $0.id == id }?.code.map { HTTP2ErrorCode(rawValue: $0) }
    }

    var goAwayCode: HTTP2ErrorCode? {
        frames.last { $0.kind == .goAway }?.code.map { HTTP2ErrorCode(rawValue: $0) }
    }
}

/// The fields of a plain request.
let plainRequest = [(":method", "GET"), (":scheme", "https"), (":authority", "a.b"), (":path", "/")]
