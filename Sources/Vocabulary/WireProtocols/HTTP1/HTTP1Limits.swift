/// How much of a head is taken before it is refused.
package struct HTTP1Limits: Sendable, Hashable {
    /// Bytes from the first of the start line to the empty line, both included; over it: 431. At least 1 KiB, at most 1 MiB. Default: 32 KiB.
    package var headByteCount = 32 * 1024
    /// Field lines in a head, and likewise in a trailer section; over it: 431. At least 1. Default: 100.
    package var fieldCount = 100
    /// Bytes of a request target; over it: 414. At least 1. Default: 8 KiB (RFC 9112 § 3 asks for 8,000).
    package var targetByteCount = 8 * 1024
    /// Bytes of a trailer section; over it: 431. At least 2. Default: 8 KiB.
    package var trailerByteCount = 8 * 1024

    package init() {}
}
