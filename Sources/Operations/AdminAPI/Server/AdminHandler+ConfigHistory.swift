import ConfigMerging
import Diagnostics
import Manifests
import MeshSnapshot

/// What Configs were on this node.
extension AdminHandler {
    /// Why there is nothing to say.
    struct Refusal: Error {
        let response: AdminResponse
    }

    /// Digits that a revision may be named by.
    private static let revisionLengths = 4...64

    /// The Config that a request names, on the node that it names.
    /// - Parameter path: A name, with its namespace before it or without.
    func configName(
        _ path: [String], _ request: AdminRequest, asText isText: Bool
    ) async throws(Refusal) -> ResourceName {
        guard let snapshot = await mesh.snapshot() else {
            throw Refusal(response: .error(503, "no generation serves yet", asText: isText))
        }
        if let node = request.parameter("node"), let mistake = Self.mistake(inNode: node, snapshot) {
            throw Refusal(response: .error(421, mistake, asText: isText))
        }
        switch Self.find(.config, path[path.count - 1], path.count > 1 ? path[0] : nil, in: snapshot.resources) {
        case .success(let config): return config.metadata.name
        case .failure(let failure):
            throw Refusal(response: .error(failure.status, failure.message, asText: isText))
        }
    }

    /// Only this node answers for itself: the socket is this host's.
    private static func mistake(inNode name: String, _ snapshot: MeshSnapshot) -> String? {
        guard snapshot.node != name else { return nil }
        guard let own = snapshot.node else { return "this mesh has one host and no nodes: leave out the node" }
        guard snapshot.nodes[name] != nil else {
            let near = NearestName(to: name, among: snapshot.nodes.keys.sorted())
            return "there is no node \(Diagnostic.quoted(name)); this is node \(Diagnostic.quoted(own))"
                + (near.map { "; \($0.question)" } ?? "")
        }
        return "this is node \(Diagnostic.quoted(own)), and answers for itself alone: run it on node "
            + Diagnostic.quoted(name)
    }

    /// What a Config was then.
    func past(
        _ revision: String, of name: ResourceName, asText isText: Bool
    ) async throws(Refusal) -> (value: EvaluatedConfig, revision: String) {
        let isHash = revision.utf8.allSatisfy {
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
        }
        guard isHash, Self.revisionLengths.contains(revision.utf8.count) else {
            throw Refusal(
                response: .error(
                    400,
                    "\(Diagnostic.quoted(revision)) is no revision: write \(Self.revisionLengths.lowerBound) to "
                        + "\(Self.revisionLengths.upperBound) hexadecimal digits in lower case", asText: isText))
        }
        switch await mesh.pastConfig(name, revision: revision) {
        case nil: throw Refusal(response: .error(503, "this node stops", asText: isText))
        case .found(let value, let revision): return (value, revision)
        case .unknown:
            throw Refusal(
                response: .error(
                    404,
                    "Config \(name) has no value of revision \(revision) here: heddle config history \(name) lists "
                        + "those that it has", asText: isText))
        case .ambiguous(let revisions):
            throw Refusal(
                response: .error(
                    409, "several values of Config \(name) begin so: \(revisions.joined(separator: ", "))",
                    asText: isText))
        case .unreadable(let problems):
            throw Refusal(
                response: await withProblems(
                    "the value \(revision.shortRevision) of Config \(name) cannot be read", problems, asText: isText))
        }
    }

    func configHistory(_ path: [String], _ request: AdminRequest) async -> AdminResponse {
        let isText = request.wantsText
        do throws(Refusal) {
            let name = try await configName(path, request, asText: isText)
            guard let report = await mesh.configHistory(name) else {
                return .error(503, "this node stops", asText: isText)
            }
            let view = ConfigHistoryView(name: name, report: report)
            guard isText else { return .json(view.json) }
            let none = report.entries.isEmpty ? "nothing is kept of Config \(name) on this node\n" : ""
            return .text(view.text, diagnostics: await rendered(report.problems) + none)
        } catch {
            return error.response
        }
    }

    func configDifference(_ path: [String], _ request: AdminRequest) async -> AdminResponse {
        let isText = request.wantsText
        guard let from = request.parameter("from") else {
            return .error(400, "the parameter from is missing", asText: isText)
        }
        do throws(Refusal) {
            let name = try await configName(path, request, asText: isText)
            let old = try await past(from, of: name, asText: isText)
            let new: (value: EvaluatedConfig, revision: String)
            if let to = request.parameter("to") {
                new = try await past(to, of: name, asText: isText)
            } else {
                let report = await mesh.config(name) ?? ConfigReport()
                guard let value = report.value, let revision = report.revision else {
                    return await withProblems(
                        "Config \(name) has no value now: say with which other revision --from is compared (--to)",
                        report.problems, asText: isText)
                }
                new = (value, revision)
            }
            let view = ConfigDifferenceView(
                of: name, from: .init(value: old.value.value, revision: old.revision),
                to: .init(value: new.value.value, revision: new.revision))
            guard isText else { return .json(view.json) }
            let rest =
                view.count == 0
                ? "the two say the same\n"
                : view.isWhole ? "" : "\(view.count) changes are too many to show all: ask for JSON\n"
            return .text(view.text, diagnostics: rest)
        } catch {
            return error.response
        }
    }
}
