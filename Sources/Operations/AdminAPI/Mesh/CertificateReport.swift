import CommonValues

/// What people ask of a certificate.
package struct CertificateFacts: Sendable, Hashable {
    package var spiffeID: String
    /// In upper-case hexadecimal.
    package var serial: String
    package var notBefore: UnixTime
    package var notAfter: UnixTime

    package init(spiffeID: String, serial: String, notBefore: UnixTime, notAfter: UnixTime) {
        self.spiffeID = spiffeID
        self.serial = serial
        self.notBefore = notBefore
        self.notAfter = notAfter
    }
}

/// A service account's certificate with its chain; never its key.
package struct CertificateReport: Sendable, Hashable {
    package var facts: CertificateFacts
    /// The certificate, then its issuers, in PEM.
    package var chainPEM: String

    package init(facts: CertificateFacts, chainPEM: String) {
        self.facts = facts
        self.chainPEM = chainPEM
    }
}
