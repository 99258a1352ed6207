import Authorization
import Diagnostics
import Manifests
import MeshSnapshot
import SPIFFE

extension CallExplanation {
    /// Whoever is of another trust domain comes no further than to the handshake, whatever rules say.
    static func stranger(_ caller: SPIFFEID?, in snapshot: MeshSnapshot) -> String? {
        let trustDomain = snapshot.mesh.trustDomain
        guard let caller, caller.trustDomain != trustDomain else { return nil }
        return
            "the caller is of trust domain \(caller.trustDomain), and this mesh, which is of \(trustDomain), takes nobody's "
            + "word but its own authority's"
    }

    /// Rules are asked about whoever is named; that nobody is called so is worth more than their answer.
    static func unknownCaller(_ caller: SPIFFEID?, in snapshot: MeshSnapshot) -> String? {
        guard let caller else { return nil }
        let trustDomain = snapshot.mesh.trustDomain
        guard let account = caller.serviceAccount else {
            return "the caller is no service account, so nobody calls as it: those are named as "
                + "spiffe://\(trustDomain)/ns/NAMESPACE/sa/NAME"
        }
        let name = ResourceName(namespace: account.namespace, name: account.name)
        let accounts = snapshot.serviceAccounts
        guard !accounts.contains(name) else { return nil }
        let near = NearestName(to: "\(name)", among: accounts.map(\.description).sorted())
        // Named without its namespace, as a rule.
        let elsewhere = accounts.filter { $0.name == name.name }.map(\.description).min()
        let question = near?.question ?? elsewhere.map { "did you mean \(Diagnostic.quoted($0))?" }
        return "no workload or gateway has the service account \(name), so nobody calls as it"
            + (question.map { "; \($0)" } ?? "")
    }

    /// Where whoever has no identity calls a service; `nil`: nobody does, as the service says itself.
    private static func plainPorts(of service: ResourceName, in snapshot: MeshSnapshot) -> String? {
        guard snapshot.peerModes.isPermissive(service) else { return nil }
        let ports = snapshot.plainWorkloads(of: service).compactMap { workload in
            workload.inboundPlain.map { "\($0.value) (Workload \(workload.metadata.name))" }
        }
        return ports.isEmpty
            ? "\(service) is PERMISSIVE, and no Workload of it has inbound.plain: nobody comes to it in plain"
            : "it calls in plain, at \(ports.joined(separator: ", "))"
    }

    static func notes(
        _ question: CallQuestion, _ resolved: ResolvedQuestion, in snapshot: MeshSnapshot
    ) -> [String] {
        var notes: [String] = []
        if let unknown = unknownCaller(resolved.caller, in: snapshot) { notes.append(unknown) }
        if resolved.lacksHost(question) {
            notes.append("the caller is a gateway: without --host its routes are not looked at")
        }
        if question.from == nil {
            notes.append("the caller has no identity: no rule about callers' names matches it")
            if let ports = plainPorts(of: resolved.service, in: snapshot) { notes.append(ports) }
        }
        if question.fromAddress == nil {
            let program = AuthorizationProgram(
                policies: snapshot.policies(for: resolved.service),
                defaultAction: snapshot.mesh.defaultAction)
            if program.asksForClientAddress {
                notes.append("a rule asks for the caller's address: without --from-ip there is none")
            }
        }
        return notes
    }
}
