/// The cells, put together: all that can be.
enum Matrix {
    /// What befalls calls, one kind of it at a time.
    enum Kind: Sendable {
        case plain, retries
        case callerStalls, workloadStalls
        case callerEnds, workloadEnds
        case callerResets, workloadResets
        case denials
    }

    static func cells(_ way: Way, _ kind: Kind) -> [Cell] {
        Cell.shapes(of: way.caller).flatMap { shape in
            conditions(way, shape, kind).map { Cell(way: way, shape: shape, condition: $0) }
        }
    }

    private static func conditions(_ way: Way, _ shape: Shape, _ kind: Kind) -> [Condition] {
        let points = Cell.points(of: way.caller, shape).filter { $0 != .start }
        // From where on both of its ways are open.
        let taking: Point = way.caller.isTunnel ? .responseBody : .requestHead
        return switch kind {
        case .plain: [.plain]
        case .retries: [.unreachable, .brokenOff] + (way.workload == .http2 ? [.refused] : [])
        case .callerStalls:
            points.filter { $0 == .requestHead }.map { .stalls(.caller, $0) }
                + (shape == .pieces ? [.takesNothing(.caller, .responseBody)] : [])
        case .workloadStalls:
            points.filter { $0 != .requestHead }.map { .stalls(.workload, $0) }
                // grpc.md: towards such a workload no timeout of the mesh holds.
                + (shape == .pieces && !way.isOpenEnded ? [.takesNothing(.workload, taking)] : [])
        case .callerEnds: points.map { .ends(.caller, $0) }
        case .workloadEnds: points.map { .ends(.workload, $0) }
        case .callerResets: points.map { .resets(.caller, $0) }
        case .workloadResets: points.map { .resets(.workload, $0) }
        case .denials: [.denied(.start)] + points.map { .denied($0) }
        }
    }
}

extension Cell {
    /// The one timeout that is short, so that no other can be the first: `Mesh.spec.proxy.timeouts`.
    var timeouts: String {
        switch condition {
        case .stalls(_, _) where way.isOpenEnded:
            "requestBody: 200ms, response: 200ms, stream: 200ms"
        case .stalls(.caller, _): "requestBody: 200ms"
        case .stalls(.workload, let point) where point < .responseHead: "response: 200ms"
        case .stalls(.workload, _): way.caller.isTunnel ? "tunnelIdle: 200ms" : "stream: 200ms"
        case .takesNothing: "stream: 200ms"
        case .plain, .ends, .resets, .denied, .unreachable, .brokenOff, .refused: ""
        }
    }
}
