import CommonValues

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
    package enum Use: String, Sendable, Hashable, CaseIterable {
        /// The authority's, which signs for this node's workloads.
        case signing
        /// Whatever it has signed is believed.
        case trusted
        /// Gone from the authority's file, and believed until the end of `time`, which is then not the certificate's own.
        case former
        /// Shown by a Gateway, or of the chain that is.
        case gateway
    }

    package var use: Use
    /// As the manifests name it; `nil`: of the authority that Heddle made for itself.
    package var file: String?
    /// In upper-case hexadecimal.
    package var serial: String
    package var time: CertificateTime
    /// When it was looked at.
    package var at: UnixTime

    package init(use: Use, file: String?, serial: String, time: CertificateTime, at: UnixTime) {
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
