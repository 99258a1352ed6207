import CallOutcomes
import Telemetry

/// What each side of a call must see, and what is written down of it: from RFC 9110, policy.md and what the reference promises,
/// and never from what Heddle does.
struct Expectation {
    struct View {
        /// `nil`, here and below: whatever it is.
        var interim: [Int]? = []
        var start = ""
        var body: [UInt8]? = []
        var trailers: [String: String] = [:]
        var isWhole = false
        var fates: Set<Sighting.Fate> = [.none, .closed]
    }

    /// What stands in metrics and log.
    struct Record: Hashable {
        var status: Int
        var reason: FailureReason
    }

    var caller: View
    /// `nil`: it hears nothing of the call.
    var workload: View?
    /// Of the node that judged the call; `nil`: two clocks run, and either may be first.
    var record: Record?

    init(of cell: Cell) {
        let told = Telling(cell: cell)
        switch cell.condition {
        case .plain, .unreachable, .refused:
            // RFC 9110 § 15, policy.md "retry only what was not processed or is idempotent": it is as if nothing had been.
            self = told.whole
        case .brokenOff:
            self = cell.isIdempotent ? told.whole : told.failed(.upstreamFailed, 502, at: told.lastPointBeforeAnswer)
        case .stalls(_, _) where cell.way.isOpenEnded: self = told.whole
        case .stalls(.caller, let point):
            // RFC 9110 § 15.5.9.
            self = told.failed(.timeout, 408, at: point)
            if cell.way.place == .elsewhere { record = nil }
        case .stalls(.workload, let point), .takesNothing(.workload, let point):
            // RFC 9110 § 15.6.5.
            self = told.failed(.timeout, 504, at: point)
            if cell.way.place == .elsewhere { record = nil }
            // The time runs since the step before.
            if point == .interim { caller.interim = nil }
            caller.body = nil
            if case .takesNothing = cell.condition { workload?.body = nil }
            if cell.way.caller.isTunnel { workload?.body = nil }
        case .takesNothing(.caller, let point):
            self = told.cut(.callerGone, at: point)
            caller.body = nil
            record = nil
        case .ends(.caller, let point):
            // RFC 9112 § 9.6, decision 0031: what was asked for whole is answered; what is not whole never will be.
            if point == .requestHead { self = told.abandoned(at: point) } else { self = told.halfEnded(.caller, point) }
        case .ends(.workload, let point):
            if cell.way.caller.isTunnel, point >= .responseHead {
                self = told.halfEnded(.workload, point)
            } else {
                self = told.failed(.upstreamFailed, 502, at: point)
            }
        case .resets(.caller, let point): self = told.abandoned(at: point)
        case .resets(.workload, let point): self = told.failed(.upstreamFailed, 502, at: point)
        case .denied(.start):
            self = told.failed(.denied, 403, at: .start)
            workload = nil
        // policy.md "Order": live streams, upgraded and TCP connections are judged again, and closed.
        case .denied(let point): self = told.failed(.denied, 403, at: point)
        }
        // Whoever ended or reset the workload's side is the workload.
        switch cell.condition {
        case .ends(.workload, _), .resets(.workload, _), .brokenOff: workload?.fates = [.none, .closed, .reset]
        default: break
        }
    }

    fileprivate init(caller: View, workload: View?, record: Record?) {
        self.caller = caller
        self.workload = workload
        self.record = record
    }
}

/// What is told to whom by which point.
private struct Telling {
    let cell: Cell

    private var isTunnel: Bool { cell.way.caller.isTunnel }
    private var both: [UInt8] { cell.pieces.first + cell.pieces.second }
    private var answerStatus: Int { cell.way.caller == .tcp ? 200 : cell.status }

    /// Where an endpoint breaks off that has heard what it is asked.
    var lastPointBeforeAnswer: Point { cell.way.caller == .tcp ? .responseBody : .request }

    var whole: Expectation {
        Expectation(
            caller: answer(at: nil), workload: request(at: nil),
            record: Expectation.Record(status: answerStatus, reason: .none))
    }

    /// What the workload has of the request; `nil`: by the end of it all.
    private func request(at point: Point?) -> Expectation.View {
        var view = Expectation.View()
        view.start = cell.way.caller.isWebSocket ? "WebSocket" : cell.way.caller == .tcp ? "" : cell.method
        if isTunnel {
            let isRefused = cell.shape == .empty
            view.body = point == nil && !isRefused ? both : point == .responseBody ? cell.pieces.first : []
            view.isWhole = point == nil && !isRefused
            if isRefused { view.fates.insert(.reset) }
        } else {
            let isPart = point == .requestHead
            view.body = !cell.hasRequestBody ? [] : isPart ? cell.pieces.first : both
            view.trailers = isPart ? [:] : cell.requestTrailers
            view.isWhole = !isPart
        }
        return view
    }

