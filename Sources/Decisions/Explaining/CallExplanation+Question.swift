package import CallPlanning
package import Diagnostics
import HTTPSemantics
import Manifests
package import MeshSnapshot
import Routing
import SPIFFE
import WireProtocols

extension CallExplanation {
    /// Explains a call that may never have been made.
    /// - Parameters:
    ///   - unresolved: Where endpoints stand in manifests whose name has no address now.
    ///   - inner: What Heddle answers for itself.
    package init(
        _ given: CallQuestion, in snapshot: MeshSnapshot, unresolved: Set<SourcePosition> = [],
        inner: [InnerService] = InnerService.served
    ) throws(CallQuestion.Mistake) {
        let asked = try given.withHostOfFields()
        if let ofResource = try Self.ofResource(asked, in: snapshot) {
            self = ofResource
            return
        }
        let resolved = try ResolvedQuestion(asked, in: snapshot, inner: inner)
        let question = resolved.serviceProtocol == .grpc ? asked.completedForGRPC : asked
        caller = resolved.caller
        service = resolved.service
        isConnection = resolved.serviceProtocol == .tcp
        if let stranger = Self.stranger(resolved.caller, in: snapshot) {
            isGRPC = question.isGRPC
            request = nil
            routes = []
            outcome = .untrusted(stranger)
            notes = []
            return
        }
        var mesh = ExplainedMesh(snapshot, unresolved: unresolved, inner: inner)
        let arrivals = mesh.arrivals(of: question, resolved)
        isAboutService = resolved.lacksHost(question)
        notes = Self.notes(question, resolved, in: snapshot)
        if isConnection {
            guard question.host == nil || !resolved.gateways.isEmpty else {
                throw CallQuestion.Mistake("\(service) speaks TCP: a connection names no host, so leave it out")
            }
            isGRPC = false
            request = nil
            let way = Self.connection(resolved, arrivals, in: mesh)
            (outcome, routes) = (way.outcome, way.routes)
            try check(way, of: question)
            return
        }
        let host = question.host ?? resolved.inner?.host ?? "\(service.name).\(service.namespace)"
        var head = MessageHead()
        if let error = CanonicalCall.head(
            of: question, host: host, scheme: arrivals.first?.scheme ?? .http, into: &head)
        {
            isGRPC = question.isGRPC
            request = nil
            routes = []
            outcome = .malformed(status: error.status, reason: "\(error.name)")
            return
        }
        try Self.checkHost(head.text(head.host), of: question, resolved, in: snapshot)
        isGRPC = head.isGRPC
        request = Request(head)
        let way = Self.call(head, resolved, arrivals, in: mesh)
        (outcome, routes) = (way.outcome, way.routes)
        try check(way, of: question)
    }

    /// `--host` and `--to` are one thing, where the caller is a workload.
    private static func checkHost(
        _ host: String, of question: CallQuestion, _ resolved: ResolvedQuestion, in snapshot: MeshSnapshot
    ) throws(CallQuestion.Mistake) {
        // A port for plain calls is one service's, whatever the host.
        guard question.host != nil, resolved.gateways.isEmpty, resolved.caller != nil, host != resolved.inner?.host
        else { return }
        let namespace = resolved.caller?.serviceAccount?.namespace ?? "default"
        let named = snapshot.serviceNamed(host: host, from: namespace)
        guard named == resolved.service else {
            // Perhaps a gateway was meant, which has hosts of its own.
            let unknown = unknownCaller(resolved.caller, in: snapshot).map { "\($0); besides, " } ?? ""
            throw CallQuestion.Mistake(
                unknown
                    + "--host and --to name two things: \(resolved.service) is not called by the host \"\(host)\", "
                    + "which names \(named.map { "the service \($0)" } ?? "no service")")
        }
    }

    /// What a gateway's routes send elsewhere is no answer about the service that was asked for.
    private func check(_ way: Way, of question: CallQuestion) throws(CallQuestion.Mistake) {
        guard let gateway = way.gateway, let host = question.host, case .delivered(let destinations) = outcome,
            !destinations.contains(where: { $0.service == service })
        else { return }
        let taken = destinations.map { "\($0.service)" }.joined(separator: ", ")
        let route = routes.first(where: \.isChosen)?.rule
        let place = route.flatMap { rule in
            rule.position.map { " (\(rule.kind?.rawValue ?? "route") \(rule.path), \($0))" }
        }
        throw CallQuestion.Mistake(
            "--host and --to name two things: what comes to Gateway \(gateway) for "
                + "\(Diagnostic.quoted(host))\(request.map { " at \(Diagnostic.quoted($0.path))" } ?? "") goes to \(taken)"
                + "\(place ?? ""), not to \(service)")
    }
}
