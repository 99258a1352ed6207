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

/// What `status`, and `guard status`, say of a mesh.
struct AdminStatusTests: AdminAsking {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test(arguments: [
        "generation    7", "in 3.2 ms", "polled every 2s, because the folder lies on NFS", "127.0.0.1:15101",
        "shop/orders  127.0.0.1:8081", "1970-01-01T01:00:00.000Z  valid",
        "gateway  tls/edge.pem  0B      1970-01-11T00:00:00.000Z  expires in 9 days",
    ])
    func `status shows generation, folder, listeners, services and certificates`(part: String) async throws {
        let answer = try await answer("GET", ["v1", "status"], Self.text)
        #expect(answer.exitCode == 0)
        #expect(answer.output.text.contains(part), "\(answer.output.text)")
    }

    @Test func `a guard that holds is a yes, and everything else a no`() async throws {
        let mesh = try FakeMesh()
        func ask(_ query: [(name: String, value: String)]) async throws -> AdminClient.Answer {
            try await answer("GET", ["v1", "guard"], query, mesh: mesh)
        }
        let none = try await ask(Self.text)
        #expect(none.exitCode == 1 && none.output.text.hasPrefix("no guard"), "\(none)")
        #expect(try await ask([]).output.text == "{\n  \"holds\": false\n}\n")
        mesh.guarding.withLock {
            $0 = GuardReport(
                holds: false, table: "heddle-guard-a", portCount: 2, users: [7], refusedLocal: 0, refusedRemote: 0)
        }
        let open = try await ask(Self.text)
        #expect(open.exitCode == 1 && open.output.text.hasPrefix("DOES NOT HOLD"), "\(open)")
        #expect(try await ask([]).exitCode == 1)
        mesh.guarding.withLock { $0?.holds = true }
        let holding = try await ask(Self.text)
        #expect(holding.exitCode == 0 && holding.output.text.hasPrefix("holds: 2 ports"), "\(holding)")
        let json = try await ask([])
        #expect(json.exitCode == 0 && json.output.text.contains("\"holds\": true"))
    }

    @Test(arguments: [
        ("# none", "STRICT (the default)\n  in plain at 0.0.0.0:8080: closed (Workload shop/orders-1)"),
        (
            manifest("PeerAuthentication", "moving", "{mtls: {mode: PERMISSIVE}}"),
            "PERMISSIVE (PeerAuthentication shop/moving, shop.yaml:"
        ),
    ])
    func `describe says whether a service is called in plain, and why`(peer: String, lines: String) async throws {
        let mesh = try FakeMesh(
            [
                manifest("Service", "orders", "{}"),
                manifest(
                    "Workload", "orders-1",
                    "{service: orders, address: \"127.0.0.1:1\", inbound: {plain: \"0.0.0.0:8080\"}}"), peer,
            ].joined(separator: "\n---\n"))
        let text = try await answer(
            "GET", ["v1", "resources", "service", "orders", "details"], Self.text, mesh: mesh
        ).output.text
        #expect(text.contains("Peer authentication:\n  \(lines)"), "\(text)")
        #expect(text.contains("in plain at 0.0.0.0:8080"))
    }

    @Test func `status shows who calls in plain, where somebody may`() async throws {
        let mesh = try FakeMesh()
        let without = try await answer("GET", ["v1", "status"], Self.text, mesh: mesh).output.text
        #expect(!without.contains("IN PLAIN"))
        mesh.plainCallers.withLock {
            $0 = [
                PlainCallersReport(
                    service: ResourceName(namespace: "shop", name: "orders"),
                    sources: [.init(address: "192.0.2.7", calls: 12, lastAt: UnixTime(seconds: 60))], otherCalls: 3),
                PlainCallersReport(
                    service: ResourceName(namespace: "shop", name: "web"), sources: [], otherCalls: 0),
            ]
        }
        let text = try await answer("GET", ["v1", "status"], Self.text, mesh: mesh).output.text
        #expect(text.contains("CALLED IN PLAIN  FROM           CALLS  LAST\n"), "\(text)")
        #expect(text.contains("shop/orders      192.0.2.7      12     1970-01-01T00:01:00.000Z\n"))
        #expect(text.contains("shop/orders      others         3"))
        #expect(text.contains("shop/web         nobody so far  0"))
        let json = try await answer("GET", ["v1", "status"], mesh: mesh).output.text
        for part in [#""address": "192.0.2.7""#, #""calls": 12"#, #""otherCalls": 3"#] {
            #expect(json.contains(part), "\(json)")
        }
    }

