import CommonValues
import Manifests
import WireProtocols

/// The mesh's timeouts in the loop's unit.
struct MillisecondTimeouts {
    let requestHead, requestBody, idle, connect, response, stream, handshake, upstreamIdle, keepalive,
        tunnelIdle: UInt64
    /// Of those that count for calls.
    let shortestOfCalls: UInt64

    init(_ timeouts: ProxyTimeouts) {
        requestHead = timeouts.requestHead.milliseconds
        requestBody = timeouts.requestBody.milliseconds
        idle = timeouts.idle.milliseconds
        connect = timeouts.connect.milliseconds
        response = timeouts.response.milliseconds
        stream = timeouts.stream.milliseconds
        handshake = timeouts.handshake.milliseconds
        upstreamIdle = timeouts.upstreamIdle.milliseconds
        keepalive = timeouts.keepalive.milliseconds
        tunnelIdle = timeouts.tunnelIdle.milliseconds
        shortestOfCalls = min(requestBody, response, stream, tunnelIdle)
    }
}

extension HTTP2Limits {
    init(_ limits: ProxyLimits) {
        self.init()
        headerListByteCount = limits.headerBytes
        fieldCount = limits.headerCount
        targetByteCount = limits.targetBytes
        concurrentStreams = UInt32(limits.http2.concurrentStreams)
        resets = limits.http2.resets
        settings = limits.http2.settings
        pings = limits.http2.pings
        emptyData = limits.http2.emptyData
        queuedAcknowledgements = limits.http2.queuedAcknowledgements
        streamWindow = Int32(limits.http2.streamWindow)
        connectionWindow = Int32(limits.http2.connectionWindow)
    }
}

extension HTTP1Limits {
    init(_ limits: ProxyLimits) {
        self.init()
        headByteCount = limits.headerBytes
        fieldCount = limits.headerCount
        targetByteCount = limits.targetBytes
    }
}
