/// What one HTTP/2 connection's other side may ask of this one.
package struct HTTP2Limits: Sendable, Hashable {
    /// Streams at a time (SETTINGS_MAX_CONCURRENT_STREAMS). At least 1. Default: 100.
    package var concurrentStreams: UInt32 = 100
    /// Bytes of a header list, decoded, with 32 for each field (SETTINGS_MAX_HEADER_LIST_SIZE). Default: 64 KiB.
    package var headerListByteCount = 64 * 1024
    /// Fields of a header list. Default: 100.
    package var fieldCount = 100
    /// Streams that the other side resets, or makes us reset, in 30 s. Default: 1,000.
    package var resets = 1_000
    /// SETTINGS frames in 30 s. Default: 100.
    package var settings = 100
    /// PING frames in 30 s. Default: 300.
    package var pings = 300
    /// DATA frames in 30 s that hold nothing and end nothing. Default: 1,000.
    package var emptyData = 1_000
    /// Answers to SETTINGS and PING that wait to be written. Default: 100.
    package var queuedAcknowledgements = 100
    /// A stream's window at first, in bytes. Default: 256 KiB.
    package var streamWindow: Int32 = 256 * 1024
    /// The connection's window at first, in bytes. Default: 1 MiB.
    package var connectionWindow: Int32 = 1024 * 1024

    package init() {}
}

/// A limit that a connection went over; the connection ends with ENHANCE_YOUR_CALM.
package enum HTTP2Limit: UInt8, Sendable, CaseIterable {
    case headerList, fieldCount, continuations, resets, provokedResets, settings, pings, emptyData, output

    /// In lower case, with dashes: the label of `heddle_http2_limits_exceeded_total`.
    package var name: String {
        switch self {
        case .headerList: "header-list"
        case .fieldCount: "field-count"
        case .continuations: "continuations"
        case .resets: "resets"
        case .provokedResets: "provoked-resets"
        case .settings: "settings"
        case .pings: "pings"
        case .emptyData: "empty-data"
        case .output: "output"
        }
    }
}

/// Counts what happens within 30 s.
struct RateCounter {
    private var count = 0
    private var since: UInt64 = 0

    private static let milliseconds: UInt64 = 30_000

    /// - Returns: `false` if this one is over the limit.
    mutating func count(upTo limit: Int, now: UInt64) -> Bool {
        if now >= since + Self.milliseconds {
            since = now
            count = 0
        }
        count += 1
        return count <= limit
    }
}
