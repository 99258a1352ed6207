import Glibc

/// Time that a test lets go by on purpose. Nothing is waited for with it: that is what `Poll` and `Gate` are for, and what no
/// other sleep does either, for `scripts/format --lint` finds it.
package enum Pause {
    /// A peer takes its time. On a busy machine it is slower still.
    package static func ofSlowPeer(_ duration: Duration) { pass(duration) }

    /// What must not happen has had time to. Too little of it finds less; it never fails what is right.
    package static func inWhichNothingMayHappen(_ duration: Duration) async {
        // A task that was cancelled has waited enough.
        try? await Task.sleep(for: duration)
    }

    /// The same on a thread of one's own.
    package static func inWhichNothingMayHappen(_ duration: Duration) { pass(duration) }

    /// Something is cut off, or written, at whatever moment it is.
    package static func ofAnyLength(upTo longest: Duration, using random: inout some RandomNumberGenerator) {
        pass(.microseconds(Int64.random(in: 0...Int64(longest / .microseconds(1)), using: &random)))
    }

    private static func pass(_ duration: Duration) {
        let end = ContinuousClock.now + duration
        while true {
            let left = ContinuousClock.now.duration(to: end)
            guard left > .zero else { return }
            usleep(UInt32(min(left / .microseconds(1) + 1, 500_000)))
        }
    }
}
