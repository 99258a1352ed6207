import Authorization
import CallPlanning
import CommonValues
import Diagnostics
import HTTPSemantics
import Manifests
import MeshSnapshot
import SPIFFE
import WireProtocols

/// What may be had of a resource that Heddle answers for itself: of a Config, by what stands below it.
extension CallExplanation {
    /// What the rules of now say of a place of the past.
    static func past(
        _ report: DecisionReport, of place: ResourcePlace, by service: ResourceName, in snapshot: MeshSnapshot
    ) -> CallExplanation? {
        var head = MessageHead()
        guard fill(&head, from: report, path: place.path) else { return nil }
        let caller = report.caller.flatMap { SPIFFEID($0) }
        return CallExplanation(head, caller: caller, at: place, by: service, notes: [], in: snapshot)
    }

    /// Explains what a caller may have that asks for a place of a resource.
    /// - Returns: `nil`: the question is about no resource.
    static func ofResource(
        _ question: CallQuestion, in snapshot: MeshSnapshot
    ) throws(CallQuestion.Mistake) -> CallExplanation? {
        let words = question.to.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard words.count > 1, words[0].lowercased() == "config", words.count < 4 else { return nil }
        try question.checkForm()
        guard question.method == nil || question.method == "GET", question.host == nil, question.port == nil else {
            throw CallQuestion.Mistake(
                "a Config is read, by GET, and there is one host for it: leave out the method, host and port")
        }
        guard let caller = try question.caller(in: snapshot) else {
            throw CallQuestion.Mistake("a Config is told to nobody without an identity: say who asks with --from")
        }
        let named = snapshot.resources[Config.self].map(\.metadata.name)
        let name = ResourceName(
            namespace: words.count == 3 ? words[1] : caller.serviceAccount?.namespace ?? "default",
            name: words[words.count - 1])
        guard named.contains(name) else {
            let near = NearestName(to: "\(name)", among: named.map(\.description).sorted())
            throw CallQuestion.Mistake(
                "there is no Config \(Diagnostic.quoted("\(name)"))"
                    + (near.map { "; \($0.question)" } ?? "; see which there are with: heddle get configs"))
        }
        var asked = question
        asked.path = question.path ?? "/values"
        var head = MessageHead()
        if let error = CanonicalCall.head(of: asked, host: InnerService.config.host, into: &head) {
            throw CallQuestion.Mistake("\(Diagnostic.quoted(asked.path ?? "")) is no path: \(error.name)")
        }
        let path = head.text(head.path)
        guard path == "/values" || path.hasPrefix("/values/") || path == "/watch" else {
            throw CallQuestion.Mistake(
                "a Config has /values, what lies below it, and /watch, and no \(Diagnostic.quoted(path))")
        }
        var notes = [unknownCaller(caller, in: snapshot)].compactMap { $0 }
        notes.append("of a map that is there each value is judged by itself; a list is shown whole, or not at all")
        return CallExplanation(
            head, caller: caller, at: ResourcePlace(ResourceIdentity(.config, name), path: path),
            by: InnerService.config.name, from: try question.clientAddress(), notes: notes, in: snapshot)
    }

    private init(
        _ head: borrowing MessageHead, caller: SPIFFEID?, at place: ResourcePlace, by service: ResourceName,
        from address: IPAddress = .unspecified, notes: [String], in snapshot: MeshSnapshot
    ) {
        let request = Request(head)
        let program = AuthorizationProgram(
            policies: ResourcePolicies.all(in: snapshot)[place.resource] ?? [], defaultAction: .deny)
        let facts = CallFacts(caller: caller.map(Caller.init), peerAddress: address)
        let destination = Destination(
            service: service, weight: nil, request: request, refusal: nil,
            judgements: [Judgement(endpoints: [], explanation: program.explain(head, facts))],
            defaultAction: .deny, grpcStatus: nil, otherNodes: [], unresolved: [], isInner: true, place: place)
        let stranger = Self.stranger(caller, in: snapshot)
        self.init(
            caller: caller, service: service, isConnection: false, isGRPC: false, request: request, routes: [],
            outcome: stranger.map(Outcome.untrusted) ?? .delivered([destination]), notes: notes)
    }
}
