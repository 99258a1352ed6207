import Diagnostics
import Testing

@testable import Manifests

struct ManifestWritingTests {
    @Test func `every resource is shown as a manifest that says the same`() throws {
        let file = ManifestDecoder.decode(Array(Self.everything.utf8), path: "a.yaml")
        try #require(file.diagnostics.isEmpty, "\(file.diagnostics)")
        for resource in file.resources {
            let text = resource.yamlText
            let again = ManifestDecoder.decode(Array(text.utf8), path: "a.yaml")
            #expect(again.diagnostics.isEmpty, "\(text)\n\(again.diagnostics)")
            let shown = try #require(again.resources.first)
            #expect(shown.manifestJSON == resource.manifestJSON)
        }
    }

    @Test(arguments: ["10.0.0.0/8", "192.0.2.1", "2001:db8::/32", "::1", "0.0.0.0/0", "::/0"])
    func `an address block is shown as it was written`(text: String) throws {
        let manifest = """
            apiVersion: heddle/v1
            kind: Gateway
            metadata: {name: a}
            spec: {listeners: [{name: a, port: 1, protocol: HTTP}], trustedProxies: ["\(text)"]}
            """
        let file = ManifestDecoder.decode(Array(manifest.utf8), path: "a.yaml")
        guard let gateway = file.resources.first as? Gateway else {
            Issue.record("no gateway: \(file.diagnostics)")
            return
        }
        #expect(gateway.trustedProxies.map(\.text) == [text])
    }

