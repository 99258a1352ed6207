import CommonValues
import Diagnostics
import Manifests
import MeshSnapshot
import TransportSecurity
import WorkloadIdentity

/// Certificates and keys that a snapshot names: read as they would be to serve it, and judged by their time.
enum CredentialFileCheck {
    /// - Parameter folder: that relative paths start from; absolute.
    static func problems(of snapshot: MeshSnapshot, folder: String, at now: UnixTime) -> [Diagnostic] {
        func absolute(_ path: String) -> String { path.hasPrefix("/") ? path : "\(folder)/\(path)" }
        var problems: [Diagnostic] = []
        var certificates: [CertificateInUse] = []
        for listener in snapshot.gateways.flatMap(\.listeners) {
            guard let tls = listener.tls else { continue }
            do throws(TLSError) {
                let credentials = try CredentialFiles.credentials(
                    certificateFile: absolute(tls.certificateFile.value), keyFile: absolute(tls.keyFile.value))
                certificates += CertificateInUse.of(tls, chain: credentials.chain)
                problems +=
                    CertificateNames.warning(
                        tls, hostname: listener.hostname?.value.description, leaf: credentials.leaf
                    ).map { [$0] } ?? []
            } catch {
                problems.append(.badCertificate(tls, error))
            }
        }
        if case .files(let certificate, let key) = snapshot.mesh.identity.authority {
            do throws(IdentityError) {
                let authority = try AuthorityCertificates.read(
                    certificateFile: absolute(certificate.value), keyFile: absolute(key.value), at: now)
                certificates += CertificateInUse.of(snapshot.mesh, authority: authority)
                problems += CertificateNames.warning(snapshot.mesh, authority: authority.first).map { [$0] } ?? []
            } catch {
                problems.append(.cannotIssue(snapshot, error))
            }
        }
        return problems + certificates.withoutRepeats.warnings(at: now)
    }
}