    /// What the caller has of the answer; `nil`: by the end of it all.
    private func answer(at point: Point?) -> Expectation.View {
        var view = Expectation.View()
        if cell.shape == .interim, point ?? .responseBody >= .interim { view.interim = [103] }
        if point ?? .responseBody >= .responseHead, cell.way.caller != .tcp {
            // RFC 8441 § 5: over HTTP/2 any success accepts.
            let isAccepted = cell.way.caller == .webSocket2 && cell.status == 101
            view.start = isAccepted ? "200" : "\(cell.status)"
        }
        guard let point else {
            view.body = cell.hasAnswerBody ? both : []
            view.trailers = cell.answerTrailers
            view.isWhole = true
            return view
        }
        if point == .responseBody { view.body = cell.pieces.first }
        return view
    }

    /// It is told to the caller, or, if the answer is under way, its answer is cut (RFC 9112 § 8, RFC 9113 § 8.1).
    func failed(_ reason: FailureReason, _ status: Int, at point: Point) -> Expectation {
        guard point < .responseHead, cell.way.caller != .tcp else { return cut(reason, at: point) }
        var caller = answer(at: point)
        caller.body = nil
        caller.isWhole = true
        if cell.way.caller == .grpc {
            caller.start = "200"
            caller.trailers = ["grpc-status": "\(Self.grpcStatus(reason))"]
        } else {
            caller.start = "\(status)"
        }
        var workload = request(at: point)
        workload.fates = [.reset]
        return Expectation(
            caller: caller, workload: workload, record: Expectation.Record(status: status, reason: reason))
    }

    func cut(_ reason: FailureReason, at point: Point) -> Expectation {
        var caller = answer(at: point)
        caller.fates = [.reset]
        if cell.way.caller == .grpc, reason == .timeout || reason == .denied {
            // gRPC over HTTP/2, "Responses": the trailers say why, if it was decided here.
            caller.fates = [.none, .closed]
            caller.isWhole = true
            caller.trailers = ["grpc-status": "\(Self.grpcStatus(reason))"]
        }
        var workload = request(at: point)
        workload.fates = [.reset]
        let isDeniedConnection = cell.way.caller == .tcp && point == .start
        let status = isDeniedConnection ? 403 : answerStatus
        return Expectation(
            caller: caller, workload: workload,
            record: isSeenOpen(by: point) ? Expectation.Record(status: status, reason: reason) : nil)
    }

    /// The caller wants no more, or has promised more than will ever come.
    func abandoned(at point: Point) -> Expectation {
        var caller = answer(at: point)
        caller.fates = [.none, .closed, .reset]
        var workload = request(at: point)
        workload.fates = [.reset]
        let status = point >= .responseHead ? answerStatus : 0
        return Expectation(
            caller: caller, workload: workload,
            record: isSeenOpen(by: point) ? Expectation.Record(status: status, reason: .callerGone) : nil)
    }

    /// A connection of TCP is up at once for its workload's kernel, and for Heddle once it has looked: nothing but a byte tells.
    private func isSeenOpen(by point: Point) -> Bool { cell.way.caller != .tcp || point != .responseHead }

    /// One side has said all that it will say, and hears the rest.
    func halfEnded(_ side: Side, _ point: Point) -> Expectation {
        var expectation = whole
        guard isTunnel else { return expectation }
        let said = point == .responseBody ? cell.pieces.first : []
        if side == .caller { expectation.workload?.body = said } else { expectation.caller.body = said }
        return expectation
    }

    /// grpc.md, "How failures are told".
    private static func grpcStatus(_ reason: FailureReason) -> Int {
        switch reason {
        case .denied: 7
        case .timeout: 4
        default: 14
        }
    }
}

extension Expectation.View {
    /// How what was seen differs; `nil`: it does not.
    func difference(_ seen: Sighting) -> String? {
        var wrong: [String] = []
        if let interim, seen.interim != interim { wrong.append("1xx \(interim)") }
        if seen.start != start { wrong.append("\"\(start)\"") }
        if let body, seen.body != body { wrong.append("\(body.count) bytes") }
        if seen.trailers != trailers { wrong.append("trailers \(trailers)") }
        if seen.isWhole != isWhole { wrong.append(isWhole ? "a whole message" : "no whole message") }
        if !fates.contains(seen.fate) { wrong.append("an end of \(fates.map(\.rawValue).sorted())") }
        if seen.excess > 0 { wrong.append("no more than that") }
        return wrong.isEmpty ? nil : "should see \(wrong.joined(separator: ", ")), and saw: \(seen)"
    }
}
