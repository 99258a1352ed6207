import CommonValues
import Cryptography
import Diagnostics
import Manifests
import NodeServing
import TransportSecurity
import WorkloadIdentity

/// Certificates and keys that manifests name: read as they would be to serve them, and judged by their time. Whatever else
/// is wrong: one run finds all.
enum CredentialFileCheck {
    /// - Parameter folder: that relative paths start from; absolute.
    static func problems(of set: ResourceSet, folder: String, at now: UnixTime) -> [Diagnostic] {
        func absolute(_ path: String) -> String { path.hasPrefix("/") ? path : "\(folder)/\(path)" }
        var problems: [Diagnostic] = []
        var certificates: [CertificateInUse] = []
        func check(_ listener: GatewayListener) {
            guard let tls = listener.tls else { return }
            do throws(CryptographyError) {
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
        func check(_ mesh: Mesh) {
            guard case .files(let certificate, let key) = mesh.identity.authority else { return }
            do throws(IdentityError) {
                let authority = try AuthorityCertificates.read(
                    certificateFile: absolute(certificate.value), keyFile: absolute(key.value), at: now)
                certificates += CertificateInUse.of(mesh, authority: authority)
                problems += CertificateNames.warning(mesh, authority: authority.first).map { [$0] } ?? []
            } catch {
                problems.append(.cannotIssue(mesh, error))
            }
        }
        for gateway in set[Gateway.self].sorted(by: { $0.metadata.position < $1.metadata.position }) {
            gateway.listeners.forEach(check)
        }
        set[Mesh.self].forEach(check)
        return problems + certificates.withoutRepeats.warnings(at: now)
    }
}
