import Glibc

/// One call, driven from both of its sides by one thread, so that each step follows what the one before was to bring about.
final class CellRun {
    struct Outcome: Sendable {
        var caller = Sighting()
        /// `nil`: nobody called it.
        var workload: Sighting?
        /// Calls that were made, for metrics.
        var callCount = 1
        /// What went wrong besides.
        var problem: String?
    }

    private let cell: Cell
    private let site: MatrixWorld.Site
    private let reload: Reload
    private var caller: Wire!
    private var workload: Wire!
    private var ears: [Ear]
    /// Who has ended their half.
    private var ended: Set<Side> = []
    private var outcome = Outcome()

    /// Longer than any timeout of the mesh that would hold: a peer that is slow.
    private static let slowness = Duration.milliseconds(300)

    init(_ cell: Cell, at site: MatrixWorld.Site, reload: Reload) {
        self.cell = cell
        self.site = site
        self.reload = reload
        ears = site.live
    }

    func run() -> Outcome {
        do {
            // A connection of TCP is the call.
            if cell.way.caller == .tcp { _ = goesOn(.start) }
            caller = try connect()
            if cell.way.caller != .tcp { _ = goesOn(.start) }
        } catch {
            outcome.problem = "cannot connect: \(error)"
            return outcome
        }
        if cell.way.caller.isTunnel { tunnel() } else { call() }
        outcome.caller = caller.seen
        outcome.workload = workload?.seen
        if ears.contains(where: \.isCalled) { outcome.problem = "the workload is called once more" }
        if outcome.problem == nil, cell.condition == .plain, !cell.way.caller.isTunnel { callNext() }
        return outcome
    }

    /// Asks what nobody is to hear.
    func askInVain() throws -> Sighting {
        caller = try connect()
        caller.send(requestHead)
        caller.hearAll()
        return caller.seen
    }

    private func connect() throws -> Wire {
        let link = try Link(port: site.port)
        if case .takesNothing(.caller, _) = cell.condition { link.limitInput(to: 4_096) }
        return switch cell.way.caller {
        case .http1, .webSocket1: HTTP1Wire(link, .caller)
        case .http2, .grpc, .webSocket2: HTTP2Wire(link, .caller)
        case .tcp: ByteWire(link, .caller)
        }
    }

    /// The next connection at an endpoint of the service.
    private func accept() -> Bool {
        guard let index = Link.waits(for: ears.map(\.descriptor), POLLIN, Link.patience),
            let link = ears[index].accept()
        else {
            outcome.problem = "nobody calls the workload"
            return false
        }
        if ears.count > 1 { ears.remove(at: index) }
        if case .takesNothing(.workload, _) = cell.condition { link.limitInput(to: 4_096) }
        workload =
            switch cell.way.workload {
            case .http1: HTTP1Wire(link, .workload)
            case .http2: HTTP2Wire(link, .workload)
            case .tcp: ByteWire(link, .workload)
            }
        return true
    }

    // MARK: Calls

    private func call() {
        let pieces = cell.pieces
        caller.send(requestHead)
        if cell.hasRequestBody { caller.say(pieces.first) }
        if cell.condition == .denied(.start) {
            sayRest()
            return caller.hearAll()
        }
        guard accept() else { return }
        let firstCount = cell.hasRequestBody ? pieces.first.count : 0
        workload.hear { !$0.start.isEmpty && $0.body.count >= firstCount }
        guard goesOn(.requestHead) else { return }
        sayRest()
        workload.hearAll()
        guard goesOn(.request), isTriedAgain(hearing: { $0.isOver }) else { return }
        answer()
    }

    private func sayRest() {
        guard cell.hasRequestBody, !ended.contains(.caller) else { return }
        caller.say(cell.pieces.second)
        caller.finish(trailers: cell.requestTrailers)
    }

    private func answer() {
        guard sendInterim() else { return }
        workload.send(answerHead)
        if cell.hasAnswerBody {
            caller.hear { !$0.start.isEmpty }
            guard goesOn(.responseHead) else { return }
            let pieces = cell.pieces
            workload.say(pieces.first)
            caller.hear { $0.body.count >= pieces.first.count }
            guard goesOn(.responseBody) else { return }
            workload.say(pieces.second)
            workload.finish(trailers: cell.answerTrailers)
        }
        caller.hearAll()
    }

    /// - Returns: Whether the call goes on.
    private func sendInterim() -> Bool {
        guard cell.shape == .interim else { return true }
        workload.send(Head(start: "103", fields: [("link", "</style.css>")], hasBody: true))
        caller.hear { !$0.interim.isEmpty }
        return goesOn(.interim)
    }

    private var requestHead: Head {
        var head = Head(
            start: cell.method, host: site.service, path: "/cell", hasBody: cell.hasRequestBody,
            isWebSocket: cell.way.caller.isWebSocket)
        if cell.way.caller == .grpc { head.fields = [("content-type", "application/grpc"), ("te", "trailers")] }
        return head
    }

