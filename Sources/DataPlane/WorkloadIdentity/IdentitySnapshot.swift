package import CommonValues
package import Cryptography
package import SPIFFE
package import TransportSecurity

/// All identities of this node at one moment, and the roots to check others by. Immutable.
package struct IdentitySnapshot: Sendable {
    /// Grows with every snapshot that an issuer makes; one with a lower number is older.
    package let number: UInt64
    package let bundle: TrustBundle
    package let identities: [SPIFFEID: X509SVID]
    /// Of the authority: the certificate that signs now, then those that are trusted besides.
    package let authority: [Certificate]
    /// Gone from the authority, and trusted for a while yet.
    package let former: [FormerRoot]

    /// When the first certificate ends; `nil` if there is none.
}

/// A certificate that the authority has no more.
package struct FormerRoot: Equatable, Sendable {
    package let certificate: Certificate
    /// The first moment at which it is not trusted any more.
    package let until: UnixTime
}

/// What `heddle certificate` shows.
package struct CertificateDescription: Hashable, Sendable {
    package let id: SPIFFEID
    /// Upper-case hexadecimal.
    package let serial: String
    package let notBefore: UnixTime
    package let notAfter: UnixTime
    /// The leaf, then what leads to a root.
    package let chainPEM: String
    /// The roots of the trust domain, to verify the chain with.
    package let bundlePEM: String

    package init(_ svid: X509SVID, bundle: TrustBundle) throws(CryptographyError) {
        id = svid.id
        serial = svid.credentials.leaf.serial
        notBefore = svid.notBefore
        notAfter = svid.notAfter
        chainPEM = try Self.text(svid.credentials.chain)
        bundlePEM = try Self.text(bundle.roots)
    }

    private static func text(_ certificates: [Certificate]) throws(CryptographyError) -> String {
        var bytes: [UInt8] = []
        for certificate in certificates { bytes += try certificate.pem() }
        return String(decoding: bytes, as: UTF8.self)
    }
}
