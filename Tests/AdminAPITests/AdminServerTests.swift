import CommonValues
import Diagnostics
import EventLoops
import Explaining
import Glibc
import Manifests
import MeshFixtures
import Synchronization
import SystemInterfaces
import TestSupport
import Testing

@testable import AdminAPI
@testable import Reconciliation

/// What is answered at each path.
struct AdminServerTests: AdminAsking {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func `get and describe of a PeerAuthentication say whom it is for`() async throws {
        let mesh = try FakeMesh(
            [
                Samples.shop, manifest("PeerAuthentication", "moving", "{mtls: {mode: PERMISSIVE}}"),
                manifest(
                    "PeerAuthentication", "moved",
                    "{targetRefs: [{kind: Service, name: web}], mtls: {mode: STRICT}}"),
                manifest("PeerAuthentication", "all", "{targetRefs: [{kind: Mesh, name: mesh}], mtls: {mode: STRICT}}"),
            ].joined(separator: "\n---\n"))
        let table = try await answer("GET", ["v1", "resources", "pa"], Self.text, mesh: mesh).output.text
        #expect(table.contains("moved   STRICT      web") && table.contains("moving  PERMISSIVE  all"), "\(table)")
        #expect(table.contains("all     STRICT      mesh"), "\(table)")
        let text = try await answer("GET", ["v1", "resources", "pa", "moving", "details"], Self.text, mesh: mesh)
            .output.text
        #expect(text.contains("Decides for:\n  shop/orders\n"), "\(text)")
        #expect(!text.contains("shop/web"))
    }

    @Test(arguments: ["service", "Services", "SVC"])
    func `a kind is taken in any form`(kind: String) async throws {
        let text = try await answer("GET", ["v1", "resources", kind], Self.text).output.text
        #expect(text.hasPrefix("NAME         PROTOCOL  WORKLOADS  ENDPOINTS  ROUTES  POLICIES  HOSTNAMES"))
        #expect(text.contains("shop/orders  HTTP      1          1          1       2         -"))
    }

    @Test func `all resources are listed, and only those of a namespace`() async throws {
        #expect(try await answer("GET", ["v1", "resources", "all"], Self.text).output.text.contains("Gateway"))
        let none = try await answer(
            "GET", ["v1", "resources", "all"], Self.text + [(name: "namespace", value: "none")])
        #expect(none.output.isEmpty)
        #expect(none.diagnostics.text == "no resources: the mesh has no namespace \"none\"\n")
        #expect(none.exitCode == 0)
    }

    @Test func `a Mesh that nobody has written stands in no file, and cannot be deleted`() async throws {
        let listed = try await answer("GET", ["v1", "resources", "mesh"], Self.text).output.text
        #expect(listed.split(separator: "\n").last?.hasSuffix("  the default Mesh") == true, "\(listed)")
        let deleted = try await answer("DELETE", ["v1", "resources", "mesh", "mesh"], Self.text)
        #expect(deleted.status == 404)
        #expect(deleted.diagnostics.text.contains("no manifest has it, so there is nothing to delete"))
    }

    @Test(arguments: Kinds.all.kinds)
    func `every kind has a table and a list`(kind: ResourceKind) async throws {
        #expect(try await answer("GET", ["v1", "resources", kind.rawValue], Self.text).status == 200)
        #expect(try await answer("GET", ["v1", "resources", kind.rawValue]).output.text.hasPrefix("["))
    }

    @Test func `one resource is found by its name, in its namespace or without`() async throws {
        let path = ["v1", "resources", "service", "orders"]
        #expect(try await answer("GET", path).status == 200)
        #expect(try await answer("GET", path, [(name: "namespace", value: "shop")]).status == 200)
        let other = try await answer("GET", path, [(name: "namespace", value: "x")])
        #expect(other.status == 404)
        #expect(other.exitCode == 1)
    }