    private var answerHead: Head {
        var head = Head(start: "\(cell.status)", hasBody: cell.hasAnswerBody)
        switch cell.shape {
        case .get, .interim: head.length = cell.pieces.first.count + cell.pieces.second.count
        case .head: head.length = 5
        case .empty: head.length = cell.way.workload == .http1 ? 0 : nil
        case .notModified: head.fields = [("etag", "\"1\"")]
        case .pieces, .noContent, .trailers, .window: break
        }
        if cell.way.caller == .grpc {
            head.fields = [("content-type", "application/grpc")]
            if cell.shape == .empty { head.fields += cell.answerTrailers.map { ($0.key, $0.value) } }
        }
        return head
    }

    /// Another call on the same connections: each must know where the one before it ended.
    private func callNext() {
        outcome.callCount += 1
        caller.beginNext()
        workload.beginNext()
        caller.send(Head(start: "GET", host: site.service, path: "/next", hasBody: false))
        let descriptors = [workload.link.descriptor] + ears.map(\.descriptor)
        if Link.waits(for: descriptors, POLLIN, Link.patience) == 0 { workload.hear { !$0.start.isEmpty } }
        if workload.seen.start.isEmpty {
            guard accept() else { return }
            workload.hear { !$0.start.isEmpty }
        }
        workload.send(Head(start: "200", length: 4, hasBody: true))
        workload.say(Array("next".utf8))
        if cell.way.workload == .http2 { workload.finish(trailers: [:]) }
        caller.hearAll()
        let seen = caller.seen
        if seen.start != "200" || seen.body != Array("next".utf8) || seen.excess > 0 {
            outcome.problem = "the next call on its connection sees: \(seen)"
        }
    }

    // MARK: Tunnels

    private func tunnel() {
        if cell.way.caller.isWebSocket { caller.send(requestHead) }
        if cell.condition == .denied(.start) { return caller.hearAll() }
        guard accept() else { return }
        if cell.way.caller.isWebSocket {
            workload.hear { !$0.start.isEmpty }
            guard goesOn(.request), isTriedAgain(hearing: { !$0.start.isEmpty }), sendInterim() else { return }
            guard cell.shape != .empty else {
                workload.send(answerHead)
                return caller.hearAll()
            }
            workload.send(Head(start: "101", hasBody: true, isWebSocket: true))
            caller.hear { !$0.start.isEmpty }
        }
        guard goesOn(.responseHead) else { return }
        say(.caller, cell.pieces.first)
        say(.workload, cell.pieces.first)
        guard goesOn(.responseBody) else { return }
        if cell.way.caller == .tcp, cell.condition == .brokenOff {
            workload.reset()
            return caller.hearFate()
        }
        sayLast(.caller)
        sayLast(.workload)
    }

    private func wires(_ side: Side) -> (speaker: Wire, listener: Wire) {
        side == .caller ? (caller, workload) : (workload, caller)
    }

    private func say(_ side: Side, _ bytes: [UInt8]) {
        guard !ended.contains(side) else { return }
        let (speaker, listener) = wires(side)
        speaker.say(bytes)
        listener.hear { $0.body.count >= bytes.count }
    }

    private func sayLast(_ side: Side) {
        let (speaker, listener) = wires(side)
        if !ended.contains(side) {
            speaker.say(cell.pieces.second)
            speaker.finish(trailers: [:])
        }
        listener.hearAll()
    }

    // MARK: What befalls it

    /// - Returns: Whether the call has been given to an endpoint that will answer it.
    private func isTriedAgain(hearing isEnough: (Sighting) -> Bool) -> Bool {
        switch cell.condition {
        case .brokenOff:
            workload.reset()
            guard cell.isIdempotent else {
                caller.hearAll()
                return false
            }
            guard accept() else { return false }
            workload.hear(until: isEnough)
        case .refused:
            workload.refuse()
            workload.beginNext()
            workload.hear(until: isEnough)
        default: break
        }
        return true
    }

    /// Does what is to be done at a point.
    /// - Returns: Whether the call goes on after it.
    private func goesOn(_ point: Point) -> Bool {
        switch cell.condition {
        case .stalls(_, point):
            guard !cell.way.isOpenEnded else {
                Wire.listen([caller, workload], for: Self.slowness)
                return true
            }
            caller.hearAll()
            workload.hearFate()
        case .takesNothing(.caller, point):
            workload.flood { _ in false }
            caller.hearFate()
        case .takesNothing(.workload, point):
            let isTunnel = cell.way.caller.isTunnel
            caller.flood { !isTunnel && !$0.start.isEmpty }
            caller.hearAll()
            workload.hearFate()
        case .ends(.caller, point):
            caller.endHalf()
            ended.insert(.caller)
            guard point == .requestHead else { return true }
            workload.hearFate()
            caller.hearAll()
        case .ends(.workload, point):
            workload.endHalf()
            ended.insert(.workload)
            if cell.way.caller.isTunnel, point >= .responseHead { return true }
            caller.hearAll()
        case .resets(.caller, point):
            caller.reset()
            workload.hearFate()
        case .resets(.workload, point):
            workload.reset()
            caller.hearAll()
        case .denied(point):
            reload.pass()
            guard point != .start else { return true }
            caller.hearAll()
            workload.hearFate()
        default: return true
        }
        return false
    }
}
