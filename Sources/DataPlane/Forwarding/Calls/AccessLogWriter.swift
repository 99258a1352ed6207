import Authorization
import CallOutcomes
import CallPlanning
import CommonValues
import EventLoops
import HTTPSemantics
import Manifests
import Telemetry

/// One line of JSON a call, for those that the mesh's `accessLog` asks for.
final class AccessLogWriter {
    private let sink: LineSink
    private var line: [UInt8] = []

    init(sink: LineSink) { self.sink = sink }

    func record(_ exchange: Exchange, microseconds: UInt64) {
        switch exchange.worker.accessLogging {
        case .none: return
        case .failures: guard !exchange.reason.isNone || exchange.status >= 500 else { return }
        case .all: break
        }
        line.removeAll(keepingCapacity: true)
        write(exchange, microseconds)
        sink.append(line)
    }

    private func write(_ exchange: Exchange, _ microseconds: UInt64) {
        let origin = exchange.origin!
        line.append(UInt8(ascii: "{"))
        number("time_us", UInt64(UnixTime.now.microseconds), first: true)
        text("listener", origin.listener.view.label)
        text("peer", "\(origin.peer)")
        if let caller = exchange.plan.caller { array("caller", caller.principal) }
        head("method", exchange, exchange.request.method)
        head("host", exchange, exchange.request.host)
        head("path", exchange, exchange.request.path)
        if exchange.tunnel == .connection, !origin.serverName.isEmpty { array("server_name", origin.source.serverName) }
        number("status", UInt64(exchange.status))
        if !exchange.reason.isNone { text("reason", exchange.reason.name.description) }
        if let failure = exchange.connectFailure { text("detail", failure.explanation) }
        if let service = exchange.plan.service { text("service", "\(service.name)") }
        if let label = exchange.plan.rule?.rule.label { array("route", label) }
        if let endpoint = exchange.endpoint { text("endpoint", "\(endpoint.address)") }
        number("duration_us", microseconds)
        number("response_bytes", exchange.responseByteCount)
        if let id = exchange.request.value(of: .requestID) { head("request_id", exchange, id) }
        line.append(UInt8(ascii: "}"))
        line.append(UInt8(ascii: "\n"))
    }

    /// A request that was refused before it was one.
    func recordRefusal(
        status: UInt16, reason: FailureReason, detail: StaticString, microseconds: UInt64, requestID: RequestID.Text?,
        listener: Listener, peer: NetworkAddress, view: WorkerView
    ) {
        guard view.accessLog != .none else { return }
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

    private func head(_ name: StaticString, _ exchange: Exchange, _ range: ByteRange) {
        exchange.request.withBytes(range) { bytes(name, $0) }
    }

    private func array(_ name: StaticString, _ value: [UInt8]) {
        bytes(name, value.span)
    }

    /// Control bytes, and those that are not ASCII (a path may hold any), as `\u00xx`.
    private func bytes(_ name: StaticString, _ value: Span<UInt8>) {
        key(name)
        line.append(UInt8(ascii: "\""))
        for index in value.indices {
            switch value[index] {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                line.append(UInt8(ascii: "\\"))
                line.append(value[index])
            case 0x20..<0x7F: line.append(value[index])
            case let byte:
                line.append(contentsOf: "\\u00".utf8)
                for nibble in [byte >> 4, byte & 15] {
                    line.append(nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10)
                }
            }
        }
        line.append(UInt8(ascii: "\""))
    }
}
