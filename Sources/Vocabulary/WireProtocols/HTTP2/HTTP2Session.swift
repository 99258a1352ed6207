package import HTTPSemantics

/// One HTTP/2 connection as either side sees it (RFC 9113), without I/O: bytes in, bytes out. It reads and writes frames and
/// header blocks, keeps the windows, and holds messages and peers to what they may be.
///
/// What it has to say it writes down at once, DATA apart, and hands over when it is told to `flush`: only then is a frame sent,
/// and does what follows from that happen.
///
/// Used on one thread.
package final class HTTP2Session {
    package enum Role: Sendable {
        case server, client
    }

    let role: Role
    let limits: HTTP2Limits
    private unowned(unsafe) var unsafeHandler: (any HTTP2SessionHandler)?
    /// The connection, which outlives the session: to be set at once, by the connection's own `init`.
    package var handler: any HTTP2SessionHandler {
        @inline(__always) get { unsafe unsafeHandler! }
        set { unsafe unsafeHandler = newValue }
    }
    let memory: HTTP2Memory
    /// The other side is a node of this mesh, as it has proved: it may say why an answer that is under way ends.
    package var isWithNode = false

    /// The time, in milliseconds from any beginning: set by the owner, before `receive` and `flush` at the latest.
    package var now: UInt64 = 0

    // What is on its way in.
    private var reader: HTTP2FrameReader
    /// The payload of a frame that came in pieces, but for DATA.
    private var held = ByteBuffer()
    /// Of a header block of several frames, those that have come.
    var fragments = ByteBuffer()
    var headers = HeadersUnderWay()
    var data = DataUnderWay()
    var decoder = HPACKDecoder()
    var block = HTTP2FieldBlock()
    /// The request that its owner is just told of.
    private(set) var pendingRequest: Int32 = 0
    private var pendingEndsStream = false
    /// When the first byte of the header block came that is not whole yet, or of another frame but DATA, as `now` was;
    /// `nil`: all that was begun is whole. Nothing else can come before the rest of it has.
    package private(set) var unfinishedSince: UInt64?
    private var isReceiving = false
    /// The peer has said what it takes, as it has to first (RFC 9113 § 3.4).
    var hasPeerSettings = false

    // What is on its way out.
    var encoder = HPACKEncoder()
    /// Frames that wait to be written, all but DATA.
    var output = ByteBuffer()
    /// What their being written means, in their order.
    var consequences: [Consequence] = []
    var waitingFrameCount = 0
    /// Answers to SETTINGS and PING among them.
    var waitingAcknowledgementCount = 0
    /// SETTINGS are among them.
    var hasWaitingSettings = false
    var sendQueue = HTTP2SendQueue()
    /// Bytes that the peer takes on all streams together.
    var sendWindow = HTTP2Settings.defaultWindow
    private var isFlushing = false
    /// The peer has not acknowledged the SETTINGS.
    var awaitsAcknowledgement = false
    /// Since when it could have, as `now` was; `nil`: it has, or they are not written.
    package internal(set) var settingsSince: UInt64?
    /// GOAWAY is queued, or was sent, and nothing that comes matters.
    private(set) var isTerminated = false
    /// Why it was ended here, and over the peer's mistake; `nil`: it was not.
    package private(set) var violation: HTTP2ErrorCode?
    private(set) var isAbandoned = false

    /// Answers that are all status.
    var reply = MessageHead(byteCapacity: 0, fieldCapacity: 0)

    // Streams.
    var streams = HTTP2StreamTable()
    /// Streams that are open on either side.
    package var openStreamCount: Int { streams.count }
    /// The highest that the peer opened, and the highest of those that were looked at.
    var lastPeerStream: Int32 = 0
    var lastTakenStream: Int32 = 0
    /// Client: the next to be opened.
    var nextStream: Int32 = 1
    var closedStreams = HTTP2ClosedStreams()
    /// A request that was answered here instead of being handed over.
    var answeredStream: Int32 = 0
    /// GOAWAY has been queued, or has come: no stream is begun any more.
    var saysGoAway = false
    var hasGoAway = false
    var lastStreamOfGoAway = Int32.max

    // Windows and settings.
    var receiveWindow = HTTP2ReceiveWindow(limit: HTTP2Settings.defaultWindow)
    /// Of a stream that is opened.
    let firstStreamWindow: Int
    /// What it may grow to.
    var widestStreamWindow: Int
    /// What open streams have beyond their first windows, all together.
    var widenedByteCount = 0
    var peer = HTTP2Settings()

    // What the peer has left.
    var budgets = Budgets()

    struct Budgets {
        var resets = HTTP2Budget()
        /// Streams that are over and that the peer may reset all the same, for all it knows.
        var lateResets = 0
        var provokedResets = HTTP2Budget()
        var settings = HTTP2Budget()
        var pings = HTTP2Budget()
        var emptyData = HTTP2Budget()
        /// Pings that are as good as paid for.
        var paidPings = 0
        /// CONTINUATION frames of the block under way.
        var continuations = 0
    }

    /// Queues the preface and the first settings. `handler` is still to be set.
    package init(role: Role, limits: HTTP2Limits, memory: HTTP2Memory) {
        self.role = role
        self.limits = limits
        self.memory = memory
        reader = HTTP2FrameReader(isServer: role == .server)
        firstStreamWindow = Int(limits.streamWindow)
        widestStreamWindow = firstStreamWindow
        if role == .client { output.append(copying: HTTP2Preface.bytes) }
        submitFirstSettings()
    }

    /// Gives back what only messages need, while there are none.
    package func releaseIdleMemory() {
        guard openStreamCount == 0, !isReceiving else { return }
        block.releaseMemory()
        streams.removeAll()
        if output.isEmpty { output.releaseMemory() }
        if held.isEmpty { held.releaseMemory() }
        if fragments.isEmpty { fragments.releaseMemory() }
    }

    // MARK: In

    /// Takes bytes of the peer, as they came.
    /// - Returns: `false` if the connection is over: `flush` what is left, then close. `isOver` tells the same of a
    ///   connection that is found to be over only when GOAWAY is written.
    package func receive(_ bytes: Span<UInt8>) -> Bool {
        guard !isReceiving, !isFlushing, goesOn else { return goesOn }
        isReceiving = true
        let begunBefore = reader.begunCount
        receiveParts(bytes)
        isReceiving = false
        if !reader.isUnfinished {
            unfinishedSince = nil
        } else if unfinishedSince == nil || reader.begunCount != begunBefore {
            unfinishedSince = now
        }
        if !isTerminated, hasTooMuchQueued { exceed(.output) }
        return goesOn && !isOver
    }

    /// More waits than the streams that are open may well have.
    private var hasTooMuchQueued: Bool {
        waitingFrameCount - 4 * openStreamCount > limits.queuedFrames
            || output.count - HTTP2Limits.fieldByteLimit * openStreamCount > limits.queuedBytes
    }

    private func receiveParts(_ bytes: Span<UInt8>) {
        var offset = 0
        while goesOn, let part = reader.next(bytes, &offset) {
            switch part {
            case .badPreface: terminate(.protocolError)
            case .header: began(reader.header)
            case .payload(let range, let isLast):
                if reader.header.type == HTTP2FrameHeader.FrameType.data {
                    receivedDataPayload(bytes.extracting(range), isLast: isLast)
                } else if isLast, held.isEmpty {
                    received(reader.header, bytes.extracting(range))
                } else {
                    held.append(copying: bytes.extracting(range))
                    if isLast { receivedHeld() }
                }
            }
        }
    }

    private func receivedHeld() {
        // Out of the session's reach for the time of the call.
        var payload = ByteBuffer()
        swap(&payload, &held)
        received(reader.header, payload.span)
        payload.removeAll()
        swap(&payload, &held)
    }

    /// What comes still matters.
    var goesOn: Bool { !isTerminated && !isAbandoned }

    // MARK: Out

    /// Writes what waits, up to about so many bytes: a frame that is begun is written whole. Streams that have something to
    /// send take turns, a frame each.
    package func flush(upTo byteLimit: Int) {
        guard !isReceiving, !isFlushing, !isAbandoned else { return }
        isFlushing = true
        defer { isFlushing = false }
        giveBackWindow()
        var flushed = 0
        while !isAbandoned {
            flushed += writeOutput()
            guard flushed < byteLimit, goesOn, let stream = sendQueue.popFirst(hasWindow: sendWindow > 0) else { break }
            flushed += sendData(of: stream)
        }
    }

    /// - Returns: How many bytes that were.
    private func writeOutput() -> Int {
        guard !output.isEmpty else { return 0 }
        if hasWaitingSettings {
            hasWaitingSettings = false
            // One that knows what comes may have acknowledged it already.
            if awaitsAcknowledgement { settingsSince = now }
        }
        waitingFrameCount = 0
        waitingAcknowledgementCount = 0
        var frames = ByteBuffer()
        swap(&frames, &output)
        handler.write(frames.span)
        let byteCount = frames.count
        if output.isEmpty {
            frames.removeAll()
            swap(&frames, &output)
        }
        if !consequences.isEmpty { applyConsequences() }
        return byteCount
    }

    /// `flush` would write something.
    package var wantsWrite: Bool {
        guard !isAbandoned else { return false }
        return !output.isEmpty || owesWindow || (!isTerminated && sendQueue.hasNext(hasWindow: sendWindow > 0))
    }

    /// Nothing is to be read or written any more.
    package var isOver: Bool {
        if isAbandoned { return true }
        guard output.isEmpty else { return false }
        return isTerminated || ((saysGoAway || hasGoAway) && openStreamCount == 0)
    }

    /// The connection is gone: no stream and no handler is called any more. To be said before streams are let go of.
    package func abandon() {
        guard !isAbandoned else { return }
        isAbandoned = true
        // They may be used again, on another session: nothing here leads to them any more, nor from them here.
        sendQueue.removeAll()
        streams.visit { $0.leave() }
        streams.removeAll()
    }

    // MARK: The end

    /// Server: the first of two steps of ending a connection (RFC 9113 § 6.8). Streams that were on their way are still taken.
    package func announceGoAway() {
        guard goesOn, !saysGoAway else { return }
        queueGoAway(lastStream: .max, .noError)
    }

    /// Takes no more streams. With `noError` those there are go on, and the session is over after the last; else it is over.
    package func goAway(_ code: HTTP2ErrorCode) {
        guard code == .noError else { return terminate(code) }
        guard goesOn else { return }
        saysGoAway = true
        queueGoAway(lastStream: lastTakenStream, .noError)
    }

    func terminate(_ code: HTTP2ErrorCode) {
        guard !isTerminated else { return }
        queueGoAway(lastStream: lastTakenStream, code)
        violation = code
        isTerminated = true
    }

    func exceed(_ limit: HTTP2Limit) {
        guard !isTerminated else { return }
        terminate(.enhanceYourCalm)
        handler.exceeded(limit)
    }

    // MARK: Requests

    func tell(ofRequest id: Int32, endsStream: Bool) {
        pendingRequest = id
        pendingEndsStream = endsStream
        handler.receivedRequest(id, endsStream: endsStream)
        pendingRequest = 0
    }

    /// Server: takes the head of the request that `receivedRequest` told of, in canonical form.
    /// - Parameters:
    ///   - head: What it held is gone; its memory is used for the next.
    ///   - scheme: The listener's.
    /// - Throws: Why it has no canonical form. The caller is answered already; nothing is left to be done.
    package func takeRequest(into head: inout MessageHead, scheme: Scheme) throws(HTTP2Error) -> HTTP2RequestFraming {
        precondition(pendingRequest != 0, "no request is there to be taken")
        do throws(HTTP2Error) {
            let framing = try block.canonicalize(scheme: scheme, endsStream: pendingEndsStream, limits: limits)
            swap(&block.head, &head)
            pendingFraming = framing
            return framing
        } catch {
            refuse(pendingRequest, error, endsStream: pendingEndsStream)
            throw error
        }
    }

    /// Of the request that was taken last.
    private var pendingFraming = HTTP2RequestFraming()

    /// Server: gives a stream to the request that was just taken.
    package func attach(_ stream: HTTP2Stream, to id: Int32) {
        open(stream, id)
        stream.state.receiveHead()
        if pendingEndsStream { stream.state.receiveEnd() }
        stream.isTunnel = pendingFraming.tunnel != .none
        stream.declaredByteCount = pendingFraming.contentLength
    }

    func open(_ stream: HTTP2Stream, _ id: Int32) {
        stream.begin(
            id, in: ObjectIdentifier(self), at: now, receiveWindow: firstStreamWindow,
            sendWindow: peer.initialWindow)
        streams.insert(stream, id)
    }
}
