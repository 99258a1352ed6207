/// Lets one in at a time, in the order they came. For use within one actor, whose methods would otherwise interleave
/// wherever they wait.
package struct SerialGate {
    private var isTaken = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    package init() {}

    /// - Returns: Whether the gate was free and is now the caller's; if not, the caller waits with `wait`.
    package mutating func tryEnter() -> Bool {
        guard !isTaken else { return false }
        isTaken = true
        return true
    }

    /// The continuation is resumed when the gate is the caller's.
    package mutating func wait(_ continuation: CheckedContinuation<Void, Never>) { waiting.append(continuation) }

    package mutating func leave() {
        if waiting.isEmpty { isTaken = false } else { waiting.removeFirst().resume() }
    }
}
