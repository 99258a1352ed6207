package import Diagnostics
import Manifests
import Reconciliation

extension ApplyReport {
    package var json: JSONValue {
        var json = JSONMembers()
        json.add("outcome", outcome.rawValue)
        json.add("generation", generation.map { .integer(Int(clamping: $0)) })
        json.addList("changes", changes.map(\.json))
        json.add("heldBackCount", .integer(heldBack.count))
        json.add("diagnosticCount", .integer(diagnostics.count))
        json.addList("diagnostics", ShownDiagnostics(diagnostics).shown.map(\.json))
        return json.json
    }

    /// One line a resource, then what became of the whole.
    package var text: String {
        changes.map { "\($0.identity) \($0.action.rawValue) (\($0.path.printable))\n" }.joined()
            + summary + "\n"
    }

    private var summary: String {
        let errors = diagnostics.count { $0.severity == .error }
        let exception = heldBack.isEmpty ? "" : ", but for what is held back"
        return switch outcome {
        case .served: (generation.map { "generation \($0) serves" } ?? "it serves") + exception
        case .unchanged: "nothing changes: it serves already" + exception
        case .dryRun: "it would be taken up\(exception); nothing was written"
        case .refused: "refused: \(errors) \(errors == 1 ? "error" : "errors"); nothing was written"
        case .notFound: "there is no such resource"
        }
    }
}

extension ResourceChange {
    fileprivate var json: JSONValue {
        [
            "kind": .string(identity.kind.rawValue), "namespace": .string(identity.name.namespace),
            "name": .string(identity.name.name),
            "action": .string(action.rawValue), "file": .string(path),
        ]
    }
}