    @Test func `an unknown name suggests the nearest`() async throws {
        let answer = try await answer("GET", ["v1", "resources", "service", "oders"], Self.text)
        #expect(answer.exitCode == 1)
        #expect(answer.diagnostics.text == "error: there is no Service \"oders\"; did you mean \"orders\"?\n")
    }

    @Test(arguments: [("orders", "shp", "did you mean \"shop\"?"), ("orders", "other", "")])
    func `a namespace that there is not is what is suggested`(name: String, namespace: String, hint: String)
        async throws
    {
        let answer = try await answer(
            "GET", ["v1", "resources", "svc", name], Self.text + [(name: "namespace", value: namespace)])
        #expect(answer.diagnostics.text.contains("the mesh has no namespace \"\(namespace)\""))
        #expect(answer.diagnostics.text.contains(hint))
    }

    @Test func `an unknown kind is wrong usage`() async throws {
        let answer = try await answer("GET", ["v1", "resources", "servise"], Self.text)
        #expect(answer.exitCode == 2)
        #expect(answer.diagnostics.text.contains("did you mean \"service\"?"))
    }

    @Test func `a name in two namespaces must say which`() async throws {
        let twice =
            Samples.shop + "\n---\napiVersion: heddle/v1\nkind: Service\nmetadata: {name: orders, namespace: other}\n"
            + "spec: {protocol: HTTP}\n"
        #expect(try await answer("GET", ["v1", "resources", "svc", "orders"], mesh: FakeMesh(twice)).status == 409)
    }

    @Test func `details show the relations`() async throws {
        let text = try await answer("GET", ["v1", "resources", "service", "orders", "details"], Self.text).output.text
        #expect(text.contains("Called by:\n  orders (from namespace shop)\n  orders.shop\n"))
        #expect(text.contains("DENY shop/no-tenant-b (shop.yaml:"))
        let json = try await answer("GET", ["v1", "resources", "workload", "web-1", "details"]).output.text
        #expect(json.contains("spiffe://mesh.local/ns/shop/sa/web"))
    }

    @Test func `delete passes on what is to be deleted and how`() async throws {
        let mesh = try FakeMesh()
        let query = [(name: "dryRun", value: ""), (name: "prune", value: "false")]
        let answer = try await answer("DELETE", ["v1", "resources", "svc", "orders"], query, mesh: mesh)
        #expect(answer.exitCode == 0)
        let expected = FakeMesh.Change(
            deleted: "Service shop/orders", options: ApplyOptions(isDryRun: true))
        #expect(mesh.changes.withLock { $0 } == [expected])
    }

    @Test func `apply passes on every document`() async throws {
        let mesh = try FakeMesh()
        let documents = [
            AppliedFile(path: "a b/ü.yaml", bytes: Array("x: 1\n".utf8)), AppliedFile(path: "-", bytes: []),
        ]
        let answer = try await answer(
            "POST", ["v1", "apply"], mesh: mesh, contentType: DocumentFraming.contentType,
            body: DocumentFraming.encode(documents))
        #expect(answer.exitCode == 0)
        #expect(mesh.changes.withLock { $0 } == [FakeMesh.Change(documents: documents)])
    }

    @Test func `more files than one apply takes are told to be too many`() async throws {
        let documents = (0..<10_001).map { AppliedFile(path: "\($0).yaml", bytes: []) }
        let answer = try await answer(
            "POST", ["v1", "apply"], Self.text, contentType: DocumentFraming.contentType,
            body: DocumentFraming.encode(documents))
        #expect(answer.exitCode == 2)
        #expect(answer.diagnostics.text.hasPrefix("error: over 10000 files: hand in fewer at a time"))
    }

    @Test func `apply takes one file as it is`() async throws {
        let mesh = try FakeMesh()
        _ = try await answer(
            "POST", ["v1", "apply"], [(name: "name", value: "x.yaml")], mesh: mesh,
            contentType: "application/yaml; a=b",
            body: Array("a: 1".utf8))
        let expected = FakeMesh.Change(documents: [AppliedFile(path: "x.yaml", bytes: Array("a: 1".utf8))])
        #expect(mesh.changes.withLock { $0 } == [expected])
    }

