import Authorization
import CallOutcomes
import CallPlanning
import CommonValues
import EventLoops
import HTTPSemantics
import Manifests
import Routing
import Telemetry

/// How a call ended, as the access log tells it.
struct CallEnd {
    var isConnection: Bool
    /// 0: a connection has none.
    var status: UInt16
    var reason: FailureReason
    /// Why its endpoint could not be connected to.
    var detail: String?
    /// Why the process that made it is no workload.
    var processRefusal: ProcessRefusal?
    var endpoint: NetworkAddress?
    var microseconds: UInt64
    var responseByteCount: UInt64
}

extension Manifests.AccessLog {
    /// Whether a call that ended so has its line.
    func has(status: UInt16, reason: FailureReason) -> Bool {
        switch self {
        case .none: false
        case .failures: !reason.isNone || status >= 500
        case .all: true
        }
    }
}

/// One line of JSON a call, for those that the mesh's `accessLog` asks for.
final class AccessLogWriter {
    private let sink: LineSink
    private var line: [UInt8] = []

    init(sink: LineSink) { self.sink = sink }

    /// - Parameter end: How the call ended; its request and plan say the rest.
    func record(
        _ end: CallEnd, request: borrowing MessageHead, plan: borrowing CallPlan, origin: CallOrigin
    ) {
        line.removeAll(keepingCapacity: true)
        line.append(UInt8(ascii: "{"))
        number("time_us", UInt64(UnixTime.now.microseconds), first: true)
        text("listener", origin.listener.view.label)
        text("peer", "\(origin.peer)")
        if let caller = plan.caller { array("caller", caller.principal) }
        head("method", request, request.method)
        head("host", request, request.host)
        head("path", request, request.path)
        if end.isConnection, !origin.serverName.isEmpty { array("server_name", origin.source.serverName) }
        number("status", UInt64(end.status))
        if !end.reason.isNone { text("reason", end.reason.name.description) }
        if let detail = end.detail { text("detail", detail) }
        if let refusal = end.processRefusal {
            text("process", refusal.found)
            text("why", refusal.why)
        }
        if let service = plan.service { text("service", "\(service.name)") }
        if let label = plan.rule?.rule.label { array("route", label) }
        if let endpoint = end.endpoint { text("endpoint", "\(endpoint)") }
        number("duration_us", end.microseconds)
        number("response_bytes", end.responseByteCount)
        if let id = request.value(of: .requestID) { head("request_id", request, id) }
        line.append(UInt8(ascii: "}"))
        line.append(UInt8(ascii: "\n"))
        sink.append(line)
    }

    /// A request that was refused before it was one.
    func recordRefusal(
        status: UInt16, reason: FailureReason, detail: StaticString, microseconds: UInt64, requestID: RequestID.Text?,
        listener: Listener, peer: NetworkAddress
    ) {
        line.removeAll(keepingCapacity: true)
        line.append(UInt8(ascii: "{"))
        number("time_us", UInt64(UnixTime.now.microseconds), first: true)
        text("listener", listener.view.label)
        text("peer", "\(peer)")
        number("status", UInt64(status))
        text("reason", reason.name.description)
        text("detail", detail.description)
        number("duration_us", microseconds)
        if let requestID { bytes("request_id", requestID.span) }
        line.append(contentsOf: "}\n".utf8)
        sink.append(line)
    }

    private func key(_ name: StaticString, first: Bool = false) {
        if !first { line.append(UInt8(ascii: ",")) }
        line.append(UInt8(ascii: "\""))
        unsafe line.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        line.append(UInt8(ascii: "\""))
        line.append(UInt8(ascii: ":"))
    }

    private func number(_ name: StaticString, _ value: UInt64, first: Bool = false) {
        key(name, first: first)
        line.append(contentsOf: String(value).utf8)
    }

    private func text(_ name: StaticString, _ value: String) {
        array(name, Array(value.utf8))
    }

    private func head(_ name: StaticString, _ request: borrowing MessageHead, _ range: ByteRange) {
        request.withBytes(range) { bytes(name, $0) }
    }

    private func array(_ name: StaticString, _ value: [UInt8]) {
        bytes(name, value.span)
    }

    private func bytes(_ name: StaticString, _ value: Span<UInt8>) {
        key(name)
        line.append(UInt8(ascii: "\""))
        line.append(escaping: value)
        line.append(UInt8(ascii: "\""))
    }
}
