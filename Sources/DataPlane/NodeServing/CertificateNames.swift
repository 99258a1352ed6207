package import Cryptography
package import Diagnostics
package import Manifests
import SPIFFE

/// Whether certificates name what they are used for. It keeps nothing from being served: callers are who looks at names, and
/// whether they do is theirs to say.
package enum CertificateNames {
    /// - Parameter hostname: The listener's; `nil`: all hosts.
    /// - Returns: `nil` if there is nothing to say.
    package static func warning(_ tls: ListenerTLS, hostname: String?, leaf: Certificate) -> Diagnostic? {
        guard let hostname, !leaf.names(hostname) else { return nil }
        let hosts = leaf.hosts
        let named = hosts.prefix(3).map(Diagnostic.quoted).joined(separator: ", ")
        let rest = hosts.count > 3 ? " and \(hosts.count - 3) more" : ""
        return Diagnostic(
            .certificateName, .warning, at: tls.certificateFile.position,
            found: hosts.isEmpty ? "a certificate that names no host" : "a certificate for \(named)\(rest)",
            expected: "one that names \(Diagnostic.quoted(hostname)): callers of this listener refuse another",
            remedy:
                "put a certificate for \(Diagnostic.quoted(hostname)) in the file, or correct the listener's hostname")
    }

    /// An authority should be of the trust domain that it signs for (X509-SVID § 3.2), and need not be. Where it is another's,
    /// that is a mistake as a rule.
    /// - Parameter signing: What signs; `nil`: there is none.
    package static func warning(_ mesh: Mesh, authority signing: Certificate?) -> Diagnostic? {
        guard case .files(let file, _) = mesh.identity.authority, let named = signing?.spiffeID?.trustDomain,
            named != mesh.trustDomain
        else { return nil }
        return Diagnostic(
            .authorityName, .warning, at: file.position,
            found: "an authority of trust domain \(Diagnostic.quoted(named.name))",
            expected: "one of \(Diagnostic.quoted(mesh.trustDomain.name)), the Mesh's: it signs for that all the same",
            remedy:
                "set spec.trustDomain to \(Diagnostic.quoted(named.name)), or make another authority: heddle authority create "
                + "--trust-domain \(mesh.trustDomain)")
    }
}
