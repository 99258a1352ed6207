import Diagnostics
import HTTPSemantics
import WireProtocols

/// An answer of the admin API.
struct AdminResponse: Sendable {
    var status: UInt16
    var contentType: String
    var body: [UInt8]
    /// What the command that asked ends with, where the status does not say it: 1 for an answer that is "no".
    var exitCode: Int32?
    /// The first bytes of the body are meant for standard error: so many.
    var diagnosticsByteCount = 0
    /// For 405.
    var allow = ""

    /// Names of fields that the command reads.
    static let exitCodeField = "heddle-exit-code"
    static let diagnosticsField = "heddle-diagnostics-bytes"

    static func json(_ value: JSONValue, status: UInt16 = 200, exitCode: Int32? = nil) -> AdminResponse {
        AdminResponse(
            status: status, contentType: "application/json", body: Array((value.rendered(pretty: true) + "\n").utf8),
            exitCode: exitCode)
    }

    /// - Parameters:
    ///   - text: for standard output; its last line ends in a line break.
    ///   - diagnostics: for standard error, likewise.
    static func text(
        _ text: String, diagnostics: String = "", status: UInt16 = 200, exitCode: Int32? = nil
    ) -> AdminResponse {
        let first = Array(diagnostics.utf8)
        return AdminResponse(
            status: status, contentType: "text/plain; charset=utf-8", body: first + Array(text.utf8),
            exitCode: exitCode,
            diagnosticsByteCount: first.count)
    }

    /// A refusal, for standard error: `{"error": {"message"}}`, or the message on a line.
    static func error(_ status: UInt16, _ message: String, asText: Bool) -> AdminResponse {
        let exitCode: Int32 = [400, 405, 413, 414, 415, 431].contains(status) ? 2 : 1
        guard !asText else {
            return .text("", diagnostics: "error: \(message)\n", status: status, exitCode: exitCode)
        }
        var response = json(["error": ["message": .string(message)]], status: status, exitCode: exitCode)
        response.diagnosticsByteCount = response.body.count
        return response
    }

    /// The whole message; the connection ends with it.
    func serialized(isHead: Bool = false) -> [UInt8] {
        var head = MessageHead()
        head.status = status
        Self.add("content-type", contentType, to: &head)
        Self.add("cache-control", "no-store", to: &head)
        if let exitCode { Self.add(Self.exitCodeField, String(exitCode), to: &head) }
        if diagnosticsByteCount > 0 { Self.add(Self.diagnosticsField, String(diagnosticsByteCount), to: &head) }
        if !allow.isEmpty { Self.add("allow", allow, to: &head) }
        var bytes = ByteBuffer()
        HTTP1Serializer.appendResponse(
            head, body: ResponseBody(.bytes(UInt64(body.count)), status: status, answering: .other), keepsAlive: false,
            minorVersion: 1, to: &bytes)
        return isHead ? bytes.array : bytes.array + body
    }

    private static func add(_ name: String, _ value: String, to head: inout MessageHead) {
        head.addField(name: Array(name.utf8).span, value: Array(value.utf8).span)
    }
}
