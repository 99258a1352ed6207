import Authorization
import CallPlanning
import Diagnostics
import EventLoops
import Manifests
import MeshFixtures
import MeshSnapshot
import ServiceContracts
import Synchronization
import Telemetry
import TestSupport

@testable import Forwarding

/// A data plane that serves manifests given as text.
final class TestMesh: Sendable {
    let dataPlane: DataPlane
    private let node: String?

    init(
        _ manifests: String, node: String? = nil, workers: Int = 1, tls: TLSMaterial = TLSMaterial(),
        descriptors: Int = 1 << 20, peerTerms: PeerTerm.Limits = PeerTerm.Limits(),
        inner: [InnerService: ServiceHost] = [:],
        accessLog: LineSink? = nil, events: EventSink = EventSink { _ in }
    ) async throws {
        self.node = node
        dataPlane = try DataPlane(
            workerCount: workers, connectionLimit: 1000, descriptorLimit: descriptors, inner: inner,
            accessLog: accessLog ?? LineSink(descriptor: 2, byteLimit: 1 << 20, name: "access-log"),
            events: events, peerTermLimits: peerTerms)
        try await serve(manifests, tls: tls)
    }

    func serve(_ manifests: String, tls: TLSMaterial = TLSMaterial(), generation: UInt64 = .random(in: 1...1_000_000))
        async throws
    {
        let prepared = try prepare(manifests, tls: tls, generation: generation)
        guard prepared.problems.isEmpty else { throw BadManifests(prepared.problems) }
        await dataPlane.commit(prepared)
    }

    func prepare(
        _ manifests: String, tls: TLSMaterial = TLSMaterial(), generation: UInt64 = .random(in: 1...1_000_000)
    ) throws -> DataPlane.Prepared {
        dataPlane.prepare(try plan(manifests, generation: generation), tls: tls)
    }

    /// What would be held back.
    func rehearse(_ manifests: String) throws -> [Diagnostic] {
        dataPlane.rehearse(try plan(manifests, generation: 1), tls: TLSMaterial())
    }

    private func plan(_ manifests: String, generation: UInt64) throws -> ServingPlan {
        let snapshot = try MeshSnapshot(manifests, node: node)
        var problems: [Diagnostic] = []
        let plan = ServingPlan(snapshot, node: node, generation: generation, resolve: { _ in [] }, problems: &problems)
        guard problems.isEmpty else { throw BadManifests(problems) }
        return plan
    }

    /// How often policies that decide nothing have matched, by `policy verdict`.
    func observationCounts() async -> [String: Int] {
        var counts: [String: Int] = [:]
        for (policy, verdict, count) in await dataPlane.report().observed {
            counts["\(dataPlane.labels.name(of: policy)) \(verdict.name)"] = Int(count)
        }
        return counts
    }

    /// How often its worker has woken.
    private func turns() async -> UInt64 {
        let turns = Mutex<UInt64>(0)
        await dataPlane.onEveryWorker { worker in turns.withLock { $0 = worker.loop.turn } }
        return turns.withLock { $0 }
    }

    /// Waits until its worker sleeps, and nothing wakes it. To be had with one worker.
    /// - Returns: `false` if it never does.
    func comesToRest() async -> Bool {
        // Each question is a turn. Others must come to an end.
        await Poll.until {
            let before = await turns()
            for _ in 0..<50 { _ = await turns() }
            return await turns() - before <= 51
        }
    }

    func stop() async { await dataPlane.drain(deadline: .milliseconds(200)) }

}

/// The shop of the specification: web calls orders.
enum Shop {
    static func manifests(outbound: UInt16, orders: UInt16, more: String = "", rule: String = allowAll) -> String {
        """
        \(manifest("Service", "orders", "{protocol: HTTP}"))
        ---
        \(manifest("Service", "web", "{protocol: HTTP}"))
        ---
        \(manifest("Workload", "orders-1", "{service: orders, address: \"127.0.0.1:\(orders)\"}"))
        ---
        apiVersion: heddle/v1
        kind: Workload
        metadata: {name: web-1, namespace: shop}
        spec: {service: web, address: "127.0.0.1:1", outbound: {listen: "127.0.0.1:\(outbound)"}}
        ---
        \(rule)
        \(more.isEmpty ? "" : "---\n" + more)
        """
    }

    static let allowAll = manifest("AuthorizationPolicy", "all", "{action: ALLOW, rules: [{}]}")

    static let readsOrders = """
        apiVersion: heddle/v1
        kind: AuthorizationPolicy
        metadata: {name: web-reads-orders, namespace: shop}
        spec:
          targetRefs: [{kind: Service, name: orders}]
          action: ALLOW
          rules:
          - from: [{source: {serviceAccounts: [shop/web]}}]
            to: [{operation: {methods: [GET], paths: ["/orders", "/orders/{**}"]}}]
        """
}
