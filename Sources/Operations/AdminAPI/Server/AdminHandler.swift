import CommonValues
import Diagnostics
import Explaining
import Manifests
import MeshSnapshot
import Reconciliation
import SPIFFE

/// Answers requests of the admin API: `docs/reference/admin-api.md`.
struct AdminHandler: Sendable {
    let mesh: any RunningMesh
    let limits: AdminLimits
    var kinds = Kinds.all

    func answer(_ request: AdminRequest) async -> AdminResponse {
        switch request.origin {
        case .telemetry: await answerTelemetry(request)
        case .socket: await answerSocket(request)
        case .workload: await answerWorkload(request)
        }
    }

    // MARK: The workload socket

    /// Everybody may ask here, and gets what the kernel's word for it is good for.
    private func answerWorkload(_ request: AdminRequest) async -> AdminResponse {
        guard request.path == ["v1", "exec"] else { return .notFound(request) }
        guard request.method == "POST" else { return .methodNotAllowed("POST", request) }
        if let mistake = Self.mistake(in: request.query, of: "exec") {
            return .error(400, mistake, asText: request.wantsText)
        }
        let name = (request.parameter("as") ?? "").split(separator: "/", omittingEmptySubsequences: false).map(
            String.init)
        guard name.count == 2, name.allSatisfy({ !$0.isEmpty }) else {
            let option = request.wantsText ? "--as NAMESPACE/WORKLOAD" : "as=NAMESPACE/WORKLOAD"
            return .error(400, "say whom to start: \(option)", asText: request.wantsText)
        }
        guard let caller = request.caller else {
            return .error(403, "the process that asks has ended", asText: request.wantsText)
        }
        switch await mesh.start(ResourceName(namespace: name[0], name: name[1]), caller) {
        case .refused(let status, let message): return .error(status, message, asText: request.wantsText)
        case .started(let started):
            guard !request.wantsText else {
                return .text(
                    (started.environment + started.facts).map { "\($0.name)=\($0.value)\n" }.joined(),
                    diagnostics: started.warning.map { "warning: \($0)\n" } ?? "")
            }
            var json = JSONMembers()
            json.add("environment", .object(started.environment.map { ($0.name, .string($0.value)) }))
            json.add("outbound", started.outbound)
            json.add("alone", started.isAlone ? true : nil)
            json.add("warning", started.warning)
            return .json(json.json)
        }
    }

    // MARK: Telemetry

    /// A page in a browser of this host must not read metrics by giving a name of its own this address: only names that
    /// no DNS server decides about are answered.
    private func answerTelemetry(_ request: AdminRequest) async -> AdminResponse {
        let isLiteral = IPAddress(request.host.filter { $0 != "[" && $0 != "]" }) != nil
        guard isLiteral || request.host == "localhost" else {
            return .error(421, "ask for an IP address or localhost", asText: true)
        }
        return await answerProbes(request) ?? .error(404, "there are /metrics, /healthz and /readyz", asText: true)
    }

    private func answerProbes(_ request: AdminRequest) async -> AdminResponse? {
        guard request.path.count == 1, ["metrics", "healthz", "readyz"].contains(request.path[0]) else { return nil }
        guard request.method == "GET" || request.method == "HEAD" else {
            return .methodNotAllowed("GET, HEAD", request)
        }
        switch request.path[0] {
        case "metrics":
            var response = AdminResponse.text(await mesh.metricsText())
            response.contentType = "text/plain; version=0.0.4; charset=utf-8"
            return response
        case "readyz":
            let readiness = await mesh.readiness
            switch readiness.phase {
            case .starting: return .text("not ready: no generation serves yet\n", status: 503, exitCode: 1)
            case .draining: return .text("not ready: draining\n", status: 503, exitCode: 1)
            case .serving: return .text("ready\n" + readiness.heldBack.map { "held back: \($0)\n" }.joined())
            }
        default: return .text("ok\n")
        }
    }

    // MARK: The socket

