/// When a certificate is valid, and the one place that says so.
package struct CertificateTime: Hashable, Sendable {
    package enum State: String, Hashable, Sendable, CaseIterable {
        case notYetValid = "not-yet-valid"
        case valid
        /// Valid, and over before the notice is.
        case ending
        case expired
    }

    package let notBefore: UnixTime
    /// The first moment at which it is over.
    package let notAfter: UnixTime
    /// How long before its end it is to be told of.
    package let notice: Duration

    /// For what people replace: 30 days.
    package static let notice = Duration.seconds(30 * 86_400)

    package init(notBefore: UnixTime, notAfter: UnixTime, notice: Duration = Self.notice) {
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.notice = notice
    }

    package func state(at now: UnixTime) -> State {
        if now >= notAfter { return .expired }
        if now < notBefore { return .notYetValid }
        return notAfter - notice <= now ? .ending : .valid
    }

    /// When its state is next another; `nil`: never.
    package func change(after now: UnixTime) -> UnixTime? {
        [notBefore, notAfter - notice, notAfter].filter { $0 > now }.min()
    }

    /// What follows on its name: `expired at 2026-11-22T16:55:07.000Z`. The same for as long as its state is.
    package func sentence(at now: UnixTime) -> String {
        switch state(at: now) {
        case .notYetValid: "is not valid before \(notBefore)"
        case .valid: "is valid until \(notAfter)"
        case .ending: "expires at \(notAfter)"
        case .expired: "expired at \(notAfter)"
        }
    }

    /// Its state in a few words: `expires in 12 days`.
    package func summary(at now: UnixTime) -> String {
        switch state(at: now) {
        case .notYetValid: "not yet valid"
        case .valid: "valid"
        case .ending: "expires in \(remainder(at: now))"
        case .expired: "expired"
        }
    }

    /// How long it is valid yet, rounded down, but not to nothing: `12 days`, `1 day`, `5 h`, `59 min`, `a minute`.
    package func remainder(at now: UnixTime) -> String {
        let minutes = max(0, (notAfter - now).components.seconds / 60)
        if minutes >= 1440 { return minutes < 2880 ? "1 day" : "\(minutes / 1440) days" }
        if minutes >= 60 { return "\(minutes / 60) h" }
        return minutes > 0 ? "\(minutes) min" : "a minute"
    }
}
