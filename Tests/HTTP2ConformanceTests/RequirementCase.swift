import Testing

/// One requirement, as a peer can see whether it is kept: what is sent, and what must come of it.
struct RequirementCase: Sendable, CustomTestStringConvertible {
    /// Of RFC 9113, unless the table it stands in says otherwise.
    let section: String
    let requirement: String
    /// Of the client's preface.
    var settings: [Setting] = []
    let steps: [Step]
    let outcome: Outcome
    /// Stricter than the RFC, or of a proxy alone.
    private var isHeddlesOwn = false

    init(
        _ section: String, _ requirement: String, settings: [Setting] = [], send frames: [Frame], _ outcome: Outcome
    ) {
        self.init(section, requirement, settings: settings, steps: [.send(frames)], outcome)
    }

    init(
        _ section: String, _ requirement: String, settings: [Setting] = [], steps: [Step], _ outcome: Outcome
    ) {
        self.section = section
        self.requirement = requirement
        self.settings = settings
        self.steps = steps
        self.outcome = outcome
    }

    var testDescription: String { "§ \(section) \(requirement)" }

    /// The same, and not required of any server but Heddle.
    var ofHeddle: RequirementCase {
        var requirement = self
        requirement.isHeddlesOwn = true
        return requirement
    }

    enum Step: Sendable {
        case send([Frame])
        /// Frames that are made for the peer's SETTINGS_MAX_FRAME_SIZE.
        case sendSized(@Sendable (Int) -> [Frame])
        /// Until the stream has ended or was reset.
        case readEnd(of: UInt32)
        /// Until all sent so far was looked at.
        case roundTrip

        static func send(_ frames: Frame...) -> Step { .send(frames) }
    }

    func run(at server: TestedServer, sourceLocation: SourceLocation = #_sourceLocation) throws {
        guard TestedServer.other == nil || !isHeddlesOwn else { return }
        let probe = HTTP2Probe(try server.connect(), role: .client)
        try #require(probe.shakeHands(settings), "no handshake; \(probe.story)", sourceLocation: sourceLocation)
        for step in steps {
            switch step {
            case .send(let frames): probe.send(frames)
            case .sendSized(let frames): probe.send(frames(Int(probe.peerSettings[5] ?? 16_384)))
            case .readEnd(let stream): probe.readEnd(of: stream)
            case .roundTrip: probe.makeRoundTrip()
            }
        }
        outcome.expect(of: probe, self, sourceLocation: sourceLocation)
    }
}

/// What a peer does about what it got.
enum Outcome: Sendable {
    /// GOAWAY with one of these codes, and the end of the connection (RFC 9113 § 5.4.1).
    case connectionError(Set<Code>)
    /// RST_STREAM with one of these codes, and the connection goes on (§ 5.4.2).
    case streamError(UInt32, Set<Code>)
    /// Either of both: any stream error may be made one of the connection (§ 5.4.1).
    case error(UInt32, Set<Code>)
    /// RST_STREAM with PROTOCOL_ERROR, or a status that refuses it (§ 8.1.1).
    case malformed(UInt32)
    /// A whole response with this status.
    case answer(UInt32, Int)
    /// A whole response with any status but 400.
    case taken
    /// Nothing: no stream was reset, and the connection goes on.
    case nothing
    /// The stream is not answered again, and neither is anything else said, except perhaps one of these errors.
    case nothingOrError(UInt32, Set<Code>)
    /// Anything but an answer of success: a status that refuses it, a reset, or the end of the connection.
    case refusedOrEnded(UInt32)
    /// The end of the connection, whatever was said before.
    case end

    static func connectionError(_ codes: Code...) -> Outcome { .connectionError(Set(codes)) }
    static func streamError(_ codes: Code..., on stream: UInt32 = 1) -> Outcome { .streamError(stream, Set(codes)) }
    static func error(_ codes: Code..., on stream: UInt32 = 1) -> Outcome { .error(stream, Set(codes)) }
    static func nothingOrError(_ codes: Code..., on stream: UInt32 = 1) -> Outcome {
        .nothingOrError(stream, Set(codes))
    }
    static let malformed = Outcome.malformed(1)
    static let answer = Outcome.answer(1, 200)