    private func answerSocket(_ request: AdminRequest) async -> AdminResponse {
        if let response = await answerProbes(request) { return response }
        guard request.path.first == "v1" else { return .notFound(request) }
        let path = request.path.dropFirst()
        if let mistake = Self.mistake(in: request.query, of: path.first ?? "") {
            return .error(400, mistake, asText: request.wantsText)
        }
        switch (path.first, path.count) {
        case ("status", 1): return await allowing("GET", request) { await status(request) }
        case ("guard", 1): return await allowing("GET", request) { await guardStatus(request) }
        case ("apply", 1): return await allowing("POST", request) { await apply(request) }
        case ("explain", 1): return await allowing("GET", request) { await explain(request) }
        case ("decisions", 1...2):
            return await allowing("GET", request) { await decision(Array(path.dropFirst()), request) }
        case ("certificate", 1): return await allowing("GET", request) { await certificate(request) }
        case ("configs", 2...3):
            return await allowing("GET", request) { await config(Array(path.dropFirst()), request) }
        case ("config-history", 2...3):
            return await allowing("GET", request) { await configHistory(Array(path.dropFirst()), request) }
        case ("config-diff", 2...3):
            return await allowing("GET", request) { await configDifference(Array(path.dropFirst()), request) }
        case ("resources", 1...4): return await resources(Array(path.dropFirst()), request)
        default: return .notFound(request)
        }
    }

    /// What is not understood is refused, never taken for not there: a misspelled `dryRun` or its `yes` would change the mesh.
    private static func mistake(in query: [(name: String, value: String)], of path: String) -> String? {
        let parameters = parameters(of: path)
        var seen: Set<String> = []
        for (name, value) in query {
            guard let parameter = parameters[name] else {
                return "/v1/\(path.printable) has no parameter \(Diagnostic.quoted(name))"
            }
            guard parameter == .list || seen.insert(name).inserted else {
                return "the parameter \(name) is there twice"
            }
            if case .words(let words) = parameter, !words.contains(value) {
                let choice = words.filter { !$0.isEmpty }.joined(separator: " or ")
                return "\(Diagnostic.quoted(value)) is no value of the parameter \(name): write \(choice)"
            }
        }
        return nil
    }

    private enum Parameter: Equatable {
        case text
        /// May be there several times.
        case list
        /// One of these.
        case words([String])

        static let flag = Parameter.words(["true", "false", ""])
    }

    private static func parameters(of path: String) -> [String: Parameter] {
        var parameters: [String: Parameter] =
            switch path {
            case "apply": ["dryRun": .flag, "prune": .flag, "name": .text]
            case "resources": ["namespace": .text, "dryRun": .flag, "prune": .flag]
            case "explain":
                [
                    "from": .text, "to": .text, "method": .text, "path": .text, "host": .text, "fromIP": .text,
                    "port": .text,
                    "header": .list,
                ]
            case "certificate", "decisions": ["id": .text]
            case "exec": ["as": .text]
            case "configs": ["path": .text, "explain": .flag, "revision": .text, "node": .text]
            case "config-history": ["node": .text]
            case "config-diff": ["from": .text, "to": .text, "node": .text]
            default: [:]
            }
        parameters["format"] = .words(["json", "text"] + (path == "configs" ? ["yaml"] : []))
        return parameters
    }

    private func allowing(
        _ method: String, _ request: AdminRequest, _ answer: () async -> AdminResponse
    ) async -> AdminResponse {
        request.method == method ? await answer() : .methodNotAllowed(method, request)
    }

    private func status(_ request: AdminRequest) async -> AdminResponse {
        let report = await mesh.status()
        let view = StatusView(status: report, snapshot: await mesh.snapshot())
        guard request.wantsText else { return .json(view.json) }
        return .text(
            view.text(
                refusal: await rendered(report.reconciliation.refused?.diagnostics ?? []),
                problems: await rendered(report.problems),
                warnings: await rendered(report.warnings)))
    }