    @Test func `status shows why the last attempt was refused, with the line`() async throws {
        let mesh = try FakeMesh()
        let diagnostic = Diagnostic(
            .init("test.code"), at: SourcePosition(file: "shop.yaml", line: 1, column: 7, length: 7),
            found: "\"Servise\"",
            expected: "a kind", remedy: "change it")
        mesh.refused.withLock { $0 = RefusedAttempt(hash: "x", at: UnixTime(seconds: 1), diagnostics: [diagnostic]) }
        mesh.pending.withLock {
            $0 = PendingConfirmation(
                reason: .empty, since: UnixTime(seconds: 2), hash: "x", resourceCount: 0, servedResourceCount: 6)
        }
        let text = try await answer("GET", ["v1", "status"], Self.text, mesh: mesh).output.text
        #expect(text.contains("shop.yaml:1:7: error[test.code]"))
        #expect(text.contains("   1 | kind: Servise\n     |       ^^^^^^^ change it"))
        #expect(text.contains("heddle apply --prune"))
        let json = try await answer("GET", ["v1", "status"], mesh: mesh).output.text
        #expect(json.contains("\"reason\": \"empty\""))
    }

    @Test func `status shows a hundred mistakes of very many, and how many there are`() async throws {
        let mesh = try FakeMesh()
        let diagnostics = (1...500).map { line in
            Diagnostic(
                .init("test.code"), at: SourcePosition(file: "shop.yaml", line: line, column: 1), found: "a",
                expected: "b", remedy: "c")
        }
        mesh.refused.withLock { $0 = RefusedAttempt(hash: "x", at: UnixTime(seconds: 1), diagnostics: diagnostics) }
        let text = try await answer("GET", ["v1", "status"], Self.text, mesh: mesh).output.text
        #expect(text.contains("shop.yaml:100:1:") && !text.contains("shop.yaml:101:1:"))
        #expect(text.contains("400 more errors are not shown"))
        let json = try await answer("GET", ["v1", "status"], mesh: mesh).output.text
        #expect(json.contains("\"diagnosticCount\": 500") && !json.contains("\"line\": 101,"))
    }

    @Test func `status shows a hundred problems of very many, and how many there are`() async throws {
        let mesh = try FakeMesh()
        let problems = (1...500).map { line in
            Diagnostic(
                .init("test.code"), .warning, at: SourcePosition(file: "nodes.yaml", line: line, column: 1), found: "a",
                expected: "b", remedy: "c")
        }
        mesh.problems.withLock { $0 = problems }
        let text = try await answer("GET", ["v1", "status"], Self.text, mesh: mesh).output.text
        #expect(text.contains("nodes.yaml:100:1:") && !text.contains("nodes.yaml:101:1:"))
        #expect(text.contains("400 more warnings are not shown"))
        let json = try await answer("GET", ["v1", "status"], mesh: mesh).output.text
        #expect(json.contains("\"problemCount\": 500") && !json.contains("\"line\": 101,"))
    }

    @Test func `status shows what is watched otherwise than by its folder, and how`() async throws {
        let mesh = try FakeMesh()
        mesh.watchedAlone.withLock {
            $0 = [
                WatchedAlone(path: "a\u{1B}.yaml", reason: .mountPoint, isPolled: false),
                WatchedAlone(path: "/home/a", reason: .unwatchable("Permission denied"), isPolled: true),
            ]
        }
        let text = try await answer("GET", ["v1", "status"], Self.text, mesh: mesh).output.text
        #expect(text.contains("a\\u{1B}.yaml       announced  something is mounted there"), "\(text)")
        #expect(
            text.contains("/home/a            polled     the folder cannot be watched (Permission denied)"), "\(text)")
        let json = try await answer("GET", ["v1", "status"], mesh: mesh).output.text
        #expect(json.contains("\"because\": \"mount-point\"") && json.contains("\"mode\": \"polling\""))
    }
}