    @Test func `a refused apply ends in 1, with an excerpt of what was handed in`() async throws {
        let mesh = try FakeMesh()
        let diagnostic = Diagnostic(
            .init("test.code"), at: SourcePosition(file: "x.yaml", line: 1, column: 1, length: 1), found: "\"a\"",
            expected: "b", remedy: "change it")
        mesh.outcome.withLock { $0 = ApplyReport(outcome: .refused, diagnostics: [diagnostic]) }
        let answer = try await answer(
            "POST", ["v1", "apply"], Self.text + [(name: "name", value: "x.yaml")], mesh: mesh,
            contentType: "application/yaml", body: Array("a: 1".utf8))
        #expect(answer.status == 422)
        #expect(answer.exitCode == 1)
        #expect(answer.diagnostics.text.contains("   1 | a: 1\n"))
        #expect(answer.output.text == "refused: 1 error; nothing was written\n")
    }

    @Test(arguments: [
        (ApplyReport.Outcome.served, "generation 8 serves, but for what is held back\n", Int32(4)),
        (.unchanged, "nothing changes: it serves already, but for what is held back\n", 4),
        (.dryRun, "it would be taken up, but for what is held back; nothing was written\n", 4),
    ])
    func `who applies is told what of it does not serve`(
        outcome: ApplyReport.Outcome, words: String, exitCode: Int32
    ) async throws {
        let taken = Diagnostic(
            .init("test.taken"), at: SourcePosition(file: "edge.yaml", line: 1, column: 1), found: "a", expected: "b",
            remedy: "c")
        let gateway = ResourceName(namespace: "shop", name: "edge")
        func change(_ action: ResourceChange.Action, in path: String) -> ResourceChange {
            ResourceChange(identity: ResourceIdentity(.gateway, gateway), action: action, path: path)
        }
        func answer(_ change: ResourceChange, handedIn name: String) async throws -> AdminClient.Answer {
            let mesh = try FakeMesh()
            mesh.outcome.withLock {
                $0 = ApplyReport(outcome: outcome, generation: 8, changes: [change], diagnostics: [taken])
            }
            return try await self.answer(
                "POST", ["v1", "apply"], Self.text + [(name: "name", value: name)], mesh: mesh,
                contentType: "application/yaml", body: Array("a: 1".utf8))
        }
        for action in [ResourceChange.Action.created, .updated, .unchanged, .deleted] {
            let mine = try await answer(change(action, in: "edge.yaml"), handedIn: "x.yaml")
            #expect(mine.exitCode == exitCode)
            #expect(mine.diagnostics.text.contains("test.taken"))
            #expect(mine.output.text.hasSuffix(words))
        }
        let dry = try await answer(change(.created, in: "shop.yaml"), handedIn: "edge.yaml")
        #expect(dry.exitCode == exitCode)
        // What others have held back is told, and fails nobody else.
        let others = try await answer(change(.updated, in: "shop.yaml"), handedIn: "x.yaml")
        #expect(others.exitCode == 0)
        #expect(others.diagnostics.text.contains("test.taken"))
    }

    @Test(arguments: [("edge.yaml", Int32(4)), ("shop.yaml", 0)])
    func `a delete ends as an apply that edits the same manifest`(held: String, exitCode: Int32) async throws {
        let mesh = try FakeMesh()
        let taken = Diagnostic(
            .init("test.taken"), at: SourcePosition(file: held, line: 1, column: 1), found: "a", expected: "b",
            remedy: "c")
        let gone = ResourceChange(
            identity: ResourceIdentity(.service, ResourceName(namespace: "shop", name: "orders")), action: .deleted,
            path: "edge.yaml")
        mesh.outcome.withLock { $0 = ApplyReport(outcome: .served, changes: [gone], diagnostics: [taken]) }
        let answer = try await answer("DELETE", ["v1", "resources", "svc", "orders"], Self.text, mesh: mesh)
        #expect(answer.exitCode == exitCode)
        #expect(answer.diagnostics.text.contains("test.taken"))
    }