    /// Whether the node's plain ports are closed to others now: what is not known for sure is a no.
    private func guardStatus(_ request: AdminRequest) async -> AdminResponse {
        let report = await mesh.status()
        let holds = report.guarding?.holds == true
        guard request.wantsText else {
            return .json(report.guarding?.json ?? ["holds": .bool(false)], exitCode: holds ? nil : 1)
        }
        guard let guarding = report.guarding else {
            return .text("no guard: the Node of this host asks for none, or nothing serves yet\n", exitCode: 1)
        }
        let problems = report.problems.filter { $0.code.rawValue.hasPrefix("guard.") }
        return .text(
            "\(guarding.text)\n", diagnostics: holds ? "" : await rendered(problems), exitCode: holds ? nil : 1)
    }

    private func certificate(_ request: AdminRequest) async -> AdminResponse {
        guard let text = request.parameter("id") else {
            return .error(400, "the parameter id is missing", asText: request.wantsText)
        }
        let trustDomain = await mesh.snapshot()?.mesh.trustDomain
        guard let id = CallerName.spiffeID(text, trustDomain: trustDomain) else {
            return .error(
                400, "\(Diagnostic.quoted(text)) is neither a SPIFFE ID nor namespace/account",
                asText: request.wantsText)
        }
        guard let report = await mesh.certificate(of: id) else {
            let known = await mesh.status().certificates.map(\.spiffeID)
            let near = NearestName(to: "\(id)", among: known)
            return .error(
                404, "no certificate for \(id) on this node" + (near.map { "; \($0.question)" } ?? ""),
                asText: request.wantsText)
        }
        return request.wantsText ? .text(report.chainPEM) : .json(report.json)
    }

    // MARK: Resources

    /// - Parameter path: what follows `/v1/resources`: kind, name, `details`.
    private func resources(_ path: [String], _ request: AdminRequest) async -> AdminResponse {
        guard let kindName = path.first else { return .notFound(request) }
        let descriptor = kinds.descriptor(typed: kindName)
        guard descriptor != nil || kindName == "all" && path.count == 1 else {
            return .error(400, kinds.unknownKindMessage(kindName), asText: request.wantsText)
        }
        guard let snapshot = await mesh.snapshot() else {
            return .error(503, "no generation serves yet", asText: request.wantsText)
        }
        guard let descriptor, path.count > 1 else {
            return await allowing("GET", request) { list(descriptor, in: snapshot.resources, request) }
        }
        let found: any Resource
        switch Self.find(descriptor.kind, path[1], request.parameter("namespace"), in: snapshot.resources) {
        case .success(let resource): found = resource
        case .failure(let failure): return .error(failure.status, failure.message, asText: request.wantsText)
        }
        switch (path.count, request.method) {
        case (2, "GET"):
            guard request.wantsText else { return .json(found.json) }
            return .text(ResourceTable(set: snapshot.resources, descriptor: descriptor).rendered([found]))
        case (2, "DELETE"): return await delete(found, request)
        case (3, "GET") where path[2] == "details":
            let description = ResourceDescription(found, descriptor, in: snapshot.resources)
            return request.wantsText ? .text(description.text) : .json(description.json)
        case (2, _): return .methodNotAllowed("GET, DELETE", request)
        default: return .notFound(request)
        }
    }

    private func list(_ descriptor: KindDescriptor?, in set: ResourceSet, _ request: AdminRequest) -> AdminResponse {
        var resources = descriptor.map { set.all($0.kind) } ?? set.all
        if let namespace = request.parameter("namespace") {
            resources = resources.filter { $0.metadata.name.namespace == namespace }
        }
        guard request.wantsText else { return .json(.array(resources.map(\.json))) }
        return resources.isEmpty
            ? .text(
                "", diagnostics: "no resources\(Self.unknownNamespace(request.parameter("namespace"), in: set))\n")
            : .text(ResourceTable(set: set, descriptor: descriptor).rendered(resources))
    }

    /// A list that is empty because of a name that nobody has is told apart from one that is.
    private static func unknownNamespace(_ namespace: String?, in set: ResourceSet) -> String {
        guard let namespace else { return "" }
        let known = Set(set.all.map(\.metadata.name.namespace))
        guard !known.contains(namespace) else { return "" }
        let near = NearestName(to: namespace, among: known.sorted())
        return ": the mesh has no namespace \(Diagnostic.quoted(namespace))" + (near.map { "; \($0.question)" } ?? "")
    }

    struct NotOne: Error {
        let status: UInt16
        let message: String
    }

