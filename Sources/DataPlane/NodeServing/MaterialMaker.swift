import Cryptography
import Diagnostics
import EventLoops
import Forwarding
import Manifests
import MeshSnapshot
import SPIFFE
import TransportSecurity
import WorkloadIdentity

/// Makes `ServedMaterial`: issues certificates and reads key files. What cannot be had is a problem of the one it was for, never of the
/// whole: a file that is damaged must not keep a rule from being enforced.
struct MaterialMaker: Sendable {
    let issuer: IdentityIssuer
    let manifestsFolder: String

    struct Made: Sendable {
        let material: ServedMaterial
        /// To be committed with it; `nil`: what was issued before goes on.
        let identities: IdentityIssuer.Prepared?
    }

    /// - Parameters:
    ///   - former: What is in force.
    ///   - onlyMissing: Tries again what `former` lacks, and takes the rest from it.
    func make(
        _ plan: ServingPlan, former: ServedMaterial?, onlyMissing: Bool = false
    ) -> Made {
        var problems: [Diagnostic] = []
        var identities: IdentityIssuer.Prepared?
        if !onlyMissing || former?.problems.contains(where: { $0.code == .cannotIssue }) ?? true {
            identities = issued(plan, &problems) { ids, settings throws(IdentityError) in
                try issuer.prepare(ids: ids, settings: settings)
            }
        }
        let material = material(
            identities?.snapshot, plan, former: former, readsAgain: !onlyMissing, problems: &problems)
        return Made(material: material, identities: identities)
    }

    /// What would be made, without a trace.
    func rehearse(_ plan: ServingPlan, former: ServedMaterial?) -> ServedMaterial {
        var problems: [Diagnostic] = []
        let identities = issued(plan, &problems) { ids, settings throws(IdentityError) in
            try issuer.rehearse(ids: ids, settings: settings)
        }
        return material(identities, plan, former: former, readsAgain: true, problems: &problems)
    }

    /// With the certificates of Gateways, as their files have them.
    private func material(
        _ identities: IdentitySnapshot?, _ plan: ServingPlan, former: ServedMaterial?, readsAgain: Bool,
        problems: inout [Diagnostic]
    ) -> ServedMaterial {
        let (certificates, faults) = (former?.certificates ?? GatewayCertificates())
            .following(plan.secureListeners, readsAgain: readsAgain) { tls in
                Result { () throws(CryptographyError) in
                    try CredentialFiles.credentials(
                        certificateFile: path(tls.certificateFile.value), keyFile: path(tls.keyFile.value))
                }
            }
        for fault in faults {
            problems.append(.badCertificate(fault.listener.tls, fault.error, formerGoesOn: fault.formerGoesOn))
        }
        let gateways = contexts(plan, certificates, &problems)
        return material(
            identities ?? issuer.snapshot, plan, gateways, certificates, former: former, problems: &problems)
    }

    /// The same with other certificates of workloads.
    func rotated(_ former: ServedMaterial, _ snapshot: IdentitySnapshot, _ plan: ServingPlan) -> ServedMaterial {
        var problems = former.problems.filter { $0.code != .cannotServe }
        return material(
            snapshot, plan, former.tls.gateways, former.certificates, former: former, problems: &problems)
    }

    private func issued<Issued>(
        _ plan: ServingPlan, _ problems: inout [Diagnostic],
        by issue: (Set<SPIFFEID>, IssuingSettings) throws(IdentityError) -> Issued
    ) -> Issued? {
        let mesh = plan.snapshot.mesh
        let location: AuthorityLocation
        switch mesh.identity.authority {
        case .builtIn: location = .builtIn
        case .files(let certificate, let key):
            location = .files(certificateFile: path(certificate.value), keyFile: path(key.value))
        }
        do throws(IdentityError) {
            return try issue(
                plan.identities,
                IssuingSettings(trustDomain: mesh.trustDomain, svidTTL: mesh.identity.svidTTL, authority: location))
        } catch {
            problems.append(.cannotIssue(plan.snapshot.mesh, error))
            return nil
        }
    }

    /// - Parameters:
    ///   - identities: What this set asks for, or else what was issued before. Of that only what this set has counts, and
    ///     nothing if it is of another trust domain.
    ///   - former: Its contexts go on if they would be made of the same.
    private func material(
        _ identities: IdentitySnapshot?, _ plan: ServingPlan, _ gateways: [NetworkAddress: TLSContext],
        _ certificates: GatewayCertificates<TLSCredentials>, former: ServedMaterial?, problems: inout [Diagnostic]
    ) -> ServedMaterial {
        var tls = TLSMaterial(gateways: gateways)
        var number: UInt64 = 0
        var authority: [Certificate] = []
        var formerAuthority: [FormerRoot] = []
        if let identities, identities.bundle.trustDomain == plan.snapshot.mesh.trustDomain {
            number = identities.number
            authority = identities.authority
            formerAuthority = identities.former
            tls.svids = identities.identities.filter { plan.identities.contains($0.key) }
            if plan.hasMesh {
                do throws(CryptographyError) {
                    try addContexts(to: &tls, identities, plan, former)
                } catch {
                    problems.append(.cannotServe(plan.snapshot, error))
                }
            }
        }
        return ServedMaterial(
            tls: tls, certificates: certificates, identities: number, servedNames: plan.servedNames,
            authority: authority, formerAuthority: formerAuthority, problems: problems)
    }

    private func addContexts(
        to tls: inout TLSMaterial, _ identities: IdentitySnapshot, _ plan: ServingPlan, _ former: ServedMaterial?
    ) throws(CryptographyError) {
        if let former, former.identities == identities.number, former.servedNames == plan.servedNames,
            let server = former.tls.meshServer, let client = former.tls.meshClient
        {
            tls.meshServer = server
            tls.meshClient = client
            return
        }
        var served: [String: X509SVID] = [:]
        for (name, id) in plan.servedNames { served[name] = tls.svids[id] }
        let client = try TLSContext.meshClient(bundle: identities.bundle)
        tls.meshServer = try .meshServer(identities: served, bundle: identities.bundle)
        tls.meshClient = client
    }

    /// None for an address where no listener has anything to show.
    private func contexts(
        _ plan: ServingPlan, _ certificates: GatewayCertificates<TLSCredentials>, _ problems: inout [Diagnostic]
    ) -> [NetworkAddress: TLSContext] {
        var contexts: [NetworkAddress: TLSContext] = [:]
        for (address, listeners) in Dictionary(grouping: plan.secureListeners, by: \.address) {
            var table = ServerCredentials()
            var isEmpty = true
            for listener in listeners {
                if let credentials = certificates.credentials(for: listener) {
                    table.add(credentials, for: listener.hostname)
                    isEmpty = false
                } else {
                    table.withhold(listener.hostname)
                }
            }
            guard !isEmpty else { continue }
            do throws(CryptographyError) {
                contexts[address] = try .gatewayServer(
                    certificates: table, applicationProtocols: ["h2", "http/1.1"])
            } catch {
                problems.append(.badCertificate(listeners[0].tls, error, formerGoesOn: false))
            }
        }
        return contexts
    }

    /// Paths in manifests are absolute, or relative to the manifests folder.
    private func path(_ written: String) -> String {
        written.hasPrefix("/") ? written : "\(manifestsFolder)/\(written)"
    }
}
