package import WireProtocols

/// What the admin API takes from a client.
package struct AdminLimits: Sendable, Hashable {
    /// Connections held at once; others wait in the kernel's queue. At least 1. Default: 32.
    package var connections = 32
    /// Bytes of a request's body; over it: 413. Default: 8 MiB.
    package var bodyByteCount = 8 * 1024 * 1024
    /// Files of one `apply`. Default: 10,000.
    package var documents = 10_000
    /// From a connection's first moment to its whole request, over which the answer is 408, and from the answer's first
    /// byte to its last. In milliseconds. Default: 10 s.
    package var transferMilliseconds: UInt64 = 10_000
    /// How long what a client still sends after the answer is read and dropped, so that the answer is not lost by a
    /// reset. In milliseconds. Default: 1 s.
    package var lingerMilliseconds: UInt64 = 1_000

    /// Of a head: 32 KiB, 64 fields, a target of 16 KiB.
    package let head: HTTP1Limits = {
        var limits = HTTP1Limits()
        limits.fieldCount = 64
        limits.targetByteCount = 16 * 1024
        return limits
    }()

    package init() {}
}
