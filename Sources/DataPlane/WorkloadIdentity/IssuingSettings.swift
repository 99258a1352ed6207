package import SPIFFE

/// What the `Mesh` resource says about identity.
package struct IssuingSettings: Hashable, Sendable {
    package let trustDomain: TrustDomain
    /// Lifetime of an X.509-SVID, in whole seconds: 30 s to 24 h.
    package let svidTTL: Duration
    package let authority: AuthorityLocation

    /// - Parameter svidTTL: Brought into its range if it is outside.
    package init(trustDomain: TrustDomain, svidTTL: Duration, authority: AuthorityLocation) {
        self.trustDomain = trustDomain
        self.svidTTL = min(max(svidTTL, .seconds(30)), Self.longestTTL)
        self.authority = authority
    }

    /// 24 h. No certificate outlives it, so a root that has gone is trusted for as long.
    static let longestTTL = Duration.seconds(86_400)
}

/// Where the authority is.
package enum AuthorityLocation: Hashable, Sendable {
    /// A root made on first run and kept in the state folder.
    case builtIn
    /// Of the operator's. The first certificate of the file signs; all of them are trusted, so that the next root can be
    /// spread to every node before it signs, and the last one kept after it has.
    case files(certificateFile: String, keyFile: String)
}
