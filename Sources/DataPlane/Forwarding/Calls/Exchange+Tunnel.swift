import CallOutcomes
import EventLoops
import HTTPSemantics
import Telemetry

/// Calls that are streams of bytes: TCP, and what an upgrade leads to. Judged where all calls are, with the HTTP attributes
/// absent where there are none.
extension Exchange {
    /// A connection, or a CONNECT stream of another node: no request, only bytes.
    func startTunnel(from downstream: any DownstreamStream, origin: CallOrigin) {
        requestBody = .unknown
        tunnel = .connection
        start(from: downstream, origin: origin)
    }

    /// The connections at either end, where both are TCP: bulk goes from one to the other inside the kernel.
    var plainUpstream: StreamConnection? { state.course.stream as? TCPClientConnection }
    var plainDownstream: StreamConnection? { state.downstream as? TCPServerConnection }

    /// The workload is connected to.
    func tunnelOpened() {
        bench.responseHead.removeAll()
        bench.responseHead.status = 200
        receivedHead(&bench.responseHead, length: .unknown)
    }

    /// Kept back: they are for what the connection becomes, if it does (they were a way around the rules elsewhere).
    func holdEarly(_ bytes: Span<UInt8>) {
        guard state.early.count + bytes.count <= Self.earlyByteLimit else { return fail(.overloaded) }
        state.early.append(copying: bytes)
    }

    /// The workload has agreed, or answered as it answers any request.
    func tunnelAnswered() {
        guard isTunnelOpen, !isOver else { return }
        // They were for the answer.
        state.requestDeadline = nil
        state.tries.deadline = nil
        if !state.early.isEmpty {
            let bytes = state.early
            state.early = []
            state.course.stream?.sendBody(bytes.span)
        }
        if isRequestComplete, tunnel == .webSocket { state.course.stream?.endRequest(trailers: bench.noTrailers) }
        updateDeadline()
        if !isRequestCongested { state.downstream?.resumeRequest() }
    }

    /// 512 KiB: more than a stream's first window.
    private static let earlyByteLimit = 512 * 1024

    /// Another node's answer to a CONNECT: why not, if not.
    func tunnelRefused(_ head: borrowing MessageHead) {
        let reason = refusal(in: head)
        fail(reason.isNone ? .upstreamFailed : reason, status: head.status)
    }
}