    @Test func `a mistake in a file of the folder is shown as that lies there`() async throws {
        let mesh = try FakeMesh()
        let diagnostic = Diagnostic(
            .init("test.code"), at: SourcePosition(file: "shop.yaml", line: 1, column: 1), found: "\"a\"",
            expected: "b",
            remedy: "change it")
        mesh.outcome.withLock { $0 = ApplyReport(outcome: .refused, diagnostics: [diagnostic]) }
        let answer = try await answer("DELETE", ["v1", "resources", "svc", "orders"], Self.text, mesh: mesh)
        #expect(answer.diagnostics.text.contains("   1 | kind: Servise\n"))
    }

    @Test(arguments: [
        ("POST", ["v1", "apply"], "wait"), ("GET", ["v1", "status"], "namespace"), ("GET", ["v1", "explain"], "frm"),
    ])
    func `a parameter that is not looked at is refused`(method: String, path: [String], name: String) async throws {
        let answer = try await answer(method, path, [(name: name, value: "true")])
        #expect(answer.status == 400)
        #expect(answer.diagnostics.text.contains("/\(path.joined(separator: "/")) has no parameter \\\"\(name)\\\""))
    }

    @Test(arguments: [
        ([("dryRun", "yes")], "is no value of the parameter dryRun: write true or false"),
        ([("prune", "True")], "is no value of the parameter prune: write true or false"),
        ([("dryRun", "true"), ("dryRun", "false")], "the parameter dryRun is there twice"),
        ([("format", "yaml")], "is no value of the parameter format: write json or text"),
    ])
    func `what a parameter is given is understood or refused`(query: [(String, String)], why: String) async throws {
        let mesh = try FakeMesh()
        mesh.outcome.withLock { $0 = ApplyReport(outcome: .served) }
        let parameters = query.map { (name: $0.0, value: $0.1) }
        let answer = try await answer("DELETE", ["v1", "resources", "svc", "orders"], parameters, mesh: mesh)
        #expect(answer.status == 400)
        #expect(answer.diagnostics.text.contains(why) && answer.output.isEmpty, "\(answer.diagnostics.text)")
    }

    @Test func `of an apply with very many mistakes a hundred are shown, and file names are shown safely`() async throws
    {
        let mesh = try FakeMesh()
        let diagnostic = Diagnostic(
            .init("test.code"), at: SourcePosition(file: "x.yaml", line: 1, column: 1, length: 1), found: "\"a\"",
            expected: "b", remedy: "change it")
        let change = ResourceChange(
            identity: ResourceIdentity(.service, ResourceName(namespace: "shop", name: "a")), action: .updated,
            path: "\u{1B}[2J.yaml")
        mesh.outcome.withLock {
            $0 = ApplyReport(
                outcome: .refused, changes: [change], diagnostics: Array(repeating: diagnostic, count: 300))
        }
        let answer = try await answer(
            "POST", ["v1", "apply"], Self.text + [(name: "name", value: "x.yaml")], mesh: mesh,
            contentType: "application/yaml", body: Array("a: 1".utf8))
        #expect(answer.diagnostics.text.hasSuffix("\n200 more errors are not shown\n"))
        #expect(answer.output.text.hasSuffix("refused: 300 errors; nothing was written\n"))
        #expect(!answer.output.text.unicodeScalars.contains("\u{1B}"))
    }

