import Diagnostics
import Manifests
import Testing

@Suite struct `Paths that manifests name` {
    /// Every field that is a path of a host, each in another place below `/named`.
    private static let manifests = """
        apiVersion: heddle/v1
        kind: Mesh
        metadata: {name: mesh}
        spec:
          workloadSocket: {path: /named/workload.sock}
          identity: {authority: {type: Files, certificateFile: /named/authority.pem, keyFile: /named/authority.key}}
        ---
        apiVersion: heddle/v1
        kind: Node
        metadata: {name: a}
        spec: {address: "127.0.0.1:15008", outbound: {listen: "127.0.0.1:15001"}}
        ---
        apiVersion: heddle/v1
        kind: Service
        metadata: {name: outside, namespace: shop}
        spec: {protocol: HTTP, endpoints: [{address: "unix:/named/endpoint.sock"}]}
        ---
        apiVersion: heddle/v1
        kind: Service
        metadata: {name: raw, namespace: shop}
        spec: {protocol: TCP}
        ---
        apiVersion: heddle/v1
        kind: Workload
        metadata: {name: web, namespace: shop}
        spec:
          service: outside
          address: unix:/named/web.sock
          selectors: [{unix: {user: web}}]
          outbound: {listen: "unix:/named/outbound.sock", tcp: [{service: raw, listen: "unix:/named/tcp.sock"}]}
        ---
        apiVersion: heddle/v1
        kind: Gateway
        metadata: {name: edge, namespace: shop}
        spec:
          listeners:
          - {name: tls, protocol: HTTPS, port: 8443, tls: {certificateFile: /named/edge.pem, keyFile: /named/edge.key}}
        ---
        apiVersion: heddle/v1
        kind: ConfigSource
        metadata: {name: file, namespace: shop}
        spec: {type: File, path: /named/file.toml}
        ---
        apiVersion: heddle/v1
        kind: ConfigSource
        metadata: {name: folder, namespace: shop}
        spec: {type: Folder, path: /named/folder}
        ---
        apiVersion: heddle/v1
        kind: ConfigSource
        metadata: {name: http, namespace: shop}
        spec: {type: HTTP, url: "https://a.example/a.json", caFile: /named/http.pem, headersFrom: {x-token: /named/token}}
        ---
        apiVersion: heddle/v1
        kind: ConfigSource
        metadata: {name: etcd, namespace: shop}
        spec:
          type: Etcd
          endpoints: ["https://a.example:2379"]
          prefix: /shop/
          tls: {caFile: /named/etcd-ca.pem, certFile: /named/etcd.pem, keyFile: /named/etcd.key}
          user: heddle
          passwordFile: /named/password
        ---
        apiVersion: heddle/v1
        kind: Config
        metadata: {name: web, namespace: shop}
        spec:
          sources: [file]
          schemaFile: /named/schema.json
          project:
          - {path: /named/projection.json, workload: web, onChange: {signal: HUP, pidFile: /named/web.pid}}
        """

    private var resources: [any Resource] {
        let file = ManifestDecoder.decode(Array(Self.manifests.utf8), path: "all.yaml")
        #expect(file.diagnostics.filter { $0.severity == .error }.isEmpty)
        return file.resources
    }

    @Test func `are all told`() throws {
        let text = resources.map { $0.specJSON.rendered() }.joined(separator: "\n")
        let written = Set(text.matches(of: /\/named\/[a-z.-]+/).map { String($0.output) })
        let told = Set(resources.flatMap(\.paths).map(\.value))
        #expect(told == written)
        #expect(told.count == 20)
    }

    @Test func `are told with their places`() {
        for path in resources.flatMap(\.paths) { #expect(path.position.isInText) }
    }

    @Test func `do not hold what every mesh has`() {
        #expect(Mesh.standard.paths.isEmpty)
    }
}
