import Diagnostics
import Manifests
import MeshSnapshot
import TransportSecurity

/// Certificates and keys that a snapshot names: read as they would be to serve it.
enum CredentialFileCheck {
    /// - Parameter folder: that relative paths start from; absolute.
    static func problems(of snapshot: MeshSnapshot, folder: String) -> [Diagnostic] {
        func absolute(_ path: String) -> String { path.hasPrefix("/") ? path : "\(folder)/\(path)" }
        var problems: [Diagnostic] = []
        for listener in snapshot.gateways.flatMap(\.listeners) {
            guard let tls = listener.tls else { continue }
            do throws(TLSError) {
                _ = try CredentialFiles.credentials(
                    certificateFile: absolute(tls.certificateFile.value), keyFile: absolute(tls.keyFile.value))
            } catch {
                problems.append(.badCertificate(tls, error))
            }
        }
        if case .files(let certificate, let key) = snapshot.mesh.identity.authority {
            do throws(TLSError) {
                _ = try CredentialFiles.authority(
                    certificateFile: absolute(certificate.value), keyFile: absolute(key.value))
            } catch {
                problems.append(
                    Diagnostic(
                        .cannotIssue, at: (error.concernsKey ? key : certificate).position, found: "\(error)",
                        expected: "an authority that can sign certificates", remedy: "mend the authority's files"))
            }
        }
        return problems
    }
}
