import Testing

@testable import Forwarding

/// One way a call was let through elsewhere and must not be here: what is sent, what comes back, and what the workload
/// may have seen of it. It says nothing of how a call is written on the wire, save where that is the attack.
struct PolicyCase: Sendable, CustomTestStringConvertible {
    /// The published flaw, and what it was.
    let source: String
    let calls: [Call]
    /// Of the last call.
    let status: Set<Int>
    /// Of what the workload got: each must be part of it.
    var workloadSees: [String] = []
    /// Of what the workload got: none may be part of it.
    var workloadNeverSees: [String] = []
    /// Nothing may reach the workload at all.
    var reachesNobody = false
    /// The connection ends with the answer.
    var closes = false

    var testDescription: String { source }

    enum Call: Sendable {
        case request(method: String = "GET", path: String, host: String = "orders", fields: [(String, String)] = [])
        /// These very bytes: attacks on one protocol's own framing.
        case http1(String)

        /// As HTTP/1.1 has it.
        var http1: String {
            switch self {
            case .http1(let bytes): bytes
            case .request(let method, let path, let host, let fields):
                "\(method) \(path) HTTP/1.1\r\nHost: \(host)\r\n" + fields.map { "\($0.0): \($0.1)\r\n" }.joined()
                    + "\r\n"
            }
        }
    }

    static func refused(_ source: String, _ call: Call, closes: Bool = false) -> PolicyCase {
        refused(source, [400], call, closes: closes)
    }

    static func refused(_ source: String, _ status: Set<Int>, _ call: Call, closes: Bool = false) -> PolicyCase {
        PolicyCase(source: source, calls: [call], status: status, reachesNobody: true, closes: closes)
    }

    static func framing(_ source: String, _ fields: String, body: String = "") -> PolicyCase {
        framing(source, [400], fields, body: body)
    }

    static func framing(_ source: String, _ status: Set<Int>, _ fields: String, body: String = "") -> PolicyCase {
        refused(source, status, .http1("POST /open HTTP/1.1\r\nHost: orders\r\n\(fields)\r\n\r\n\(body)"), closes: true)
    }
}