    @Test func `apply refuses what is no list of documents`() async throws {
        #expect(try await answer("POST", ["v1", "apply"], contentType: "text/plain", body: [1]).status == 415)
        let bad = try await answer(
            "POST", ["v1", "apply"], contentType: DocumentFraming.contentType, body: Array("a 5\nxyz".utf8))
        #expect(bad.status == 400)
        let empty = try await answer("POST", ["v1", "apply"], contentType: DocumentFraming.contentType)
        #expect(empty.status == 400)
        #expect(empty.exitCode == 2)
    }

    @Test func `apply of nothing with prune confirms an emptied folder`() async throws {
        let mesh = try FakeMesh()
        _ = try await answer(
            "POST", ["v1", "apply"], [(name: "prune", value: "true")], mesh: mesh,
            contentType: DocumentFraming.contentType)
        #expect(mesh.changes.withLock { $0 } == [FakeMesh.Change(options: ApplyOptions(prunes: true))])
    }

    @Test func `explain ends in 0 for an allowed call, in 1 for a denied one, in 2 for a bad question`() async throws {
        let query = [
            (name: "from", value: "shop/web"), (name: "to", value: "orders"), (name: "path", value: "/orders/1"),
        ]
        #expect(try await answer("GET", ["v1", "explain"], query).exitCode == 0)
        let denied = try await answer("GET", ["v1", "explain"], query + [(name: "header", value: "x-tenant: b")])
        #expect(denied.exitCode == 1)
        #expect(denied.status == 200)
        #expect(denied.output.text.contains("\"allowed\": false"))
        #expect(try await answer("GET", ["v1", "explain"], query + [(name: "header", value: "x")]).exitCode == 2)
        #expect(try await answer("GET", ["v1", "explain"]).exitCode == 2)
        #expect(try await answer("GET", ["v1", "explain"], [(name: "to", value: "x")]).exitCode == 2)
    }

    @Test func `a decision is found by its ID`() async throws {
        let mesh = try FakeMesh(decisions: [FakeMesh.decision()])
        #expect(try await answer("GET", ["v1", "decisions", "abc"], Self.text, mesh: mesh).exitCode == 1)
        let other = try await answer("GET", ["v1", "decisions", "x"], Self.text, mesh: mesh)
        #expect(other.status == 404)
        #expect(other.diagnostics.text.contains("each on the node where its callee runs: ask there"))
        #expect(other.diagnostics.text.contains("(404, 400, 501, 503 \u{2026}) was judged by no rule"))
    }

    /// All that reasons.md takes for one.
    @Test(arguments: [
        "a/b", "a+b=", "a:b@c", "a?b", "a#b", "a\"b", "a&b=c", "a%2Fb", "a%252Fb", "a\\b", "//", "/a", "a/../b", "[a]",
        "%",
    ])
    func `a decision is found by its ID, whatever it is made of`(id: String) async throws {
        var decision = FakeMesh.decision()
        decision.id = id
        let mesh = try FakeMesh(decisions: [decision])
        #expect(try await answer("GET", ["v1", "decisions", id], mesh: mesh).status == 200)
        #expect(try await answer("GET", ["v1", "decisions"], [(name: "id", value: id)], mesh: mesh).status == 200)
        #expect(try await answer("GET", ["v1", "decisions"], [(name: "id", value: "a")], mesh: mesh).status == 404)
    }

    @Test(arguments: [".", ".."])
    func `a decision whose ID no path can hold is found by the parameter`(id: String) async throws {
        var decision = FakeMesh.decision()
        decision.id = id
        let mesh = try FakeMesh(decisions: [decision])
        #expect(try await answer("GET", ["v1", "decisions"], [(name: "id", value: id)], mesh: mesh).status == 200)
    }

    @Test func `a decision has one ID`() async throws {
        #expect(try await answer("GET", ["v1", "decisions"]).status == 400)
        #expect(try await answer("GET", ["v1", "decisions", "a"], [(name: "id", value: "a")]).status == 400)
    }

