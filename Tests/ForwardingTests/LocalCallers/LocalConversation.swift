import TestSupport

/// Calls over one connection, in one protocol.
final class LocalConversation {
    /// What becomes of a call.
    enum Outcome: Equatable {
        /// It is the workload's.
        case workload
        /// Its process is no workload.
        case nobody
        /// Something else: what, in words.
        case other(String)
    }

    private let speech: LocalWay.Speech
    private let connection: RawConnection
    private lazy var peer = HTTP2Peer(calling: connection)
    private var stream: UInt32 = 0

    init(_ speech: LocalWay.Speech, over connection: RawConnection) {
        self.speech = speech
        self.connection = connection
    }

    func call() -> Outcome {
        ask()
        return hear()
    }

    func ask() {
        switch speech {
        case .http1: connection.send("GET /a HTTP/1.1\r\nHost: orders.shop\r\n\r\n")
        case .http2, .grpc:
            let isGRPC = speech == .grpc
            let head = [(":method", isGRPC ? "POST" : "GET"), (":scheme", "http"), (":authority", "orders.shop")]
            let more = isGRPC ? [("content-type", "application/grpc"), ("te", "trailers")] : []
            stream = peer.begin(head + [(":path", "/s/m")] + more, ends: true)
        case .tcp: connection.send("ping")
        }
    }

    func hear() -> Outcome {
        switch speech {
        case .http1:
            let response = connection.response()
            return Self.outcome(response.status, response.field("x-heddle-reason"), response.body)
        case .http2:
            let answer = peer.answer(on: stream)
            return Self.outcome(answer.status, answer.fields.first { $0.0 == "x-heddle-reason" }?.1, answer.body)
        case .grpc:
            let answer = peer.answer(on: stream)
            return switch answer.grpcStatus {
            case 0: .workload
            case 16: .nobody
            default: .other("\(answer)")
            }
        case .tcp:
            let bytes = connection.receive(count: 4)
            if bytes.isEmpty, connection.isEnded { return .nobody }
            return bytes == Array("ping".utf8) ? .workload : .other("\(bytes)")
        }
    }

    // MARK: What does not end by itself

    /// Waits for an answer's beginning.
    func hasBegun() -> Bool {
        switch speech {
        case .http1: return connection.receive(through: "begin").hasSuffix("begin")
        case .tcp: return connection.receive(count: 4) == Array("ping".utf8)
        case .http2, .grpc:
            while let frame = peer.receive() { if frame.type == HTTP2Peer.FrameType.data { return true } }
            return false
        }
    }

    /// Waits for its end, which is none in good order.
    func isCut() -> Bool {
        switch speech {
        case .http1, .tcp: return connection.receive(count: 1).isEmpty && connection.isEnded
        case .http2: return peer.answer(on: stream).reset != nil
        case .grpc: return peer.answer(on: stream).grpcStatus == 16
        }
    }

    private static func outcome(_ status: Int, _ reason: String?, _ body: String) -> Outcome {
        switch (status, reason) {
        case (200, _) where body.contains("x-heddle-caller: spiffe://mesh.local/ns/shop/sa/web\r\n"): .workload
        case (403, "not-attested"): .nobody
        default: .other("\(status) \(reason ?? "") \(body)")
        }
    }
}
