/// How far an unfinished head was looked at, so that bytes that trickle in are looked at once and not once for each that
/// comes. A new one for each message.
package struct HTTP1ScanState: Hashable, Sendable {
    /// Bytes in which a head was begun but not ended, and line ends are right; 0: nothing was looked at yet.
    private var scanned = 0
    private var hasStartLine = false

    package init() {}

    /// Whether parsing can say something new: the head is whole, wrong in its line ends, or over a limit.
    mutating func isWorthParsing(_ bytes: Span<UInt8>, limits: HTTP1Limits) -> Bool {
        // Most heads come in one piece: the first look is the parser's own.
        guard scanned > 0 else { return true }
        // An end of line may have come in two parts.
        var cursor = max(scanned - 3, 0)
        while cursor < bytes.count {
            let byte = bytes[cursor]
            if byte == UInt8(ascii: "\n") {
                guard cursor > 0, bytes[cursor - 1] == UInt8(ascii: "\r") else { return true }
                hasStartLine = hasStartLine || cursor > 1
                if cursor >= 3, bytes[cursor - 2] == UInt8(ascii: "\n") { return true }
            } else if cursor > 0, bytes[cursor - 1] == UInt8(ascii: "\r") {
                return true
            }
            cursor += 1
        }
        scanned = bytes.count
        return exceeds(limits)
    }

    /// Notes that a parser came to the end of the bytes without a mistake.
    mutating func wait(_ bytes: Span<UInt8>, limits: HTTP1Limits, isStartLineWhole: Bool) throws(HTTP1Error) {
        scanned = bytes.count
        hasStartLine = isStartLineWhole
        guard exceeds(limits) else { return }
        throw hasStartLine || scanned > limits.headByteCount ? .headTooLarge : .targetTooLong
    }

    private func exceeds(_ limits: HTTP1Limits) -> Bool {
        // A start line holds a method, a version and spaces besides.
        scanned > limits.headByteCount || (!hasStartLine && scanned > limits.targetByteCount + 64)
    }
}
