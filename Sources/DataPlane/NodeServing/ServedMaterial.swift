package import Cryptography
package import Diagnostics
package import Forwarding
package import SPIFFE
package import WorkloadIdentity

/// What a generation proves itself with, as far as this host has it.
package struct ServedMaterial: Sendable {
    package let tls: TLSMaterial
    package let certificates: GatewayCertificates<TLSCredentials>
    /// The number of the identity snapshot it was made of; only later ones are news. 0: none.
    package let identities: UInt64
    package let servedNames: [String: SPIFFEID]
    /// The authority's certificates: the one that signs, then those that are trusted besides. Empty: there is none.
    package let authority: [Certificate]
    /// Those that it has no more, and that are trusted for a while yet.
    package let formerAuthority: [FormerRoot]
    /// What could not be had. Nothing else was put in its place: who has no certificate is not served, and calls nobody.
    package let problems: [Diagnostic]
}
