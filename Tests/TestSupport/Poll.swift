import Glibc

/// Waits for what another thread or process does, where there is nothing to sleep on. What is waited for ends it, not the
/// time: the bound is for what never comes, and far beyond what a busy machine takes.
package enum Poll {
    /// What a test waits at most for what comes as a rule in milliseconds: 60 s.
    package static let patience = Duration.seconds(60)
    /// Between two looks: 2 ms.
    private static let pause = Duration.milliseconds(2)

    /// - Returns: Whether it has become so. To be expected, or seen from what the test looks at next.
    @discardableResult
    package static func until(
        within patience: Duration = patience, _ condition: () async throws -> Bool
    ) async rethrows -> Bool {
        let end = ContinuousClock.now + patience
        while ContinuousClock.now < end {
            if try await condition() { return true }
            // A task that was cancelled goes on at once, up to its bound.
            do { try await Task.sleep(for: pause) } catch { await Task.yield() }
        }
        return try await condition()
    }

    /// The same on a thread of one's own.
    @discardableResult
    package static func until(
        within patience: Duration = patience, every pause: Duration = .milliseconds(2),
        _ condition: () throws -> Bool
    ) rethrows -> Bool {
        let end = ContinuousClock.now + patience
        while ContinuousClock.now < end {
            if try condition() { return true }
            usleep(UInt32(pause / .microseconds(1)))
        }
        return try condition()
    }
}