    static let everything = """
        apiVersion: heddle/v1
        kind: Mesh
        metadata: {name: mesh}
        spec:
          trustDomain: example.org
          authorization: {defaultAction: Allow}
          identity: {svidTTL: 90s, authority: {type: Files, certificateFile: ca.pem, keyFile: /k e/y.pem}}
          proxy:
            workers: 2
            limits: {headerBytes: 2048, headerCount: 9}
            timeouts: {idle: 1h30m, connect: 250ms}
            accessLog: All
            nameRefresh: 1m30s
          telemetry: {listen: "127.0.0.1:9090"}
        ---
        apiVersion: heddle/v1
        kind: Node
        metadata: {name: a}
        spec: {address: "[2001:db8::1]:15008"}
        ---
        apiVersion: heddle/v1
        kind: Service
        metadata: {name: s, namespace: n, labels: {a/b: "1", c: ""}}
        spec: {protocol: HTTP, hostnames: [s.example.com], escapedSlashes: Keep, endpoints: [{address: "unix:/run/x y"}]}
        ---
        apiVersion: heddle/v1
        kind: Workload
        metadata: {name: w, namespace: n}
        spec: {service: s, node: a, address: "127.0.0.1:1", serviceAccount: "1", outbound: {listen: "unix:/run/o"}}
        ---
        apiVersion: heddle/v1
        kind: Service
        metadata: {name: db, namespace: n}
        spec: {protocol: TCP}
        ---
        apiVersion: heddle/v1
        kind: Service
        metadata: {name: calls, namespace: n}
        spec: {protocol: GRPC}
        ---
        apiVersion: heddle/v1
        kind: Workload
        metadata: {name: x, namespace: n}
        spec:
          serviceAccount: x
          outbound: {tcp: [{service: db, listen: "127.0.0.1:5"}, {service: db.other.mesh, listen: "unix:/run/db"}]}
        ---
        apiVersion: heddle/v1
        kind: Gateway
        metadata: {name: g, namespace: n}
        spec:
          node: a
          serviceAccount: edge
          trustedProxies: [10.0.0.0/8, "::1"]
          listeners:
          - {name: h, address: "::1", port: 80, protocol: HTTP, hostname: "*.example.com"}
          - {name: t, port: 443, protocol: HTTPS, tls: {certificateFile: c.pem, keyFile: k.pem}}
          - {name: p, port: 853, protocol: TLS, hostname: a.b, tls: {mode: Passthrough}}
          - {name: q, port: 5, protocol: TCP}
        ---
        apiVersion: heddle/v1
        kind: HTTPRoute
        metadata: {name: r, namespace: n}
        spec:
          parentRefs: [{kind: Service, name: s}, {name: g, namespace: m, sectionName: h, port: 80}]
          hostnames: ["*.example.com", a.example.com]
          rules:
          - name: first
            matches:
            - path: {type: Exact, value: /a%20b}
              headers: [{name: X-A, value: "1"}]
              queryParams: [{name: "q q", value: ""}]
              method: GET
            filters:
            - type: RequestHeaderModifier
              requestHeaderModifier: {set: [{name: a, value: "true"}], add: [{name: b, value: c}], remove: [d]}
            - {type: ResponseHeaderModifier, responseHeaderModifier: {remove: [e]}}
            - {type: RequestMirror, requestMirror: {backendRef: {name: s}, percent: 5}}
            - {type: URLRewrite, urlRewrite: {hostname: x.example.com, path: {type: ReplaceFullPath, replaceFullPath: /z}}}
            backendRefs:
            - {name: s, weight: 0}
            - {name: t, namespace: o, filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [f]}}]}
            timeouts: {request: 0s, backendRequest: 1s500ms}
          - filters:
            - type: RequestRedirect
              requestRedirect:
                scheme: https
                port: 8443
                statusCode: 308
                path: {type: ReplacePrefixMatch, replacePrefixMatch: ""}
        ---
        apiVersion: heddle/v1
        kind: GRPCRoute
        metadata: {name: r, namespace: n}
        spec:
          parentRefs: [{kind: Service, name: calls}, {name: g, sectionName: h}]
          hostnames: [a.example.com]
          rules:
          - name: first
            matches:
            - {method: {service: a.B, method: C}, headers: [{name: X-A, value: "1"}]}
            - method: {service: a.B}
            - method: {type: RegularExpression, method: "Get.*"}
            - method: {type: RegularExpression, service: 'a\\.[A-Z]', method: "Get.*"}
            - headers: [{name: b, value: c}]
            filters: [{type: RequestMirror, requestMirror: {backendRef: {name: s}, percent: 5}}]
            backendRefs: [{name: s, weight: 0}, {name: t, namespace: o}]
            timeouts: {request: 0s}
          - backendRefs: [{name: s}]
        ---
        apiVersion: heddle/v1
        kind: TCPRoute
        metadata: {name: r, namespace: n}
        spec:
          parentRefs: [{kind: Service, name: db}, {name: g, sectionName: q}]
          rules: [{name: only, backendRefs: [{name: db, weight: 3}, {name: db, namespace: o}]}]
        ---
        apiVersion: heddle/v1
        kind: TLSRoute
        metadata: {name: r, namespace: n}
        spec:
          parentRefs: [{name: g, namespace: m}]
          hostnames: ["*.example.com", a.b]
          rules: [{backendRefs: [{name: db}]}]
        ---
        apiVersion: heddle/v1
        kind: AuthorizationPolicy
        metadata: {name: p, namespace: n}
        spec:
          targetRefs: [{kind: Service, name: s}]
          action: DENY
          rules:
          - {}
          - from:
            - source:
                principals: ["spiffe://example.org/*"]
                notServiceAccounts: [n/x]
                namespaces: ["*"]
                trustDomains: ["*.org"]
                ipBlocks: [10.0.0.0/8]
                notRemoteIpBlocks: ["2001:db8::/32"]
            to:
            - operation: {hosts: [s.n], ports: [80], notMethods: [GET], paths: ["/a/{*}/b/{**}", "/c*", "*/d", /e]}
            when:
            - {key: "request.headers[x-a]", values: ["a*"], notValues: ["*"]}
            - {key: source.ip, values: [192.0.2.1]}
            - {key: destination.port, notValues: [1, 2]}
            - {key: connection.sni, values: [x.example.com]}
        """
}
