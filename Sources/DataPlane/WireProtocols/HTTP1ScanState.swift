/// How far an unfinished head was looked at, so that bytes that trickle in are looked at once. A new one for each message.
package struct HTTP1ScanState: Hashable, Sendable {
    /// Bytes known to hold neither the end of the head nor a mistake in its line ends.
    var scanned = 0
    /// The start line is whole.
    var hasStartLine = false

    package init() {}
}
