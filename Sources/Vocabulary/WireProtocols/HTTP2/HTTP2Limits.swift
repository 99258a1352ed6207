/// What one HTTP/2 connection's other side may ask of this one. Over a limit, unless it says otherwise: GOAWAY with
/// ENHANCE_YOUR_CALM.
package struct HTTP2Limits: Sendable, Hashable {
    /// Streams at a time (SETTINGS_MAX_CONCURRENT_STREAMS); one more is refused with REFUSED_STREAM. At least 1. Default: 100.
    package var concurrentStreams: UInt32 = 100
    /// Bytes of a header list, decoded, with 32 for each field (SETTINGS_MAX_HEADER_LIST_SIZE, RFC 9113 § 6.5.2). A request
    /// over it is answered with 431, any other message's stream is reset; over four times as much the connection ends.
    /// Default: 64 KiB.
    package var headerListByteCount = 64 * 1024
    /// Bytes of a name or a value, whatever `headerListByteCount` is: the decoders of nginx, curl and others, which read with
    /// nghttp2, take no more, and end the connection over it. Treated like a list over its limit.
    static let fieldByteLimit = 65_536
    /// Fields of a header list, without pseudo-header fields; of those that a `cookie` was split into only the bytes count.
    /// Over it: 431, or a reset. Default: 100.
    package var fieldCount = 100
    /// Bytes of a request's `:path`; one over it is answered with 414. Default: 8 KiB.
    package var targetByteCount = 8 * 1024
    /// CONTINUATION frames of a header block (CVE-2024-30255). At least 1. Default: 16.
    package var continuations = 16
    /// Streams that a client resets in 30 s while they are young and have no word of their answer (CVE-2023-44487), and likewise
    /// those that it makes us reset: with malformed requests, heads over their limits, windows that overflow, frames for streams
    /// that are over, more streams than it may have (CVE-2025-8671). Default: 1,000.
    package var resets = 1_000
    /// How long a stream is young, in milliseconds. Whoever keeps each of its streams for so long is bounded by how many it may
    /// have at a time: 2,000 a second of 100, no more than of those that are answered.
    static let youngMilliseconds: UInt64 = 50
    /// SETTINGS frames in 30 s, acknowledgements not counted. Default: 100.
    package var settings = 100
    /// Entries of one SETTINGS frame. Default: 32.
    package var settingsEntries = 32
    /// PING frames in 30 s, besides acknowledgements, and one for each frame of DATA or HEADERS either way: measuring a path
    /// takes as many. Default: 300.
    package var pings = 300
    /// DATA frames in 30 s that hold nothing and end nothing. Default: 1,000.
    package var emptyData = 1_000
    /// Answers to SETTINGS and PING that wait to be written. Default: 100.
    package var queuedAcknowledgements = 100
    /// Frames that wait to be written, besides bodies and four for each stream: resets, window updates. Default: 1,000.
    package var queuedFrames = 1_000
    /// Their bytes, besides 64 KiB for each stream. Default: 4 MiB.
    package var queuedBytes = 4 << 20
    /// A stream's window at first, in bytes: what each may have waiting here that nobody takes. 65,535 to 2^31 - 1. Default: 256 KiB.
    package var streamWindow: Int32 = 256 * 1024
    /// The connection's window at first, in bytes: what is on its way, whoever takes it. 65,535 to 2^31 - 1. Default: 1 MiB.
    package var connectionWindow: Int32 = 1024 * 1024

    package init() {}
}
