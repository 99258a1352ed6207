import CommonValues
import Diagnostics
import Manifests
import MeshSnapshot
import SPIFFE
import Synchronization
import Testing

@testable import AdminAPI

/// A running mesh that serves a snapshot and remembers what it was asked to change.
final class FakeMesh: RunningMesh {
    struct Change: Equatable {
        var documents: [ManifestDocument] = []
        var deleted: String?
        var options = ApplyOptions()
    }

    let served: MeshSnapshot?
    let changes = Mutex<[Change]>([])
    let outcome = Mutex(ApplyReport(outcome: .served, generation: 8))
    let refused = Mutex<RefusalReport?>(nil)
    let watchedAlone = Mutex<[WatchedAloneReport]>([])
    let pending = Mutex<PendingReport?>(nil)
    let problems = Mutex<[Diagnostic]>([])
    let decisions: [DecisionReport]

    init(_ manifests: String? = Samples.shop, decisions: [DecisionReport] = []) throws {
        served = try manifests.map { try Samples.snapshot($0) }
        self.decisions = decisions
    }

    let heldBack = Mutex<[Diagnostic]>([])
    var readiness: Readiness { Readiness(isServing: served != nil, heldBack: heldBack.withLock { $0 }) }
    func snapshot() async -> MeshSnapshot? { served }
    func unresolvedEndpoints() async -> Set<SourcePosition> { [] }

    func status() async -> StatusReport {
        StatusReport(
            version: "1.2.3", node: nil, trustDomain: "mesh.local", manifestsFolder: "/etc/heddle",
            startedAt: UnixTime(seconds: 0),
            serving: served.map { _ in
                ServingReport(
                    generation: 7, hash: "abc", appliedAt: UnixTime(seconds: 60), duration: .microseconds(3_250),
                    resourceCount: 6, fileCount: 1, isLastGood: false, warnings: [])
            },
            refused: refused.withLock { $0 }, pending: pending.withLock { $0 },
            watching: .polling(every: .seconds(2), because: "the folder lies on NFS"),
            watchedAlone: watchedAlone.withLock { $0 }, problems: problems.withLock { $0 },
            listeners: [ListenerReport(owner: "Workload shop/web-1", address: "127.0.0.1:15101")],
            certificates: [Self.facts], otherCertificates: [Self.root])
    }

    static let facts = CertificateFacts(
        spiffeID: "spiffe://mesh.local/ns/shop/sa/web", serial: "0A", time: time, at: UnixTime(seconds: 1_800))
    static let root = OtherCertificateFacts(
        use: .gateway, file: "tls/edge.pem", serial: "0B",
        time: CertificateTime(notBefore: UnixTime(seconds: 0), notAfter: UnixTime(seconds: 10 * 86_400)),
        at: UnixTime(seconds: 86_400))
    private static let time = CertificateTime(
        notBefore: UnixTime(seconds: 0), notAfter: UnixTime(seconds: 3_600), notice: .seconds(60))

    func apply(_ documents: [ManifestDocument], _ options: ApplyOptions) async -> ApplyReport {
        changes.withLock { $0.append(Change(documents: documents, options: options)) }
        return outcome.withLock { $0 }
    }

    func delete(_ kind: ResourceKind, _ name: ResourceName, _ options: ApplyOptions) async -> ApplyReport {
        changes.withLock { $0.append(Change(deleted: "\(kind.rawValue) \(name)", options: options)) }
        return outcome.withLock { $0 }
    }

    func certificate(of id: SPIFFEID) async -> CertificateReport? {
        "\(id)" == Self.facts.spiffeID ? CertificateReport(facts: Self.facts, chainPEM: "-----BEGIN-----\n") : nil
    }

    func decision(id: String) async -> DecisionReport? { decisions.first { $0.id == id } }
    func metricsText() async -> String { "heddle_generation 7\n" }
    func source(of path: String) async -> [UInt8]? { path == "shop.yaml" ? Array("kind: Servise\n".utf8) : nil }
}

enum Samples {
    static func snapshot(_ manifests: String, node: String? = nil) throws -> MeshSnapshot {
        let file = ManifestDecoder.decode(Array(manifests.utf8), path: "shop.yaml")
        let resolution = MeshSnapshot.resolve([file], node: node)
        return try #require(resolution.snapshot, "\(resolution.diagnostics)")
    }

    static let shop = """
        apiVersion: heddle/v1
        kind: Service
        metadata: {name: orders, namespace: shop}
        spec: {protocol: HTTP}
        ---
        apiVersion: heddle/v1
        kind: Service
        metadata: {name: web, namespace: shop, labels: {team: a}}
        spec: {protocol: HTTP, hostnames: [web.example.com]}
        ---
        apiVersion: heddle/v1
        kind: Workload
        metadata: {name: orders-1, namespace: shop}
        spec: {service: orders, address: "127.0.0.1:8081"}
        ---
        apiVersion: heddle/v1
        kind: Workload
        metadata: {name: web-1, namespace: shop}
        spec: {service: web, address: "127.0.0.1:8080", outbound: {listen: "127.0.0.1:15101"}}
        ---
        apiVersion: heddle/v1
        kind: HTTPRoute
        metadata: {name: orders, namespace: shop}
        spec:
          parentRefs: [{kind: Service, name: orders}]
          rules:
          - matches: [{path: {type: PathPrefix, value: /v2/orders}}]
            filters:
            - {type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /orders}}}
            backendRefs: [{name: orders}]
          - matches: [{path: {type: PathPrefix, value: /old}}]
            filters:
            - {type: RequestRedirect, requestRedirect: {path: {type: ReplaceFullPath, replaceFullPath: /new}}}
          - matches: [{path: {type: PathPrefix, value: /none}}]
          - matches: [{path: {type: PathPrefix, value: /orders}}]
            backendRefs: [{name: orders}]
        ---
        apiVersion: heddle/v1
        kind: AuthorizationPolicy
        metadata: {name: web-reads-orders, namespace: shop}
        spec:
          targetRefs: [{kind: Service, name: orders}]
          action: ALLOW
          rules:
          - from: [{source: {serviceAccounts: [shop/web]}}]
            to: [{operation: {methods: [GET], paths: ["/orders", "/orders/{**}"]}}]
        ---
        apiVersion: heddle/v1
        kind: AuthorizationPolicy
        metadata: {name: no-tenant-b, namespace: shop}
        spec:
          targetRefs: [{kind: Service, name: orders}]
          action: DENY
          rules:
          - when: [{key: "request.headers[x-tenant]", values: [b]}]
        ---
        apiVersion: heddle/v1
        kind: Gateway
        metadata: {name: edge, namespace: shop}
        spec:
          listeners: [{name: http, port: 8443, protocol: HTTP, hostname: "*.example.com"}]
        ---
        apiVersion: heddle/v1
        kind: HTTPRoute
        metadata: {name: edge, namespace: shop}
        spec:
          parentRefs: [{name: edge}]
          hostnames: [shop.example.com]
          rules: [{backendRefs: [{name: orders}]}]
        """
}