    func expect(of probe: HTTP2Probe, _ what: some CustomTestStringConvertible, sourceLocation: SourceLocation) {
        guard let problem = problem(probe) else { return }
        Issue.record("\(what.testDescription): \(problem)", sourceLocation: sourceLocation)
    }

    /// What is otherwise than it must be, and what the peer said altogether.
    func problem(_ probe: HTTP2Probe) -> String? {
        let problems = (difference(probe).map { [$0] } ?? []) + probe.conduct.complaints
        return problems.isEmpty ? nil : problems.joined(separator: "; ") + "; \(probe.story)"
    }

    /// What is otherwise than it must be.
    private func difference(_ probe: HTTP2Probe) -> String? {
        switch self {
        case .connectionError(let codes):
            probe.read { $0.connectionError != nil }
            guard let code = probe.connectionError else { return "no GOAWAY with an error" }
            guard codes.contains(code) else { return "GOAWAY with \(code), not \(codes)" }
            return probe.readToEnd() ? nil : "the connection stays open after GOAWAY"
        case .streamError(let id, let codes):
            probe.read { $0.stream(id).reset != nil || !$0.goAways.isEmpty }
            guard let code = probe.stream(id).reset else { return "no RST_STREAM" }
            guard codes.contains(code) else { return "RST_STREAM with \(code), not \(codes)" }
            return goesOn(probe)
        case .error(let id, let codes):
            probe.read { $0.stream(id).reset != nil || $0.connectionError != nil }
            guard let code = probe.stream(id).reset ?? probe.connectionError else { return "no error" }
            guard codes.contains(code) else { return "\(code), not \(codes)" }
            return probe.connectionError == nil ? goesOn(probe) : nil
        case .malformed(let id):
            probe.readEnd(of: id)
            let stream = probe.stream(id)
            let isRefused = stream.status.map { (400..<600).contains($0) } ?? (stream.reset == .protocolError)
            guard isRefused else { return "not refused" }
            return goesOn(probe)
        case .answer(let id, let status):
            probe.readEnd(of: id)
            let stream = probe.stream(id)
            guard stream.hasEnded, stream.status == status else { return "no whole answer with \(status)" }
            return goesOn(probe)
        case .taken:
            probe.readEnd(of: 1)
            let stream = probe.stream(1)
            guard stream.hasEnded, let status = stream.status, status != 400 else { return "no answer, or 400" }
            return goesOn(probe)
        case .nothing:
            if let difference = goesOn(probe) { return difference }
            return probe.streams.values.contains { $0.reset != nil } ? "a stream is reset" : nil
        case .nothingOrError(let id, let codes):
            let isAlive = probe.makeRoundTrip()
            guard probe.stream(id).heads.count <= 1 else { return "the stream is answered again" }
            guard let code = probe.connectionError ?? probe.stream(id).reset else {
                return isAlive ? nil : "neither an error nor an answer to PING"
            }
            return codes.contains(code) ? nil : "\(code), not \(codes)"
        case .refusedOrEnded(let id):
            probe.readEnd(of: id)
            let stream = probe.stream(id)
            if let status = stream.status { return (400..<500).contains(status) ? nil : "an answer with \(status)" }
            return stream.reset != nil || probe.connectionError != nil ? nil : "neither an answer nor an error"
        case .end:
            return probe.readToEnd() ? nil : "the connection stays open"
        }
    }

    private func goesOn(_ probe: HTTP2Probe) -> String? {
        probe.makeRoundTrip() && probe.goAways.isEmpty ? nil : "the connection does not go on"
    }
}

extension HTTP2Probe {
    /// The first GOAWAY that is no good-bye.
    var connectionError: Code? { goAways.lazy.map(\.code).first { $0 != .noError } }
}
