import Authorization
import CallPlanning
import CommonValues
import HTTPSemantics
import Manifests
package import MeshSnapshot
import SPIFFE

extension CallExplanation {
    /// Explains a call of the past by the rules of now.
    /// - Returns: `nil` if its service is gone, or no rule was asked.
    package init?(_ report: DecisionReport, in snapshot: MeshSnapshot) {
        guard report.processRefusal == nil, let service = report.service else { return nil }
        if let place = report.place {
            guard let past = Self.past(report, of: place, by: service, in: snapshot) else { return nil }
            self = past
            return
        }
        guard let declared = snapshot.services[service] else { return nil }
        caller = report.caller.flatMap { SPIFFEID($0) }
        self.service = service
        routes = []
        notes = []
        let mesh = ExplainedMesh(snapshot)
        let judge = Judge(
            mesh: mesh, caller: caller.map(Caller.init), client: .peer,
            source: CallSource(peer: .unspecified, listenerPort: 0),
            nodes: snapshot.node.map { [$0] } ?? [], endsHere: caller == nil)
        isConnection = declared.protocol == .tcp
        if isConnection {
            isGRPC = false
            request = nil
            outcome = .delivered([judge.destination(mesh.table(of: service), weight: nil)])
            return
        }
        var head = MessageHead()
        guard Self.fill(&head, from: report, path: report.path) else { return nil }
        isGRPC = head.isGRPC
        request = Request(head)
        outcome = .delivered([judge.destination(mesh.table(of: service), weight: nil, head)])
    }

    /// - Returns: `false`: no call is like this.
    static func fill(_ head: inout MessageHead, from report: DecisionReport, path: String) -> Bool {
        var question = CallQuestion(from: nil, to: report.service.map { "\($0)" } ?? "")
        question.method = report.method
        question.path = path
        guard CanonicalCall.head(of: question, host: report.host, into: &head) == nil else { return false }
        head.removeHopByHopFields()
        for field in report.fields where field.name != "host" {
            head.addField(name: Array(field.name.utf8).span, value: Array(field.value.utf8).span)
        }
        return true
    }
}
