/// The cells, put together: all that can be.
enum Matrix {
    /// What befalls calls, one kind of it at a time.
    enum Kind: CaseIterable, Sendable {
        case plain, retries
        case callerStalls, workloadStalls
        case callerEnds, workloadEnds
        case callerResets, workloadResets
        case denials
    }

    static func cells(_ way: Way, _ kind: Kind) -> [Cell] {
        Shape.allCases.flatMap { shape in
            conditions(kind).filter { Cell.isNone(way, shape, $0) == nil }.map {
                Cell(way: way, shape: shape, condition: $0)
            }
        }
    }

    private static func conditions(_ kind: Kind) -> [Condition] {
        let points = Point.allCases
        return switch kind {
        case .plain: [.plain]
        case .retries: [.unreachable, .brokenOff, .refused]
        case .callerStalls: points.flatMap { [.stalls(.caller, $0), .takesNothing(.caller, $0)] }
        case .workloadStalls: points.flatMap { [.stalls(.workload, $0), .takesNothing(.workload, $0)] }
        case .callerEnds: points.map { .ends(.caller, $0) }
        case .workloadEnds: points.map { .ends(.workload, $0) }
        case .callerResets: points.map { .resets(.caller, $0) }
        case .workloadResets: points.map { .resets(.workload, $0) }
        case .denials: points.map { .denied($0) }
        }
    }
}

extension Cell {
    /// Why there is no such cell; `nil`: there is.
    static func isNone(_ way: Way, _ shape: Shape, _ condition: Condition) -> String? {
        if let reason = isNone(way.caller, shape) { return reason }
        if let point = condition.point {
            if point == .start, condition != .denied(.start) { return "nothing has begun that could be befallen" }
            if !points(of: way.caller, shape).contains(point) { return "such a call has no such point" }
        }
        return isNone(way, condition) ?? isTriedWithPieces(shape, condition)
    }

    private static func isNone(_ way: Way, _ condition: Condition) -> String? {
        switch condition {
        case .refused where way.workload != .http2: "only a stream can be refused unseen (RFC 9113 § 8.7)"
        case .stalls(.caller, let point) where point != .requestHead: "it is the workload's turn"
        case .stalls(.workload, .requestHead): "it is the caller's turn"
        // From where on both ways of a tunnel are open.
        case .takesNothing(.caller, let point) where point != .responseBody,
            .takesNothing(.workload, let point) where point != (way.caller.isTunnel ? .responseBody : .requestHead):
            "nothing is said to it that it could leave"
        case .takesNothing(.workload, _) where way.isOpenEnded: "no timeout of the mesh holds (grpc.md)"
        case .plain, .stalls, .takesNothing, .ends, .resets, .denied, .unreachable, .brokenOff, .refused: nil
        }
    }

    private static func isTriedWithPieces(_ shape: Shape, _ condition: Condition) -> String? {
        if case .takesNothing = condition, shape != .pieces {
            "what is said without end has no other shape"
        } else {
            nil
        }
    }

    /// The one timeout that is short, so that no other can be the first: `Mesh.spec.proxy.timeouts`.
    var timeouts: String {
        switch condition {
        case .stalls(_, _) where way.isOpenEnded:
            "requestBody: 200ms, response: 200ms, stream: 200ms"
        // Long enough for a call to get through two nodes beside a hundred others.
        case .stalls(.caller, _): "requestBody: 800ms"
        case .stalls(.workload, let point) where point < .responseHead: "response: 800ms"
        case .stalls(.workload, _): way.caller.isTunnel ? "tunnelIdle: 800ms" : "stream: 800ms"
        case .takesNothing: "stream: 800ms"
        case .plain, .ends, .resets, .denied, .unreachable, .brokenOff, .refused: ""
        }
    }
}
