import EventLoops
import WireProtocols

/// How many bytes the other side may send before it hears that they came, or were taken: what the path holds, measured as it goes.
///
/// A ping is sent along with the bytes; those that came until its answer are what fits into one round trip. If they fill what
/// the window lets through, it was the window that held them back, and it doubles (the way gRPC's implementations do it).
///
/// That may be as little as half of it: the session tells the other side of bytes that were taken once they are half a window,
/// so that up to as much is always neither on its way nor free to be sent.
struct AdaptiveWindow {
    /// A stream's window at most: 400 Mbit/s over 80 ms, or 100 Mbit/s over 320 ms.
    static let limitBytes: Int32 = 4 * 1024 * 1024

    /// Time between a probe that changed nothing and the next, in milliseconds: the other side counts pings.
    private static let probeMilliseconds: UInt64 = 250

    private var window: Int32
    private let connectionWindow: Int32
    private var isProbing = false
    /// No probe before, in the loop's milliseconds.
    private var nextProbe: DeadlineWheel.Time = 0
    /// Bytes since the probe was sent, or since the last one ended.
    private var byteCount = 0

    /// - Parameters: the windows at first, in bytes.
    init(stream: Int32, connection: Int32) {
        window = stream
        connectionWindow = connection
    }

    /// Bytes came.
    /// - Returns: A ping is to be sent now.
    mutating func shouldProbe(after bytes: Int, now: DeadlineWheel.Time) -> Bool {
        byteCount += bytes
        // A call now and then says nothing about the path, and is worth no ping.
        guard !isProbing, window < Self.limitBytes, byteCount >= Int(window) / 4, now >= nextProbe else { return false }
        isProbing = true
        nextProbe = now + Self.probeMilliseconds
        byteCount = 0
        return true
    }

    /// The ping was answered.
    /// - Returns: The windows to have from now on; `nil`: as they are.
    mutating func probed() -> (stream: Int32, connection: Int32)? {
        guard isProbing else { return nil }
        isProbing = false
        let sample = byteCount
        byteCount = 0
        guard sample >= Int(window) / 5 * 2 else { return nil }
        window = min(window * 2, Self.limitBytes)
        nextProbe = 0
        return (window, max(connectionWindow, min(window * 4, 2 * Self.limitBytes)))
    }
}

extension AdaptiveWindow {
    init(_ limits: HTTP2Limits) { self.init(stream: limits.streamWindow, connection: limits.connectionWindow) }
}
