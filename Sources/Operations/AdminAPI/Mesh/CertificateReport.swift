package import CommonValues

/// What people ask of a workload's certificate.
package struct CertificateFacts: Sendable, Hashable {
    package var spiffeID: String
    /// In upper-case hexadecimal.
    package var serial: String
    package var time: CertificateTime
    /// When it was looked at.
    package var at: UnixTime

    package init(spiffeID: String, serial: String, time: CertificateTime, at: UnixTime) {
        self.spiffeID = spiffeID
        self.serial = serial
        self.time = time
        self.at = at
    }
}

/// The same of one that is no workload's.
package struct OtherCertificateFacts: Sendable, Hashable {
    package var use: CertificateUse
    /// As the manifests name it; `nil`: of the authority that Heddle made for itself.
    package var file: String?
    /// In upper-case hexadecimal.
    package var serial: String
    package var time: CertificateTime
    /// When it was looked at.
    package var at: UnixTime

    package init(use: CertificateUse, file: String?, serial: String, time: CertificateTime, at: UnixTime) {
        self.use = use
        self.file = file
        self.serial = serial
        self.time = time
        self.at = at
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
