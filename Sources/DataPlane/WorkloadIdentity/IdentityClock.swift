package import CommonValues
import TransportSecurity

/// The time as the issuer sees it; tests have their own.
package struct IdentityClock: Sendable {
    package let now: @Sendable () -> UnixTime
    package let sleep: @Sendable (Duration) async throws -> Void

    package init(
        now: @escaping @Sendable () -> UnixTime, sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.now = now
        self.sleep = sleep
    }

    /// The machine's wall clock, and waits that go on while it sleeps.
    package static let system = IdentityClock(
        now: { .now }, sleep: { try await ContinuousClock().sleep(for: $0) })
}
