import Authorization
import CallOutcomes
import CallPlanning
import CommonValues
import HTTPSemantics
import Manifests
import MeshSnapshot

/// Asks the rules of one service after the other about one call.
struct Judge {
    let mesh: ExplainedMesh
    let caller: Caller?
    let client: ClientAddress
    let source: CallSource
    /// Nodes that the call comes to; empty: any, and the one that its workload is on among them.
    let nodes: Set<String>
    /// It goes to workloads of those nodes alone.
    let endsHere: Bool

    private var snapshot: MeshSnapshot { mesh.snapshot }

    /// Endpoints of one service that are judged each for itself.
    private static let endpointLimit = 100

    /// Of a connection.
    func destination(_ service: ServiceTable, weight: Int?) -> CallExplanation.Destination {
        let refusal = refusalOfNobody(by: service)
        return CallExplanation.Destination(
            service: service.name, weight: weight, request: nil, refusal: refusal,
            judgements: refusal == nil
                ? judgements(service, .tcp) { service.program.explainConnection($0) } : [],
            defaultAction: snapshot.mesh.defaultAction, grpcStatus: nil, otherNodes: otherNodes(of: service.name),
            unresolved: unresolved(of: service.name))
    }

    /// Of a call.
    func destination(
        _ service: ServiceTable, weight: Int?, _ head: borrowing MessageHead
    ) -> CallExplanation.Destination {
        let refusal = refusal(of: head, by: service)
        var judgements: [CallExplanation.Judgement] = []
        if refusal == nil {
            for place in places(of: service.name) {
                add(service.program.explain(head, facts(at: place, of: service, .http)), at: place, to: &judgements)
            }
        }
        var reason: FailureReason? = refusal?.reason
        if judgements.contains(where: { !$0.explanation.decision.isAllowed }) { reason = .denied }
        return CallExplanation.Destination(
            service: service.name, weight: weight, request: CallExplanation.Request(head), refusal: refusal,
            judgements: judgements, defaultAction: snapshot.mesh.defaultAction,
            grpcStatus: head.isGRPC ? reason?.grpcStatus(status: 0, hasCaller: caller != nil) : nil,
            otherNodes: otherNodes(of: service.name), unresolved: unresolved(of: service.name),
            isInner: service.inner != nil)
    }

    private func unresolved(of service: ResourceName) -> Set<String> {
        guard !mesh.unresolved.isEmpty else { return [] }
        let endpoints =
            snapshot.workloads(of: service).compactMap(\.address) + (snapshot.services[service]?.endpoints ?? [])
        return Set(endpoints.filter { mesh.unresolved.contains($0.position) }.map { "\($0.value)" })
    }

    private func otherNodes(of service: ResourceName) -> [String] {
        guard let node = snapshot.node else { return [] }
        return Set(snapshot.workloads(of: service).compactMap { $0.node?.value }).subtracting([node]).sorted()
    }

    /// Why the service is not even asked.
    private func refusal(of head: borrowing MessageHead, by service: ServiceTable) -> CallExplanation.Refusal? {
        if case .malformed = head.callersPatience() {
            return CallExplanation.Refusal(
                .malformed, "grpc-timeout is none: one line of one to eight digits and a unit (H, M, S, m, u or n)")
        }
        switch service.refusal(of: head, isConnection: false, hasIdentity: caller != nil) {
        case nil: return nil
        case .denied?: return refusalOfNobody(by: service)
        case .malformed?:
            return CallExplanation.Refusal(
                .malformed,
                "the path holds %2F or %5C, which \(service.name) does not take (escapedSlashes: Reject)")
        case let reason?: return CallExplanation.Refusal(reason, "\(service.name) speaks TCP")
        }
    }

    private func refusalOfNobody(by service: ServiceTable) -> CallExplanation.Refusal? {
        guard !service.takesCalls(withIdentity: caller != nil) else { return nil }
        let peer = snapshot.peerModes.decisive(for: service.name)
        let why = peer.map { "PeerAuthentication \($0.metadata.name), \($0.mode.position)" } ?? "the default"
        return CallExplanation.Refusal(
            .denied, "\(service.name) is called with an identity alone: STRICT (\(why))")
    }

    private func judgements(
        _ service: ServiceTable, _ callProtocol: CallProtocol, _ explain: (borrowing CallFacts) -> Explanation
    ) -> [CallExplanation.Judgement] {
        var judgements: [CallExplanation.Judgement] = []
        for place in places(of: service.name) {
            add(explain(facts(at: place, of: service, callProtocol)), at: place, to: &judgements)
        }
        return judgements
    }

    /// Where a call of the service is judged.
    private struct Place {
        /// `nil`: the service has none.
        var address: SocketAddress?
        /// By another node than one that the call comes to.
        var isElsewhere = false
    }

    /// Where the service's workloads and endpoints are; one without an address where there are none.
    private func places(of service: ResourceName) -> [Place] {
        var places = snapshot.workloads(of: service).compactMap { workload in
            workload.address.map { Place(address: $0.value, isElsewhere: isElsewhere(workload)) }
        }
        if endsHere {
            places.removeAll(where: \.isElsewhere)
            return places.isEmpty ? [Place()] : Array(places.prefix(Self.endpointLimit))
        }
        places += snapshot.services[service]?.endpoints.map { Place(address: $0.value) } ?? []
        return places.isEmpty ? [Place()] : Array(places.prefix(Self.endpointLimit))
    }

    private func isElsewhere(_ workload: Workload) -> Bool {
        guard !nodes.isEmpty, let node = workload.node?.value else { return false }
        return !nodes.contains(node)
    }

    /// Endpoints that are judged alike are one judgement.
    private func add(
        _ explanation: Explanation, at place: Place, to judgements: inout [CallExplanation.Judgement]
    ) {
        let endpoints = place.address.map { ["\($0)"] } ?? []
        if let index = judgements.firstIndex(where: { $0.explanation == explanation }) {
            judgements[index].endpoints += endpoints
        } else {
            judgements.append(CallExplanation.Judgement(endpoints: endpoints, explanation: explanation))
        }
    }

    private func facts(at place: Place, of service: ServiceTable, _ callProtocol: CallProtocol) -> CallFacts {
        var destination = IPAddress.unspecified
        var port: UInt16 = 0
        if case .tcp(let host, let number)? = place.address {
            port = number
            if let ip = host.ip { destination = ip }
        }
        var facts = CallFacts(
            caller: caller, peerAddress: source.peer, destinationAddress: destination, destinationPort: port,
            // Between nodes it is the service that is named, and the peer is a node, which reports no client.
            serverNameIndication: place.isElsewhere ? Array(service.serverName.utf8) : source.serverName,
            callProtocol: callProtocol)
        guard !place.isElsewhere else { return facts }
        if case .reported(let client) = client { facts.remoteAddress = client }
        facts.isRemoteAddressUnreadable = client.isUnreadable
        return facts
    }
}
