import Manifests
import MeshFixtures
import MeshSnapshot
import Testing

@testable import AdminAPI

/// What `heddle get` and `heddle describe` say of the processes that are workloads.
struct WorkloadTableTests {
    private static let manifests = """
        apiVersion: heddle/v1
        kind: Mesh
        metadata: {name: mesh}
        spec: {identity: {authority: {type: Files, certificateFile: a.pem, keyFile: b.pem}}}
        ---
        apiVersion: heddle/v1
        kind: Node
        metadata: {name: a}
        spec: {address: "192.0.2.1:15001", outbound: {listen: "127.0.0.1:15000"}}
        ---
        apiVersion: heddle/v1
        kind: Node
        metadata: {name: b}
        spec: {address: "192.0.2.2:15001"}
        ---
        apiVersion: heddle/v1
        kind: Service
        metadata: {name: db, namespace: shop}
        spec: {protocol: TCP, endpoints: [{address: "192.0.2.9:5432"}]}
        ---
        apiVersion: heddle/v1
        kind: Workload
        metadata: {name: here, namespace: shop}
        spec:
          serviceAccount: web
          node: a
          outbound: {listen: "127.0.0.1:15101", tcp: [{service: db, listen: "127.0.0.1:5432"}]}
          selectors:
          - {unix: {user: web, path: /usr/bin/web, sha256: "\(String(repeating: "0a", count: 32))"}}
          - {exec: {}}
          - {systemd: {unit: web.service}}
        ---
        apiVersion: heddle/v1
        kind: Workload
        metadata: {name: open, namespace: shop}
        spec: {serviceAccount: web, node: a, outbound: {listen: "127.0.0.1:15102"}}
        ---
        apiVersion: heddle/v1
        kind: Workload
        metadata: {name: there, namespace: shop}
        spec: {serviceAccount: web, node: b, selectors: [{unix: {uid: 7, gid: 8}, cgroup: {path: /web}}]}
        """

    private let mesh: FakeMesh

    init() throws { mesh = FakeMesh(try MeshSnapshot(Self.manifests, node: "a")) }

    private func answer(_ path: [String], asText: Bool = true) async throws -> String {
        let query = asText ? [(name: "format", value: "text")] : []
        return try await serving(mesh, in: TemporaryFolder()) {
            try $0.send("GET", ["v1", "resources"] + path, query: query).output.text
        }
    }

    @Test func `a table says what processes must be, and whether they call at their node's listener`() async throws {
        let lines = try await answer(["wl"]).split(separator: "\n").map {
            $0.split(separator: " ").joined(separator: " ")
        }
        #expect(lines[0] == "NAME SERVICE NODE ADDRESS SERVICE ACCOUNT OUTBOUND SELECTORS FILE")
        #expect(
            lines[1].contains(
                "127.0.0.1:15101,127.0.0.1:5432=shop/db,127.0.0.1:15000 (node a) "
                    + "user=web path=/usr/bin/web sha256=0a0a0a0a0a0a\u{2026} | exec | 1 more"), "\(lines)")
        // Without selectors it is none of those that call there; another node has no such listener.
        #expect(lines[2].hasPrefix("shop/open - a - web 127.0.0.1:15102 - test.yaml"), "\(lines)")
        #expect(lines[3].hasPrefix("shop/there - b - web - uid=7 gid=8 cgroup=/web test.yaml"), "\(lines)")
    }

    @Test func `a description says where a workload calls others, and who may`() async throws {
        let here = try await answer(["wl", "here", "details"])
        #expect(
            here.hasSuffix(
                """

                Calls at:
                  127.0.0.1:15101: its own, for processes that its selectors match
                  127.0.0.1:5432: its own to shop/db, for processes that its selectors match
                  127.0.0.1:15000: Node a's, for processes that its selectors match

                """), "\(here)")
        let open = try await answer(["wl", "open", "details"])
        #expect(open.hasSuffix("Calls at:\n  127.0.0.1:15102: its own, for whoever reaches it\n"), "\(open)")
        #expect(try await !answer(["wl", "there", "details"]).contains("Calls at"))
        let json = try await answer(["wl", "here", "details"], asText: false)
        #expect(json.contains("\"callsAt\": ["), "\(json)")
    }
}
