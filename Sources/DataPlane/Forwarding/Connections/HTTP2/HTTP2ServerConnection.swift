import Authorization
import CallOutcomes
import CallPlanning
import EventLoops
import HTTPSemantics
import Telemetry
import WireProtocols

/// A caller's HTTP/2 connection: a gateway's client, a workload, or another node.
final class HTTP2ServerConnection: HTTP2Connection, ServerConnection {
    private let host: any CallerHost
    let listener: Listener
    private let peer: NetworkAddress
    private let origin: CallOrigin
    var registryIndex = -1
    private var requestCount = 0
    /// What the request was answered with that is being refused.
    private var refusalID: RequestID.Text?

    /// - Parameter bytes: Read by `other` already: the preface, or a part of it and more.
    static func takeOver(
        _ other: any ServerConnection, for host: any CallerHost, origin: CallOrigin, received bytes: Span<UInt8>
    ) {
        let connection = HTTP2ServerConnection(takingOver: other, for: host, origin: origin)
        host.connectionChanged(other, to: connection)
        connection.updateDeadline()
        if !bytes.isEmpty { connection.received(bytes) }
    }

    private init(takingOver other: any ServerConnection, for host: any CallerHost, origin: CallOrigin) {
        self.host = host
        listener = other.listener
        peer = origin.peer
        self.origin = origin
        super.init(takingOver: other, role: .server, limits: Self.limits(of: other))
    }

    private static func limits(of other: any ServerConnection) -> HTTP2Limits {
        let limits = other.bench.http2Limits
        return other.listener.view.role.isForNodes ? limits.betweenNodes : limits
    }

    override var patience: Keepalive.Patience { listener.view.role.isForNodes ? .ofNodes : super.patience }

    override func closed() {
        host.connectionClosed(self)
        super.closed()
    }

    /// A caller that ends its half still reads, as over HTTP/1.1: what it asked for whole is answered, what is not whole never
    /// will be. It is the last, for no more can come.
    override func inputEnded() {
        _ = beginDraining()
        // One that ends leaves its place to the last of the list.
        for index in streams.indices.reversed() where index < streams.count {
            unsafe unsafeDowncast(streams[index], to: HTTP2ServerStream.self).callerEnded()
        }
        if streams.isEmpty { close() }
    }

    override func readerStalled() {
        for stream in streams { stream.call?.noteStalledCaller() }
    }

    override func becameIdle() {
        if isDone { finish() }
    }

    var quietSince: DeadlineWheel.Time? { isOpen && streams.isEmpty && queuedByteCount == 0 ? idleSince : nil }

    func judgeAgain() {
        // One that ends leaves its place to the last of the list.
        for index in streams.indices.reversed() where index < streams.count {
            streams[index].call?.judgeAgain()
        }
    }

    var queuedRequestByteCount: Int {
        streams.reduce(0) { $0 + $1.queuedByteCount + ($1.call?.queuedRequestByteCount ?? 0) }
    }

    // MARK: Requests

    override func receivedRequest(_ id: Int32, endsStream: Bool) {
        let call = host.takeCall()
        do throws(HTTP2Error) {
            let framing = try session.takeRequest(into: &call.request, scheme: listener.view.role.scheme)
            let stream = HTTP2ServerStream.take(from: bench)
            session.attach(stream, to: id)
            stream.begin(on: self, call)
            stream.start(call, framing, from: origin)
        } catch {
            // The session has answered it.
            host.giveBack(call)
            refusedStream(id, error)
        }
        requestCount += 1
        if requestCount >= bench.settings.requestsPerConnection { drain() }
    }

    override func headTimedOut() {
        host.refused(status: 408, reason: .timeout, detail: "request-head", listener: listener, peer: peer)
    }

    override func completeAnswer(_ head: inout MessageHead, refusing error: HTTP2Error) {
        super.completeAnswer(&head, refusing: error)
        if origin.tellsReason { head.addField(.heddleReason, value: error.reason.name.bytes) }
        let id = RequestID.random(using: &bench.random)
        head.addField(.requestID, value: id.span)
        refusalID = id
    }

    override func refusedStream(_ id: Int32, _ error: HTTP2Error) {
        // One that was reset instead of being answered counts as what it would have been answered with.
        host.refused(
            status: error.status ?? 400, reason: error.reason, detail: error.name, requestID: refusalID,
            listener: listener, peer: peer)
        refusalID = nil
    }
}
