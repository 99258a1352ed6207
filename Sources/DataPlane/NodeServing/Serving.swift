import Cryptography
import Diagnostics
package import Forwarding
import Manifests
package import MeshSnapshot
import TransportSecurity

/// What is in force.
package struct Serving: Sendable {
    package let snapshot: MeshSnapshot
    package internal(set) var plan: ServingPlan
    /// All that stand in its addresses.
    let names: Set<String>
    package internal(set) var material: ServedMaterial
    /// What there is to say of names in addresses now.
    var nameProblems: [Diagnostic]
    /// Of listeners that are not open.
    var socketProblems: [Diagnostic]

    /// What was held back when this was taken up, and why.
    var heldBack: [Diagnostic] {
        (nameProblems.filter { $0.severity == .error } + material.problems + socketProblems)
            .sorted { $0.position < $1.position }
    }

    var nameWarnings: [Diagnostic] { nameProblems.filter { $0.severity != .error } }

    /// What there is to say of certificates beside their time.
    var certificateWarnings: [Diagnostic] {
        let listeners = plan.secureListeners.compactMap { listener -> Diagnostic? in
            // Of a former one, which is shown while the listener's own cannot be used, that is said.
            guard material.certificates.certificateFile(for: listener) == listener.tls.certificateFile.value else {
                return nil
            }
            return material.certificates.credentials(for: listener).flatMap {
                CertificateNames.warning(listener.tls, hostname: listener.hostname, leaf: $0.leaf)
            }
        }
        return listeners
            + (CertificateNames.warning(snapshot.mesh, authority: material.authority.first).map { [$0] } ?? [])
    }

    /// All that are in use.
    package var certificates: [CertificateInUse] {
        let mesh = snapshot.mesh
        var all = material.tls.svids.values.map { CertificateInUse(workload: $0, in: mesh) }
            .sorted { $0.name ?? "" < $1.name ?? "" }
        all += CertificateInUse.of(mesh, authority: material.authority)
        all += material.formerAuthority.map { CertificateInUse(former: $0, in: mesh) }
        for listener in plan.secureListeners {
            guard let credentials = material.certificates.credentials(for: listener) else { continue }
            all += CertificateInUse.of(
                listener.tls, chain: credentials.chain,
                readFrom: material.certificates.certificateFile(for: listener))
        }
        return all.withoutRepeats
    }
}
