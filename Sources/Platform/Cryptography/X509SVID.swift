package import CommonValues
package import SPIFFE

/// An X.509-SVID: a workload's SPIFFE ID, and the credentials that prove it.
package struct X509SVID: Sendable {
    package let id: SPIFFEID
    package let credentials: TLSCredentials
    package let notBefore: UnixTime
    package let notAfter: UnixTime

    /// When it was issued: `notBefore` is `clockSkew` earlier, for peers whose clocks are behind.
    package var issuedAt: UnixTime { notBefore + SigningAuthority.clockSkew }

    /// - Throws: `unsuitableCertificate` if the leaf does not carry exactly one SPIFFE ID.
    package init(_ credentials: TLSCredentials) throws(CryptographyError) {
        guard let id = credentials.leaf.spiffeID else {
            throw CryptographyError(.unsuitableCertificate, "the certificate does not carry exactly one SPIFFE ID")
        }
        self.id = id
        self.credentials = credentials
        notBefore = credentials.leaf.notBefore
        notAfter = credentials.leaf.notAfter
    }
}
