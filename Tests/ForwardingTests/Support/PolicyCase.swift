import Testing

@testable import Forwarding

/// One way a call was let through elsewhere and must not be here: what is sent, what comes back, and what the workload
/// may have seen of it. It says nothing of how a call is written on the wire, save where that is the attack.
struct PolicyCase: Sendable, CustomTestStringConvertible {
    /// The published flaw, and what it was.
    let source: String
    let call: Call
    /// In HTTP/1.1's words; other protocols say the same in theirs.
    let status: Set<Int>
    /// Of what the workload got: each must be part of it.
    var workloadSees: [String] = []
    /// Of what the workload got: none may be part of it.
    var workloadNeverSees: [String] = []
    /// Nothing may reach the workload at all.
    var reachesNobody = false
    /// The connection ends with the answer, where the connection has but one call at a time.
    var closes = false
    /// The policies it is judged by.
    var rule = PolicyTable.rule
    /// What answers for the workload's node proves to be another service.
    var isImpersonated = false
    /// Doors at which the case says something else, or nothing: why.
    var exceptions: [Door: Exception] = [:]

    var testDescription: String { source }

    enum Exception: Sendable {
        /// The same call is answered with another status there.
        case status(Set<Int>, String)
        case notApplicable(String)
    }

    enum Call: Sendable {
        case request(method: String = "GET", path: String, host: String = "orders", fields: [(String, String)] = [])
        /// These very bytes: attacks on HTTP/1.1's framing.
        case http1(String)
        /// These very fields, and then these bytes of a body: attacks on HTTP/2's.
        case http2([(String, String)], body: String? = nil)
        /// An upgrade to a WebSocket, with bytes of it sent ahead.
        case webSocket(path: String, early: String = "")

        /// As HTTP/1.1 has it.
        var http1: String? {
            switch self {
            case .http1(let bytes): bytes
            case .http2: nil
            case .request(let method, let path, let host, let fields):
                "\(method) \(path) HTTP/1.1\r\nHost: \(host)\r\n" + fields.map { "\($0.0): \($0.1)\r\n" }.joined()
                    + "\r\n"
            case .webSocket(let path, let early):
                "GET \(path) HTTP/1.1\r\nHost: orders\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                    + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\(early)"
            }
        }

        /// As HTTP/2 has it, or gRPC in HTTP/2.
        func http2(_ dialect: Door.Dialect) -> (fields: [(String, String)], body: String?)? {
            let grpc = dialect == .grpc ? [("content-type", "application/grpc"), ("te", "trailers")] : []
            switch self {
            case .http1: return nil
            case .http2(let fields, let body): return (fields + grpc, body)
            case .request(let method, let path, let host, let fields):
                let start = [
                    (":method", dialect == .grpc ? "POST" : method), (":scheme", "http"), (":authority", host),
                    (":path", path),
                ]
                return (start + fields.map { ($0.0.lowercased(), $0.1) } + grpc, nil)
            case .webSocket(let path, let early):
                guard dialect != .grpc else { return nil }
                let start = [
                    (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":authority", "orders"),
                ]
                return (start + [(":path", path), ("sec-websocket-version", "13")], early)
            }
        }

        func isExpressible(in dialect: Door.Dialect) -> Bool {
            dialect == .http1 ? http1 != nil : http2(dialect) != nil
        }
    }

    /// What the case comes to at a door; `nil`: nothing.
    func status(at door: Door) -> Set<Int>? {
        guard call.isExpressible(in: door.dialect) else { return nil }
        switch exceptions[door] {
        case nil: return status
        case .status(let status, _): return status
        case .notApplicable: return nil
        }
    }

    /// With exceptions at all of `doors`.
    func except(_ doors: [Door], _ exception: Exception) -> PolicyCase {
        var copy = self
        for door in doors { copy.exceptions[door] = exception }
        return copy
    }

    func under(_ rule: String) -> PolicyCase {
        var copy = self
        copy.rule = rule
        return copy
    }

    var impersonated: PolicyCase {
        var copy = self
        copy.isImpersonated = true
        return copy
    }

    static func refused(_ source: String, _ call: Call, closes: Bool = false) -> PolicyCase {
        refused(source, [400], call, closes: closes)
    }

    static func refused(_ source: String, _ status: Set<Int>, _ call: Call, closes: Bool = false) -> PolicyCase {
        PolicyCase(source: source, call: call, status: status, reachesNobody: true, closes: closes)
    }

    static func framing(_ source: String, _ fields: String, body: String = "") -> PolicyCase {
        framing(source, [400], fields, body: body)
    }

    static func framing(_ source: String, _ status: Set<Int>, _ fields: String, body: String = "") -> PolicyCase {
        refused(source, status, .http1("POST /open HTTP/1.1\r\nHost: orders\r\n\(fields)\r\n\r\n\(body)"), closes: true)
    }

    /// Fields beside the pseudo-header fields of a good HTTP/2 request.
    static func fields(_ source: String, _ fields: [(String, String)], body: String? = nil) -> PolicyCase {
        refused(source, .http2(good + fields, body: body))
    }

    /// Another value of a pseudo-header field of a good HTTP/2 request; without one it is left out.
    static func pseudo(_ source: String, _ name: String, _ value: String?) -> PolicyCase {
        refused(source, .http2(good.compactMap { field in field.0 == name ? value.map { (name, $0) } : field }))
    }

    static let good = [(":method", "GET"), (":scheme", "http"), (":authority", "orders"), (":path", "/open")]
}
