import Testing

/// What a call is asked in.
enum CallerSpeech: String, CaseIterable, Sendable {
    case http1 = "HTTP/1.1"
    case http2 = "HTTP/2"
    case grpc = "gRPC"
    case webSocket1 = "WebSocket over HTTP/1.1"
    case webSocket2 = "WebSocket over HTTP/2"
    case tcp = "TCP"

    var isWebSocket: Bool { self == .webSocket1 || self == .webSocket2 }
    /// Bytes both ways, each until its own end.
    var isTunnel: Bool { isWebSocket || self == .tcp }
    var isHTTP2: Bool { self == .http2 || self == .grpc || self == .webSocket2 }
}

/// What a workload understands.
enum WorkloadSpeech: String, CaseIterable, Sendable {
    case http1 = "HTTP/1.1"
    case http2 = "HTTP/2"
    case tcp = "TCP"
}

/// Where the workload runs, seen from its caller.
enum Place: String, CaseIterable, Sendable {
    case here = "on this node"
    case elsewhere = "on another node"
}

/// From whom to whom.
struct Way: Hashable, Sendable, CustomTestStringConvertible {
    let caller: CallerSpeech
    let workload: WorkloadSpeech
    let place: Place

    var testDescription: String { "\(caller.rawValue) to \(workload.rawValue) \(place.rawValue)" }

    /// All that there are.
    static let all: [Way] = CallerSpeech.allCases.flatMap { caller in
        WorkloadSpeech.allCases.flatMap { workload in
            isNone(caller, workload) == nil
                ? Place.allCases.map { Way(caller: caller, workload: workload, place: $0) } : []
        }
    }

    /// Why there is no such way; `nil`: there is.
    static func isNone(_ caller: CallerSpeech, _ workload: WorkloadSpeech) -> String? {
        switch (caller, workload) {
        case (.tcp, .tcp): nil
        // policy.md, "Linkerd protocol detection": never less policy than declared.
        case (.tcp, .http1), (.tcp, .http2): "what is declared as HTTP is not had without HTTP's rules"
        case (_, .tcp): "what is declared as TCP takes no requests"
        case (_, .http1), (_, .http2): nil
        }
    }

    var serviceProtocol: String {
        switch workload {
        case .http1: "HTTP"
        case .http2: caller == .grpc ? "GRPC" : "HTTP2"
        case .tcp: "TCP"
        }
    }

    /// A stream of messages: the mesh's timeouts for requests and answers do not hold (limits.md).
    var isOpenEnded: Bool { serviceProtocol == "GRPC" }
}
