package import HTTPSemantics
package import WireProtocols

/// A session with everything it tells written down: one side of a connection in memory.
package final class HTTP2Peer: HTTP2SessionHandler {
    package let session: HTTP2Session
    /// What was written and not taken yet.
    package private(set) var output: [UInt8] = []
    package private(set) var streams: [HTTP2PeerStream] = []
    package private(set) var refused: [(id: Int32, error: HTTP2Error)] = []
    package private(set) var exceededLimits: [HTTP2Limit] = []
    package private(set) var goAways: [(last: Int32, code: HTTP2ErrorCode)] = []
    package private(set) var pings: [UInt64] = []
    package private(set) var settingsCount = 0
    package private(set) var isAlive = true
    /// What a server does with a request whose head has come.
    package var onRequest: (HTTP2PeerStream) -> Void = { _ in }
    /// What a server does with a request that has ended.
    package var onEnd: (HTTP2PeerStream) -> Void = { _ in }
    /// Bytes are taken as they come.
    package var consumes = true

    package init(_ role: HTTP2Session.Role, limits: HTTP2Limits = HTTP2Limits(), memory: HTTP2Memory = HTTP2Memory()) {
        session = HTTP2Session(role: role, limits: limits, memory: memory)
        session.handler = self
    }

    /// What there is to send, and no more than about so many bytes of it.
    package func takeOutput(upTo limit: Int = .max) -> [UInt8] {
        session.flush(upTo: limit)
        let bytes = output
        output = []
        return bytes
    }

    package func receive(_ bytes: [UInt8]) {
        if !session.receive(bytes.span) { isAlive = false }
    }

    /// Both sides say all they have to say to each other.
    package func talk(to other: HTTP2Peer) {
        while true {
            let mine = takeOutput()
            if !mine.isEmpty { other.receive(mine) }
            let theirs = other.takeOutput()
            if !theirs.isEmpty { receive(theirs) }
            if mine.isEmpty, theirs.isEmpty { return }
        }
    }

    /// Client: sends a request.
    /// - Parameter body: `nil`: none, and the head ends the stream.
    package func request(
        _ head: borrowing MessageHead, body: [UInt8]? = nil, trailers: borrowing MessageHead = MessageHead()
    ) -> HTTP2PeerStream? {
        let stream = HTTP2PeerStream(self)
        guard session.submitRequest(head, on: stream, endsStream: body == nil) else { return nil }
        streams.append(stream)
        if let body {
            stream.send(body)
            stream.end(trailers: trailers)
        }
        return stream
    }

    /// Client: asks for a tunnel.
    package func tunnel(to authority: String) -> HTTP2PeerStream? {
        let stream = HTTP2PeerStream(self)
        guard session.submitTunnel(to: Array(authority.utf8), MessageHead(), on: stream) else { return nil }
        streams.append(stream)
        return stream
    }

    // MARK: HTTP2SessionHandler

    package func write(_ bytes: Span<UInt8>) { output.append(copying: bytes) }

    package func receivedRequest(_ id: Int32, endsStream: Bool) {
        let stream = HTTP2PeerStream(self)
        do throws(HTTP2Error) {
            stream.framing = try session.takeRequest(into: &stream.head, scheme: .https)
        } catch {
            refused.append((id, error))
            return
        }
        precondition(stream.framing.endsStream == endsStream)
        streams.append(stream)
        stream.isEnded = endsStream
        session.attach(stream, to: id)
        onRequest(stream)
        if endsStream { onEnd(stream) }
    }

    package func receivedPingAcknowledgement(_ payload: UInt64) { pings.append(payload) }
    package func receivedGoAway(lastStream: Int32, code: HTTP2ErrorCode) { goAways.append((lastStream, code)) }
    package func receivedSettings() { settingsCount += 1 }
    package func exceeded(_ limit: HTTP2Limit) { exceededLimits.append(limit) }
    package func refusedStream(_ id: Int32, _ error: HTTP2Error) { refused.append((id, error)) }
}

/// One stream of an `HTTP2Peer`, with everything that came on it.
package final class HTTP2PeerStream: HTTP2Stream {
    private unowned let peer: HTTP2Peer
    /// The identifier it had, if it is closed.
    package private(set) var lastID: Int32 = 0
    /// A server's: the request; a client's: the final response.
    package var head = MessageHead()
    package var framing = HTTP2RequestFraming()
    package private(set) var interimStatuses: [UInt16] = []
    package private(set) var hasReceivedHead = false
    package private(set) var body: [UInt8] = []
    package private(set) var trailers: [(name: String, value: String)] = []
    package internal(set) var isEnded = false
    package private(set) var hasSentEnd = false
    package private(set) var code: HTTP2ErrorCode?
    /// Received and not consumed.
    package private(set) var heldByteCount = 0

    private var outgoing: [UInt8] = []
    private var isOutgoingComplete = false
    private var outgoingTrailers = MessageHead()

    init(_ peer: HTTP2Peer) {
        self.peer = peer
        super.init()
    }

    // MARK: Sending

    package func respond(
        _ head: borrowing MessageHead, body: [UInt8]? = nil, trailers: borrowing MessageHead = MessageHead()
    ) {
        peer.session.submitResponse(head, on: self, endsStream: body == nil)
        guard let body else { return }
        send(body)
        end(trailers: trailers)
    }

    package func send(_ bytes: [UInt8]) {
        outgoing += bytes
        peer.session.resumeData(self)
    }

    package func end(trailers: borrowing MessageHead = MessageHead()) {
        outgoingTrailers.copy(trailers)
        isOutgoingComplete = true
        peer.session.resumeData(self)
    }

    package func consume() {
        peer.session.consume(self, heldByteCount)
        heldByteCount = 0
    }

    package var unsentByteCount: Int { outgoing.count }

    package override func nextData(limit: Int) -> HTTP2DataStep {
        if outgoing.isEmpty {
            guard isOutgoingComplete else { return .wait }
            return outgoingTrailers.fieldCount > 0 ? .trailers : .bytes(0, isLast: true)
        }
        let count = min(limit, outgoing.count)
        let isLast = isOutgoingComplete && count == outgoing.count && outgoingTrailers.fieldCount == 0
        return .bytes(count, isLast: isLast)
    }

    package override func writeData(_ count: Int) {
        peer.write(Array(outgoing[..<count]).span)
        outgoing.removeFirst(count)
    }

    package override func sendTrailers() { peer.session.submitTrailers(outgoingTrailers, on: self) }
    package override func sentEnd() { hasSentEnd = true }

    // MARK: Receiving

    package override func receivedHead(_ head: inout MessageHead, endsStream: Bool) {
        precondition(!hasReceivedHead && code == nil)
        guard head.status >= 200 else {
            precondition(!endsStream)
            interimStatuses.append(head.status)
            return
        }
        hasReceivedHead = true
        self.head.copy(head)
    }

    package override func receivedData(_ bytes: Span<UInt8>) {
        precondition(!isEnded && code == nil)
        body.append(copying: bytes)
        heldByteCount += bytes.count
        if peer.consumes { consume() }
    }

    package override func receivedTrailers(_ trailers: inout MessageHead) {
        precondition(!isEnded && code == nil)
        self.trailers = trailers.textCopy().fields
    }

    package override func receivedEnd() {
        precondition(!isEnded && code == nil)
        isEnded = true
        peer.onEnd(self)
    }

    package override func closed(_ code: HTTP2ErrorCode) {
        precondition(self.code == nil, "closed twice")
        self.code = code
    }
}
