import EventLoops
import Glibc
import HTTPSemantics
import LocalAttestation
import SystemInterfaces
import WireProtocols

/// One client: takes one request, whole, hands it on, writes the answer, and ends. Lives on the admin API's loop.
final class AdminConnection: EventHandler {
    private enum State {
        case readingHead, readingBody
        /// The request is with the handler.
        case answering
        case writing
        /// All is written; what the client still sends is dropped.
        case lingering
        case closed
    }

    let id: UInt64
    private let socket: Socket
    private let loop: EventLoop
    private unowned let acceptor: AdminAcceptor
    private let limits: AdminLimits
    private var registration = Registration.none
    private let caller: WorkloadCaller?

    private var state = State.readingHead
    private var input: [UInt8] = []
    private var head = MessageHead()
    private var trailers = MessageHead()
    private var framing = HTTP1Framing()
    private var scan = HTTP1ScanState()
    private var decoder = HTTP1BodyDecoder()
    private var body: [UInt8] = []
    private var output: [UInt8] = []
    private var written = 0

    private static let readByteCount = 64 * 1024

    init(_ socket: consuming Socket, id: UInt64, acceptor: AdminAcceptor) {
        self.socket = socket
        self.id = id
        self.acceptor = acceptor
        loop = acceptor.loop
        limits = acceptor.limits
        caller = acceptor.origin == .workload ? Self.caller(at: self.socket.descriptor) : nil
    }

    /// Whose process asks, where that is known.
    var user: UInt32? { caller?.credentials.uid }

    private static func caller(at descriptor: CInt) -> WorkloadCaller? {
        guard let credentials = try? PeerCredentials(of: descriptor),
            let process = try? ProcessHandle(peerOf: descriptor, credentials, accepted: ProcessHandle.ticks)
        else { return nil }
        return WorkloadCaller(credentials: credentials, process: process)
    }

    func start() throws(SystemCallError) {
        registration = try loop.register(self, descriptor: socket.descriptor)
        loop.setDeadline(registration, to: loop.now + limits.transferMilliseconds)
    }

    // MARK: Events

    func ready(_ events: ReadyEvents) {
        switch state {
        case .readingHead, .readingBody: receive()
        case .writing: flush()
        case .lingering: drop()
        case .answering, .closed: break
        }
    }

    func deadlineReached() {
        switch state {
        case .readingHead, .readingBody: send(.error(408, "the request did not come in time", asText: wantsText))
        case .answering: break
        case .writing, .lingering, .closed: close()
        }
    }

    func turnEnded() {}

    // MARK: Request

    private func receive() {
        while state == .readingHead || state == .readingBody {
            let start = input.count
            switch read() {
            case .bytes: if input.count > start { parse() }
            case .wouldBlock: return
            case .endOfStream, .failed: return close()
            }
        }
    }

    private func read() -> SocketResult {
        unsafe withUnsafeTemporaryAllocation(byteCount: Self.readByteCount, alignment: 16) { buffer in
            let result = unsafe socket.receive(into: buffer)
            if case .bytes(let count) = result {
                unsafe input.append(contentsOf: UnsafeRawBufferPointer(buffer)[..<count])
            }
            return result
        }
    }

    private func parse() {
        do throws(HTTP1Error) {
            if state == .readingHead {
                let arrived = input
                let used = try HTTP1RequestParser.parse(
                    arrived.span, into: &head, framing: &framing, limits: limits.head, scan: &scan, scheme: .http)
                guard let used else { return }
                input.removeFirst(used)
                decoder = HTTP1BodyDecoder(framing.body)
                state = .readingBody
                if let length = head.contentLength, length > UInt64(limits.bodyByteCount) { return refuseBody() }
                if framing.expectsContinue { sendContinue() }
            }
            try parseBody()
        } catch {
            send(.error(error.status, "malformed request: \(error.name)", asText: wantsText))
        }
    }

    private func parseBody() throws(HTTP1Error) {
        let bytes = input
        var used = 0
        while true {
            switch try decoder.next(bytes.span.extracting(used...), trailers: &trailers, limits: limits.head) {
            case .data(let range):
                guard body.count + range.count <= limits.bodyByteCount else { return refuseBody() }
                body.append(contentsOf: bytes[(used + range.lowerBound)..<(used + range.upperBound)])
                used += range.upperBound
            case .needsMore(let count):
                input = Array(bytes[(used + count)...])
                return
            case .end:
                return deliver()
            }
        }
    }

    private func refuseBody() {
        send(
            .error(
                413,
                "the body is over \(limits.bodyByteCount) bytes, the most of one apply: hand in fewer manifests at a time, "
                    + "those that changed are enough", asText: wantsText))
    }

    /// What can be told of a request that is not whole.
    private var wantsText: Bool {
        guard state != .readingHead, head.hasQuery else { return false }
        return AdminRequest.parseQuery(head.text(head.query)).map(AdminRequest.wantsText) ?? false
    }

    private func sendContinue() {
        let message = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)
        // Should the kernel not take these few bytes at once, the client goes on by itself after a while.
        _ = unsafe message.withUnsafeBytes { unsafe socket.send($0) }
    }

    private func deliver() {
        state = .answering
        loop.setDeadline(registration, to: nil)
        guard let query = AdminRequest.parseQuery(head.hasQuery ? head.text(head.query) : "") else {
            return send(.error(400, "the query holds a bad escape", asText: false))
        }
        guard let path = AdminRequest.parsePath(head.text(head.path)) else {
            return send(.error(400, "the path holds a bad escape", asText: wantsText))
        }
        let contentType = head.value(of: .contentType).map { head.text($0) } ?? ""
        let request = AdminRequest(
            origin: acceptor.origin, caller: caller, method: head.text(head.method), host: head.text(head.host),
            path: path, query: query,
            contentType: String(contentType.prefix { $0 != ";" && $0 != " " }).lowercased(), body: body)
        input = []
        body = []
        acceptor.deliver(request, from: self)
    }

    // MARK: Response

    func send(_ response: AdminResponse) {
        guard state != .closed else { return }
        output = response.serialized(isHead: head.knownMethod == .head)
        written = 0
        state = .writing
        loop.setDeadline(registration, to: loop.now + limits.transferMilliseconds)
        flush()
    }

    private func flush() {
        while written < output.count {
            let result = unsafe output.withUnsafeBytes { bytes in
                unsafe socket.send(UnsafeRawBufferPointer(rebasing: bytes[written...]))
            }
            switch result {
            case .bytes(let count): written += count
            case .wouldBlock: return
            case .endOfStream, .failed: return close()
            }
        }
        output = []
        socket.shutdownWrites()
        state = .lingering
        loop.setDeadline(registration, to: loop.now + limits.lingerMilliseconds)
        drop()
    }

    private func drop() {
        while true {
            input.removeAll(keepingCapacity: true)
            switch read() {
            case .bytes: continue
            case .wouldBlock: return
            case .endOfStream, .failed: return close()
            }
        }
    }

    func close() {
        guard state != .closed else { return }
        state = .closed
        loop.unregister(registration, removing: socket.descriptor)
        acceptor.ended(self)
    }
}
