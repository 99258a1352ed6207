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
    let plan: CallPlan
    let source: CallSource

    private var snapshot: MeshSnapshot { mesh.snapshot }

    /// Endpoints of one service that are judged each for itself.
    private static let endpointLimit = 100

    /// Of a connection.
    func destination(_ service: ServiceTable, weight: Int?) -> CallExplanation.Destination {
        CallExplanation.Destination(
            service: service.name, weight: weight, request: nil, refusal: nil,
            judgements: judgements(service, .tcp) { service.program.explainConnection($0) },
            defaultAction: snapshot.mesh.defaultAction, grpcStatus: nil, otherNodes: otherNodes(of: service.name))
    }

    /// Of a call.
    func destination(
        _ service: ServiceTable, weight: Int?, _ head: borrowing MessageHead
    ) -> CallExplanation.Destination {
        let refusal = refusal(of: head, by: service)
        var judgements: [CallExplanation.Judgement] = []
        if refusal == nil {
            for place in places(of: service.name) {
                add(service.program.explain(head, facts(at: place, .http)), at: place, to: &judgements)
            }
        }
        var reason: FailureReason? = refusal?.reason
        if judgements.contains(where: { !$0.explanation.decision.isAllowed }) { reason = .denied }
        return CallExplanation.Destination(
            service: service.name, weight: weight, request: CallExplanation.Request(head), refusal: refusal,
            judgements: judgements, defaultAction: snapshot.mesh.defaultAction,
            grpcStatus: head.isGRPC ? reason?.grpcStatus(status: 0, hasCaller: plan.caller != nil) : nil,
            otherNodes: otherNodes(of: service.name))
    }

    private func otherNodes(of service: ResourceName) -> [String] {
        guard let node = snapshot.node else { return [] }
        return Set(snapshot.workloads(of: service).compactMap { $0.node?.value }).subtracting([node]).sorted()
    }

    /// Why the service is not even asked.
    private func refusal(of head: borrowing MessageHead, by service: ServiceTable) -> CallExplanation.Refusal? {
        if case .malformed = head.callersPatience() {
            return CallExplanation.Refusal(
                .malformed, "grpc-timeout is none: one to eight digits and a unit (H, M, S, m, u or n)")
        }
        switch service.refusal(of: head, isConnection: false) {
        case nil: return nil
        case .malformed?:
            return CallExplanation.Refusal(
                .malformed,
                "the path holds %2F or %5C, which \(service.name) does not take (escapedSlashes: Reject)")
        case let reason?: return CallExplanation.Refusal(reason, "\(service.name) speaks TCP")
        }
    }

    private func judgements(
        _ service: ServiceTable, _ callProtocol: CallProtocol, _ explain: (borrowing CallFacts) -> Explanation
    ) -> [CallExplanation.Judgement] {
        var judgements: [CallExplanation.Judgement] = []
        for place in places(of: service.name) {
            add(explain(facts(at: place, callProtocol)), at: place, to: &judgements)
        }
        return judgements
    }

    /// Where the service's workloads and endpoints are; one without an address where there are none.
    private func places(of service: ResourceName) -> [SocketAddress?] {
        var addresses = snapshot.workloads(of: service).compactMap { $0.address?.value }
        addresses += snapshot.services[service]?.endpoints.map(\.value) ?? []
        return addresses.isEmpty ? [nil] : Array(addresses.prefix(Self.endpointLimit))
    }

    /// Endpoints that are judged alike are one judgement.
    private func add(
        _ explanation: Explanation, at place: SocketAddress?, to judgements: inout [CallExplanation.Judgement]
    ) {
        let endpoints = place.map { ["\($0)"] } ?? []
        if let index = judgements.firstIndex(where: { $0.explanation == explanation }) {
            judgements[index].endpoints += endpoints
        } else {
            judgements.append(CallExplanation.Judgement(endpoints: endpoints, explanation: explanation))
        }
    }

    private func facts(at address: SocketAddress?, _ callProtocol: CallProtocol) -> CallFacts {
        var destination = IPAddress.unspecified
        var port: UInt16 = 0
        if case .tcp(let host, let number)? = address {
            port = number
            if let ip = IPAddress(host) { destination = ip }
        }
        var facts = CallFacts(
            caller: plan.caller, peerAddress: source.peer, destinationAddress: destination, destinationPort: port,
            serverNameIndication: source.serverName, callProtocol: callProtocol)
        if case .reported(let client) = plan.client { facts.remoteAddress = client }
        facts.isRemoteAddressUnreadable = plan.client == .unreadable
        return facts
    }
}
