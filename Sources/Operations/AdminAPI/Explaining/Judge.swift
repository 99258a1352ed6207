import Authorization
import CommonValues
import HTTPSemantics
import Manifests
import MeshSnapshot

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
            judgements: connectionJudgements(service),
            defaultAction: snapshot.mesh.defaultAction)
    }

    /// Of a call.
    func destination(
        _ service: ResourceName, weight: Int?, _ head: borrowing MessageHead
    ) -> CallExplanation.Destination {
        let keepsSlashes = snapshot.services[service]?.escapedSlashes == .keep
        let refusal =
            head.hasEscapedSlash && !keepsSlashes
            ? "400: the path holds %2F or %5C, which \(service) does not take (escapedSlashes: Reject)" : nil
        return CallExplanation.Destination(
            service: service, weight: weight, request: CallExplanation.Request(head), refusal: refusal,
            judgements: refusal == nil ? judgements(service, head) : [],
            defaultAction: snapshot.mesh.defaultAction)
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
