import EventLoops
import HTTPSemantics
import WireProtocols

/// A connection that speaks HTTP/2 (RFC 9113), as either side: the session's frames on their way in and out, its streams,
/// and the signs of life.
class HTTP2Connection: StreamConnection, HTTP2SessionHandler {
    final let session: HTTP2Session
    private(set) final var streams: [CallStream] = []
    private final var windows: AdaptiveWindow
    private final var keepalive: Keepalive
    /// Since when there is no stream.
    private(set) final var idleSince: DeadlineWheel.Time
    private final var hasReleasedBuffers = false
    /// No stream is begun any more; the connection ends after the last.
    private(set) final var isDraining = false

    /// Time between the two steps of a GOAWAY, if no ping tells it: requests that are on their way still have their turn.
    private static let goAwayMilliseconds: UInt64 = 1_000

    private enum Ping {
        static let keepalive: UInt64 = 1
        static let window: UInt64 = 2
        static let goAway: UInt64 = 3
    }

    init(bench: Workbench, transport: consuming Transport, role: HTTP2Session.Role, limits: HTTP2Limits) {
        windows = AdaptiveWindow(limits)
        keepalive = Keepalive(at: bench.loop.now)
        idleSince = bench.loop.now
        session = HTTP2Session(role: role, limits: limits, memory: bench.http2Memory)
        super.init(bench: bench, transport: transport, state: .connecting)
        begin()
    }

    init(takingOver other: StreamConnection, role: HTTP2Session.Role, limits: HTTP2Limits) {
        windows = AdaptiveWindow(limits)
        keepalive = Keepalive(at: other.bench.loop.now)
        idleSince = other.bench.loop.now
        session = HTTP2Session(role: role, limits: limits, memory: other.bench.http2Memory)
        super.init(takingOver: other)
        begin()
    }

    private func begin() {
        session.handler = self
        session.now = loop.now
        requestOutput()
    }

    // MARK: What subclasses do

    /// The last stream ended.
    func becameIdle() {}
    /// How long the connection may be without a stream, in milliseconds.
    var idleMilliseconds: UInt64 { bench.timeouts.idle }
    /// How long the other side may be silent.
    var patience: Keepalive.Patience { .ofCallers(delivery: bench.timeouts.stream) }
    /// How long a header block, or a frame that is no body's, may take from its first byte to its last, in milliseconds.
    var headMilliseconds: UInt64 { bench.timeouts.requestHead }
    /// One took longer; the connection ends.
    func headTimedOut() {}
    /// By when the other side must have said what it takes; `nil`: it has, or need not.
    var settingsAwaitedUntil: DeadlineWheel.Time? { nil }
    /// It has not.
    func settingsMissing() {}
    /// The other side begins no stream, or takes none, any more.
    func receivedGoAway() {}
    /// The other side takes nothing any more; the connection ends.
    func readerStalled() {}

    // MARK: Streams

    final func add(_ stream: CallStream) {
        stream.index = streams.count
        streams.append(stream)
        if streams.count == 1 { updateDeadline() }
    }

    final func remove(_ stream: CallStream) {
        let index = stream.index
        guard index >= 0 else { return }
        stream.index = -1
        let last = streams.removeLast()
        if last !== stream {
            streams[index] = last
            last.index = index
        }
        guard streams.isEmpty, isOpen else { return }
        idleSince = loop.now
        hasReleasedBuffers = false
        updateDeadline()
        becameIdle()
    }

    /// Ends every stream that is left.
    private func endStreams() {
        while let stream = streams.popLast() {
            stream.index = -1
            stream.connectionLost()
        }
    }

    // MARK: Input

    override func received(_ bytes: Span<UInt8>) {
        keepalive.heard(at: loop.now)
        session.now = loop.now
        let isAlive = session.receive(bytes)
        guard isOpen else { return }
        requestOutput()
        guard isAlive else { return finish() }
        // What is begun is looked at when it should be whole; what is, costs nothing here.
        if session.unfinishedSince == loop.now { updateDeadline() }
    }

    override func inputEnded() {
        // Who ends its half says nothing more, and so nothing can be asked of it.
        close()
    }

    override func closed() {
        session.abandon()
        endStreams()
    }

    /// Bytes of a body came: tells the session to make room for more as the path needs it.
    final func received(bodyBytes: Int) {
        guard windows.shouldProbe(after: bodyBytes, now: loop.now) else { return }
        session.ping(Ping.window)
        requestOutput()
    }

    // MARK: Output

    override func fillOutput() -> Bool {
        guard state == .open || state == .finishing else { return false }
        let room = OutputQueue.highWatermark - queuedByteCount
        if room > 0, session.wantsWrite {
            session.now = loop.now
            session.flush(upTo: room)
            // Only with SETTINGS: their time begins here.
            if session.settingsSince == loop.now {
                settingsEnd = outputOffset
                updateDeadline()
            }
            // What it was given up for may be found out here, or have been said here.
            if session.isOver { sessionEnded() }
        }
        // Also where there is no room yet: the socket may take all that is queued, and would not say so again.
        return session.wantsWrite
    }

    /// All is said. Nothing comes of the streams that are left, however long the other side takes to close.
    private func sessionEnded() {
        finish()
        session.abandon()
        endStreams()
    }

    // MARK: HTTP2SessionHandler