    /// The one resource that a name stands for: in a namespace if one is named, else the only one of that name.
    static func find(
        _ kind: ResourceKind, _ name: String, _ namespace: String?, in set: ResourceSet
    ) -> Result<any Resource, NotOne> {
        let all = set.all(kind)
        let found = all.filter {
            $0.metadata.name.name == name && (namespace == nil || $0.metadata.name.namespace == namespace)
        }
        if found.count == 1 { return .success(found[0]) }
        if found.isEmpty {
            let place = namespace.map { " in namespace \(Diagnostic.quoted($0))" } ?? ""
            let hint = unknownNamespace(namespace, in: set)
            return .failure(
                NotOne(
                    status: 404,
                    message: "there is no \(kind.rawValue) \(Diagnostic.quoted(name))\(place)"
                        + (hint.isEmpty ? suggestion(for: name, namespace, among: all) : hint)))
        }
        let names = found.map { "\($0.metadata.name)" }.joined(separator: ", ")
        return .failure(NotOne(status: 409, message: "there are several: \(names); name one with its namespace"))
    }

    /// `; did you mean "orders"?`, of the namespace if one is named and known.
    private static func suggestion(for name: String, _ namespace: String?, among all: [any Resource]) -> String {
        let names = all.lazy.map(\.metadata.name)
        if namespace != nil, let elsewhere = names.first(where: { $0.name == name }) {
            return "; namespace \(Diagnostic.quoted(elsewhere.namespace)) has one"
        }
        let candidates = names.filter { namespace == nil || $0.namespace == namespace }.map(\.name)
        return NearestName(to: name, among: Array(candidates)).map { "; \($0.question)" } ?? ""
    }

    // MARK: Changes

    private func options(_ request: AdminRequest) -> ApplyOptions {
        ApplyOptions(isDryRun: request.flag("dryRun"), prunes: request.flag("prune"))
    }

    private func delete(_ resource: any Resource, _ request: AdminRequest) async -> AdminResponse {
        guard resource.metadata.position.isInText else {
            return .error(
                404,
                "\(resource.kind.rawValue) \(resource.metadata.name) is \(resource.metadata.position): no manifest has it, "
                    + "so there is nothing to delete", asText: request.wantsText)
        }
        let report = await mesh.delete(
            ResourceIdentity(resource.kind, resource.metadata.name), options(request))
        return await answer(with: report, documents: [], request)
    }

    private func apply(_ request: AdminRequest) async -> AdminResponse {
        let documents: [AppliedFile]
        switch request.contentType {
        case DocumentFraming.contentType:
            do throws(DocumentFraming.Mistake) {
                documents = try DocumentFraming.decode(request.body, limit: limits.documents)
            } catch {
                return .error(400, "\(error)", asText: request.wantsText)
            }
        case "application/yaml":
            let name = request.parameter("name") ?? "request.yaml"
            guard DocumentFraming.isName(name) else {
                return .error(400, "the parameter name is no file's name", asText: request.wantsText)
            }
            documents = [AppliedFile(path: name, bytes: request.body)]
        default:
            return .error(
                415, "a body must be of type \(DocumentFraming.contentType) or application/yaml",
                asText: request.wantsText)
        }
        let options = options(request)
        guard !documents.isEmpty || options.prunes else {
            return .error(400, "there is nothing to apply", asText: request.wantsText)
        }
        return await answer(with: await mesh.apply(documents, options), documents: documents, request)
    }

    private func answer(
        with report: ApplyReport, documents: [AppliedFile], _ request: AdminRequest
    ) async -> AdminResponse {
        let status: UInt16
        switch report.outcome {
        case .served, .unchanged, .dryRun: status = 200
        case .refused: status = 422
        case .notFound: status = 404
        }
        let isHeldBack = report.isHeldBack(documents: documents.map(\.path))
        let exitCode: Int32? = status != 200 ? 1 : isHeldBack ? 4 : nil
        guard request.wantsText else { return .json(report.json, status: status, exitCode: exitCode) }
        let given = Dictionary(documents.map { ($0.path, $0.bytes) }) { first, _ in first }
        let diagnostics = await rendered(report.diagnostics, given: given)
        return .text(report.text, diagnostics: diagnostics, status: status, exitCode: exitCode)
    }

