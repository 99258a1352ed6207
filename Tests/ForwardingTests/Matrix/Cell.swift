import Testing

/// What a call is made of.
enum Shape: String, CaseIterable, Sendable {
    case get = "GET"
    case head = "HEAD"
    /// A request and an answer whose bodies come in pieces, and whose lengths nobody tells.
    case pieces = "bodies in pieces"
    case noContent = "204"
    case notModified = "304"
    case interim = "1xx before the answer"
    case trailers = "trailers both ways"
    /// An answer of length 0; of gRPC one that is trailers only; of a WebSocket a refusal.
    case empty = "an answer without a body"
    /// Bodies that use up the first window of HTTP/2 to the last byte (RFC 9113 § 6.9.2), and trailers where there are any.
    case window = "bodies of exactly the window"
}

/// How far a call has come, as both sides know.
enum Point: String, CaseIterable, Comparable, Sendable {
    case start = "before it begins"
    /// The workload has the head and the first piece of the request, of which more is to come.
    case requestHead = "within the request"
    /// The workload has the whole request, or is asked for a WebSocket.
    case request = "before the answer"
    case interim = "after a 1xx"
    /// The caller has the head, and knows that more is to come. Of a tunnel: it is open.
    case responseHead = "after the answer's head"
    /// The caller has the first piece of the body. Of a tunnel: one has gone each way.
    case responseBody = "within the answer"

    static func < (left: Point, right: Point) -> Bool { left.order < right.order }

    private var order: Int { Self.allCases.firstIndex(of: self)! }
}

enum Side: String, CaseIterable, Sendable {
    case caller
    case workload
}

/// What befalls a call.
enum Condition: Hashable, Sendable, CustomStringConvertible {
    case plain
    /// It says no more.
    case stalls(Side, Point)
    /// It takes nothing more of what is said to it without end.
    case takesNothing(Side, Point)
    /// It ends its half: FIN, or END_STREAM of a stream that has become a tunnel.
    case ends(Side, Point)
    /// RST, or RST_STREAM.
    case resets(Side, Point)
    /// A generation is taken up whose rules deny it.
    case denied(Point)
    /// Some of the endpoints are not there.
    case unreachable
    /// The first endpoint resets what it was asked, and there is another.
    case brokenOff
    /// The first try is refused as a stream that was not looked at (RFC 9113 § 8.7).
    case refused

    var description: String {
        switch self {
        case .plain: "as it should be"
        case .stalls(let side, let point): "the \(side) stalls \(point.rawValue)"
        case .takesNothing(let side, let point): "the \(side) takes nothing more \(point.rawValue)"
        case .ends(let side, let point): "the \(side) ends \(point.rawValue)"
        case .resets(let side, let point): "the \(side) resets \(point.rawValue)"
        case .denied(let point): "denied \(point.rawValue)"
        case .unreachable: "endpoints are not there"
        case .brokenOff: "the first endpoint breaks off"
        case .refused: "the first try is refused"
        }
    }
}

extension Condition {
    /// Where it befalls the call; `nil`: not at a point.
    var point: Point? {
        switch self {
        case .stalls(_, let point), .takesNothing(_, let point), .ends(_, let point), .resets(_, let point),
            .denied(let point):
            point
        case .plain, .unreachable, .brokenOff, .refused: nil
        }
    }
}

/// One call of the matrix.
struct Cell: Hashable, Sendable, CustomStringConvertible {
    let way: Way
    let shape: Shape
    let condition: Condition

    var description: String { "\(way.testDescription), \(shape.rawValue), \(condition)" }

    /// Why no such call is made; `nil`: it is.
    static func isNone(_ caller: CallerSpeech, _ shape: Shape) -> String? {
        switch (caller, shape) {
        case (.http1, _), (.http2, _), (_, .pieces), (_, .window): nil
        case (.tcp, _): "a connection has bytes, and no methods, statuses, heads or trailers"
        case (.grpc, .empty): nil
        case (.grpc, .get), (.grpc, .head): "gRPC's method is POST"
        case (.grpc, .noContent), (.grpc, .notModified): "gRPC's status is 200"
        case (.grpc, .trailers): "every answer of gRPC has trailers"
        case (.grpc, .interim): "gRPC has no interim answers"
        case (_, .interim), (_, .empty): nil
        case (_, .get): "what a WebSocket is asked with is the same as of bodies in pieces"
        case (_, .head): "a WebSocket is asked for with GET (RFC 6455 § 4.1)"
        case (_, .noContent), (_, .notModified): "an answer that accepts no WebSocket, as one without a body"
        case (_, .trailers): "a WebSocket is bytes, and no trailers"
        }
    }

    /// Where something can befall a call.
    static func points(of caller: CallerSpeech, _ shape: Shape) -> [Point] {
        Point.allCases.filter { has($0, caller, shape) }
    }

    private static func has(_ point: Point, _ caller: CallerSpeech, _ shape: Shape) -> Bool {
        switch point {
        case .start: true
        case .requestHead: !caller.isTunnel && shape.hasRequestBody
        case .request: caller != .tcp
        case .interim: shape == .interim
        case .responseHead, .responseBody: shape.hasAnswerBody
        }
    }

    // MARK: What is said

    var method: String {
        switch shape {
        case .head: "HEAD"
        case .pieces, .trailers, .window: way.caller.isWebSocket ? "GET" : "POST"
        case .empty where way.caller == .grpc: "POST"
        case .get, .noContent, .notModified, .interim, .empty: "GET"
        }
    }

    /// RFC 9110 § 9.2.2.
    var isIdempotent: Bool { method != "POST" && way.caller != .tcp }

    var status: Int {
        switch shape {
        case .noContent: 204
        case .notModified: 304
        case .empty where way.caller.isWebSocket: 404
        case .get, .head, .pieces, .interim, .trailers, .empty, .window: way.caller.isWebSocket ? 101 : 200
        }
    }

    var hasRequestBody: Bool {
        way.caller.isTunnel || shape.hasRequestBody || way.caller == .grpc
    }
    /// More than a head.
    var hasAnswerBody: Bool { shape.hasAnswerBody }

    /// What goes each way, in two pieces.
    var pieces: (first: [UInt8], second: [UInt8]) {
        shape == .window ? ([UInt8](repeating: 7, count: 65_535), []) : (Array("first".utf8), Array("second".utf8))
    }

    /// Of the request, and of the answer.
    var requestTrailers: [String: String] {
        way.caller.isTunnel || way.caller == .grpc || ![.trailers, .window].contains(shape) ? [:] : ["x-sent": "whole"]
    }
    var answerTrailers: [String: String] {
        if way.caller == .grpc { return ["grpc-status": shape == .empty ? "5" : "0"] }
        return way.caller.isTunnel || ![.trailers, .window].contains(shape) ? [:] : ["x-answered": "whole"]
    }
}

extension Shape {
    fileprivate var hasRequestBody: Bool { [.pieces, .trailers, .window].contains(self) }
    fileprivate var hasAnswerBody: Bool { [.get, .pieces, .interim, .trailers, .window].contains(self) }
}