    func receivedRequest(_ id: Int32, endsStream: Bool) {}
    func receivedSettings() {}
    func exceeded(_ limit: HTTP2Limit) { bench.counters.http2Limits[limit.name, default: 0] += 1 }
    func refusedStream(_ id: Int32, _ error: HTTP2Error) {}
    func completeAnswer(_ head: inout MessageHead, refusing error: HTTP2Error) { bench.date.add(to: &head) }

    func receivedGoAway(lastStream: Int32, code: HTTP2ErrorCode) { receivedGoAway() }

    func receivedPingAcknowledgement(_ payload: UInt64) {
        switch payload {
        case Ping.window:
            if let window = windows.probed() {
                session.setWindows(stream: window.stream, connection: window.connection)
                requestOutput()
            }
        case Ping.goAway: lastGoAway()
        default: break
        }
    }

    // MARK: The end

    /// Ends in two steps (RFC 9113 § 6.8): what the other side sent before it heard of it is still answered.
    func drain() {
        guard isOpen, beginDraining() else { return }
        session.announceGoAway()
        session.ping(Ping.goAway)
        requestOutput()
        goAwayDue = loop.now + Self.goAwayMilliseconds
        updateDeadline()
    }

    override func termEnds() { drain() }

    /// What crosses the end on its way here can be sent again elsewhere.
    override func giveWay() {
        if isOpen { session.goAway(.noError) }
        super.giveWay()
    }

    /// - Returns: `false` if it has been said before.
    final func beginDraining() -> Bool {
        guard !isDraining else { return false }
        isDraining = true
        return true
    }

    /// When the second step is due; `nil`: not under way.
    private final var goAwayDue: DeadlineWheel.Time?

    private func lastGoAway() {
        guard goAwayDue != nil else { return }
        goAwayDue = nil
        session.goAway(.noError)
        requestOutput()
        if streams.isEmpty { finish() } else { updateDeadline() }
    }

    /// Nothing under way, and nothing to come.
    final var isDone: Bool { isDraining && goAwayDue == nil && streams.isEmpty }

    // MARK: Deadlines

    override func deadlinePassed() {
        guard isOpen else { return close() }
        let now = loop.now
        if hasReaderStalled() {
            readerStalled()
            return abort()
        }
        guard lookAtTerm() else { return }
        if let due = goAwayDue, due <= now { return lastGoAway() }
        if let due = headDue, due <= now {
            // Until the rest comes nothing else can, for any stream (RFC 9113 § 4.3): none is worth waiting for.
            headTimedOut()
            return end(.enhanceYourCalm)
        }
        if let due = settingsDue, due <= now {
            if let last = readerProgress(upTo: &settingsEnd) { settingsTaken = last }
            if let due = settingsDue, due <= now { return end(.settingsTimeout) }
        }
        if let due = settingsAwaitedUntil, due <= now {
            settingsMissing()
            guard isOpen else { return }
        }
        // Who has ended its half can say nothing of itself any more.
        if !hasInputEnded {
            let step = keepalive.step(
                hasStreams: !streams.isEmpty, patience, at: now, outputEnd: outputOffset, progress: readerProgress)
            switch step {
            case .wait: break
            case .ask:
                session.ping(Ping.keepalive)
                requestOutput()
            case .giveUp: return lost()
            }
        }
        if streams.isEmpty {
            if idleSince + idleMilliseconds <= now {
                session.goAway(.noError)
                return finish()
            }
            if !hasReleasedBuffers, idleSince + Self.bufferReleaseMilliseconds <= now {
                releaseIdleBuffers()
                session.releaseIdleMemory()
                hasReleasedBuffers = true
            }
        }
        updateDeadline()
    }

    private var headDue: DeadlineWheel.Time? { session.unfinishedSince.map { $0 + headMilliseconds } }

    /// Where SETTINGS that wait for their acknowledgement end in the output, at the latest; 0: the other side is known to have them.
    private final var settingsEnd: UInt64 = 0
    /// When the other side was last seen to take what stands before their end.
    private final var settingsTaken: DeadlineWheel.Time = 0

    /// When SETTINGS must be acknowledged (RFC 9113 § 6.5.3): a reader that takes anything has come to them by then.
    private var settingsDue: DeadlineWheel.Time? {
        session.settingsSince.map { max($0, settingsTaken) + bench.timeouts.stream }
    }

    /// Gives the connection up, with all its streams, and says why.
    private func end(_ code: HTTP2ErrorCode) {
        session.goAway(code)
        requestOutput()
        finish()
    }

    /// The other side is gone without a word.
    private func lost() {
        abort()
        broken()
    }

    final func updateDeadline() {
        guard isOpen else { return }
        var deadline = outputDeadline ?? .max
        if let goAwayDue { deadline = min(deadline, goAwayDue) }
        if let headDue { deadline = min(deadline, headDue) }
        if let settingsDue { deadline = min(deadline, settingsDue) }
        if let settingsAwaitedUntil { deadline = min(deadline, max(settingsAwaitedUntil, loop.now + 1)) }
        if let termDue { deadline = min(deadline, max(termDue, loop.now + 1)) }
        if streams.isEmpty {
            deadline = min(deadline, idleSince + idleMilliseconds)
            if !hasReleasedBuffers { deadline = min(deadline, idleSince + Self.bufferReleaseMilliseconds) }
        } else {
            // The output may come to wait without a word here: this is looked at again.
            deadline = min(deadline, loop.now + bench.timeouts.stream)
        }
        if !hasInputEnded, let due = keepalive.due(hasStreams: !streams.isEmpty, patience) {
            deadline = min(deadline, max(due, loop.now + 1))
        }
        setDeadline(deadline)
    }
}
