import Authorization
import CommonValues
import HTTPSemantics
import Manifests
import MeshSnapshot
import Telemetry
import WireProtocols

/// Asks the rules of one service after the other about one caller.
struct Judge {
    let caller: Caller?
    let clientAddress: IPAddress
    let snapshot: MeshSnapshot

    /// Endpoints of one service that are judged each for itself.
    private static let endpointLimit = 100

    /// Of a connection.
    func destination(_ service: ResourceName, weight: Int?) -> CallExplanation.Destination {
        CallExplanation.Destination(
            service: service, weight: weight, request: nil, refusal: nil,
            judgements: connectionJudgements(service), defaultAction: snapshot.mesh.defaultAction, grpcStatus: nil,
            otherNodes: otherNodes(of: service))
    }

    /// Of a call.
    func destination(
        _ service: ResourceName, weight: Int?, _ head: borrowing MessageHead
    ) -> CallExplanation.Destination {
        let refusal = refusal(of: head, by: service)
        let judgements = refusal == nil ? judgements(service, head) : []
        var reason: FailureReason?
        if refusal != nil { reason = .malformed }
        if judgements.contains(where: { !$0.explanation.decision.isAllowed }) { reason = .denied }
        return CallExplanation.Destination(
            service: service, weight: weight, request: CallExplanation.Request(head), refusal: refusal,
            judgements: judgements, defaultAction: snapshot.mesh.defaultAction,
            grpcStatus: head.isGRPC ? reason?.grpcStatus(status: 0, hasCaller: caller != nil) : nil,
            otherNodes: otherNodes(of: service))
    }

    private func otherNodes(of service: ResourceName) -> [String] {
        guard let node = snapshot.node else { return [] }
        return Set(snapshot.workloads(of: service).compactMap { $0.node?.value }).subtracting([node]).sorted()
    }

    private func refusal(of head: borrowing MessageHead, by service: ResourceName) -> String? {
        if head.isGRPC, let timeout = head.value(of: .grpcTimeout),
            GRPCTimeout.milliseconds(head.bytes(timeout)) == nil
        {
            return "grpc-timeout is none: one to eight digits and a unit (H, M, S, m, u or n)"
        }
        if head.hasEscapedSlash, snapshot.services[service]?.escapedSlashes != .keep {
            return "the path holds %2F or %5C, which \(service) does not take (escapedSlashes: Reject)"
        }
        return nil
    }

    private func connectionJudgements(_ service: ResourceName) -> [CallExplanation.Judgement] {
        let program = program(of: service)
        var judgements: [CallExplanation.Judgement] = []
        for place in places(of: service) {
            add(program.explainConnection(facts(at: place, .tcp)), at: place, to: &judgements)
        }
        return judgements
    }

    private func judgements(_ service: ResourceName, _ head: borrowing MessageHead) -> [CallExplanation.Judgement] {
        let program = program(of: service)
        var judgements: [CallExplanation.Judgement] = []
        for place in places(of: service) {
            add(program.explain(head, facts(at: place, .http)), at: place, to: &judgements)
        }
        return judgements
    }

    private func program(of service: ResourceName) -> AuthorizationProgram {
        AuthorizationProgram(
            service: service, policies: snapshot.policies(for: service), defaultAction: snapshot.mesh.defaultAction)
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
        return CallFacts(
            caller: caller, peerAddress: clientAddress, destinationAddress: destination, destinationPort: port,
            callProtocol: callProtocol)
    }
}