    @Test(arguments: ["shop/web", "spiffe://mesh.local/ns/shop/sa/web"])
    func `a certificate is found by account or SPIFFE ID`(id: String) async throws {
        let answer = try await answer("GET", ["v1", "certificate"], Self.text + [(name: "id", value: id)])
        #expect(answer.output.text == "-----BEGIN-----\n")
    }

    @Test func `a certificate that is not here suggests the nearest`() async throws {
        let answer = try await answer("GET", ["v1", "certificate"], Self.text + [(name: "id", value: "shop/wep")])
        #expect(answer.status == 404)
        #expect(answer.diagnostics.text.contains("did you mean \"spiffe://mesh.local/ns/shop/sa/web\"?"))
        let other = try await self.answer("GET", ["v1", "certificate"], Self.text + [(name: "id", value: "shop/nix")])
        #expect(other.diagnostics.text == "error: no certificate for spiffe://mesh.local/ns/shop/sa/nix on this node\n")
        #expect(try await self.answer("GET", ["v1", "certificate"]).status == 400)
        #expect(try await self.answer("GET", ["v1", "certificate"], [(name: "id", value: "A B")]).status == 400)
    }

    @Test func `metrics and probes are on the socket too`() async throws {
        #expect(try await answer("GET", ["metrics"]).output.text == "heddle_generation 7\n")
        #expect(try await answer("GET", ["readyz"]).output.text == "ready\n")
        #expect(try await answer("GET", ["healthz"], mesh: FakeMesh(nil)).status == 200)
    }

    @Test func `a mesh that holds a listener back is ready, and says what is held back`() async throws {
        let mesh = try FakeMesh()
        mesh.heldBack.withLock {
            $0 = [
                Diagnostic(
                    Diagnostic.Code("serving.cannot-listen"), at: SourcePosition(file: "a.yaml", line: 1, column: 2),
                    found: "port 80", expected: "another", remedy: "choose another")
            ]
        }
        let answer = try await answer("GET", ["readyz"], mesh: mesh)
        #expect(answer.status == 200)
        #expect(
            answer.output.text
                == "ready\nheld back: a.yaml:1:2: error[serving.cannot-listen]: found port 80, expected another\n")
    }

    @Test func `a mesh that drains is not ready, and says so`() async throws {
        let mesh = try FakeMesh()
        mesh.isDraining.withLock { $0 = true }
        let answer = try await answer("GET", ["readyz"], mesh: mesh)
        #expect(answer.status == 503)
        #expect(answer.output.text == "not ready: draining\n")
        let status = try await self.answer("GET", ["v1", "status"], Self.text, mesh: mesh).output.text
        #expect(status.hasPrefix("draining "), "\(status)")
        #expect(try await self.answer("GET", ["healthz"], mesh: mesh).status == 200)
    }

    @Test func `before the first generation what needs one answers 503`() async throws {
        #expect(try await answer("GET", ["readyz"], mesh: FakeMesh(nil)).status == 503)
        #expect(try await answer("GET", ["v1", "resources", "svc"], mesh: FakeMesh(nil)).status == 503)
        #expect(
            try await answer("GET", ["v1", "explain"], [(name: "to", value: "x")], mesh: FakeMesh(nil)).status == 503)
        #expect(
            try await answer("GET", ["v1", "status"], Self.text, mesh: FakeMesh(nil)).output.text.contains(
                "none serves"))
    }

    @Test(arguments: [["v1"], ["v2", "status"], ["v1", "status", "x"], [""], ["v1", "resources"]])
    func `there is nothing elsewhere`(path: [String]) async throws {
        #expect(try await answer("GET", path).status == 404)
    }

    @Test(arguments: [
        ("POST", ["v1", "status"]), ("GET", ["v1", "apply"]), ("POST", ["v1", "explain"]), ("DELETE", ["metrics"]),
        ("PUT", ["v1", "resources", "service", "orders"]), ("DELETE", ["v1", "resources", "service"]),
    ])
    func `another method is refused`(method: String, path: [String]) async throws {
        #expect(try await answer(method, path).status == 405)
    }
}