    /// With excerpts of what lies in the folder.
    /// - Parameter given: What does not lie there, by name.
    func rendered(_ diagnostics: [Diagnostic], given: [String: [UInt8]] = [:]) async -> String {
        var sources = given
        let files = ShownDiagnostics(diagnostics).shown.map(\.position.file)
        for file in Set(files) where given[file] == nil {
            sources[file] = await mesh.source(of: file)
        }
        return Diagnostic.rendered(diagnostics) { sources[$0] }
    }

    // MARK: Explanations

    private func explain(_ request: AdminRequest) async -> AdminResponse {
        guard let snapshot = await mesh.snapshot() else {
            return .error(503, "no generation serves yet", asText: request.wantsText)
        }
        guard let service = request.parameter("to") else {
            return .error(400, "the parameter to is missing", asText: request.wantsText)
        }
        var question = CallQuestion(from: request.parameter("from"), to: service)
        question.method = request.parameter("method")
        question.path = request.parameter("path")
        question.host = request.parameter("host")
        question.fromAddress = request.parameter("fromIP")
        if let port = request.parameter("port") {
            guard let number = UInt16(port) else {
                return .error(400, "the parameter port is no port: 1 to 65535", asText: request.wantsText)
            }
            question.port = number
        }
        for field in request.parameters("header") {
            guard let colon = field.firstIndex(of: ":") else {
                return .error(400, "a header is written as name:value", asText: request.wantsText)
            }
            question.fields.append((String(field[..<colon]), String(field[field.index(after: colon)...])))
        }
        let unresolved = await mesh.unresolvedEndpoints()
        do throws(CallQuestion.Mistake) {
            return Self.answer(with: try CallExplanation(question, in: snapshot, unresolved: unresolved), request)
        } catch {
            return .error(400, error.description, asText: request.wantsText)
        }
    }

    /// - Parameter path: What follows `/v1/decisions`: an ID, unless the parameter names it, as it must those that no path
    ///   can hold (`.`, `..`).
    private func decision(_ path: [String], _ request: AdminRequest) async -> AdminResponse {
        let ids = path + request.parameters("id")
        guard let id = ids.first, ids.count == 1 else {
            return .error(
                400,
                ids.isEmpty ? "the parameter id is missing" : "there are two IDs: one in the path, one as parameter",
                asText: request.wantsText)
        }
        guard let report = await mesh.decision(id: id) else {
            return .error(
                404,
                """
                no decision \(Diagnostic.quoted(id)) is remembered here. The latest calls that rules refused are, each on the \
                node where its callee runs: ask there. So are the latest of processes that were no workload where they called, on \
                that node. What was answered otherwise (404, 400, 501, 503 \u{2026}) was judged by no \
                rule: the access log says why, as the reason beside this ID
                """, asText: request.wantsText)
        }
        let snapshot = await mesh.snapshot()
        let view = DecisionView(
            report, now: snapshot.flatMap { CallExplanation(report, in: $0) },
            generation: await mesh.status().reconciliation.serving?.generation.number)
        let exitCode: Int32? = report.isAllowed ? nil : 1
        return request.wantsText
            ? .text(view.text, exitCode: exitCode) : .json(view.json, exitCode: exitCode)
    }

    private static func answer(with explanation: CallExplanation, _ request: AdminRequest) -> AdminResponse {
        let exitCode: Int32? = explanation.isServed ? nil : 1
        return request.wantsText
            ? .text(explanation.text, exitCode: exitCode) : .json(explanation.json, exitCode: exitCode)
    }
}

extension AdminResponse {
    fileprivate static func notFound(_ request: AdminRequest) -> AdminResponse {
        .error(404, "there is nothing at /\(request.path.joined(separator: "/").printable)", asText: request.wantsText)
    }

    fileprivate static func methodNotAllowed(_ allowed: String, _ request: AdminRequest) -> AdminResponse {
        var response = error(405, "this path takes \(allowed)", asText: request.wantsText)
        response.allow = allowed
        return response
    }
}
