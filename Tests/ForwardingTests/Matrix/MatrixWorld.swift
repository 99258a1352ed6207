import Authorization
import Manifests
import Synchronization
import Telemetry
import TestSupport

@testable import Forwarding

/// A mesh with a Service for each cell of one way, so that none has anything to do with another.
final class MatrixWorld: Sendable {
    /// Where a cell's caller calls, and who may answer.
    struct Site: Sendable {
        let service: String
        let port: UInt16
        /// Those that are there, on the way's node.
        let live: [Ear]
        /// Those that are not, on the caller's node and on another, which is there only if the way leads to it.
        let dead: [Ear]
    }

    let cells: [Cell]
    let sites: [Site]
    private let way: Way
    private let timeouts: String
    private let inboundPorts = [TestPort.free(), TestPort.free()]
    private let callerPort = TestPort.free()
    /// The workload's node first, if it is another one.
    private let nodes: [TestMesh]
    private let tls: TLSMaterial
    private let reload = Reload()

    init(_ way: Way, _ cells: [Cell], timeouts: String) async throws {
        self.way = way
        self.cells = cells
        self.timeouts = timeouts
        let callerPort = callerPort
        sites = try cells.enumerated().map { index, cell in
            Site(
                service: "cell-\(index)", port: way.caller == .tcp ? TestPort.free() : callerPort,
                live: try (0..<(cell.condition == .brokenOff ? 2 : 1)).map { _ in try Ear() },
                dead: try (0..<(cell.condition == .unreachable ? 4 : 0)).map { _ in try Ear(isDead: true) })
        }
        tls = try TestIdentities.shared.get().material(serving: sites.map(\.service))
        let manifests = Self.manifests(way, sites, callerPort, inboundPorts, timeouts: timeouts, isDenied: false)
        var nodes: [TestMesh] = []
        for name in way.place == .here ? ["a"] : ["b", "a"] {
            nodes.append(try await TestMesh(manifests, node: name, tls: tls))
        }
        self.nodes = nodes
    }

    func stop() async { for node in nodes.reversed() { await node.stop() } }

    /// Takes up rules that allow nothing.
    private func deny() async throws {
        let manifests = Self.manifests(way, sites, callerPort, inboundPorts, timeouts: timeouts, isDenied: true)
        for node in nodes { try await node.serve(manifests, tls: tls) }
    }

    // MARK: Running

    /// A run of one of the cells, by whoever wants it.
    func run(of index: Int) -> CellRun { CellRun(cells[index], at: sites[index], reload: reload) }

    /// Runs all cells at once, each on a thread of its own.
    func run() async throws -> [CellRun.Outcome] {
        let outcomes = Mutex<[Int: CellRun.Outcome]>([:])
        for index in cells.indices {
            spawn { [self] in
                let outcome = run(of: index).run()
                outcomes.withLock { $0[index] = outcome }
            }
        }
        // Each cell is bounded by its own connections.
        try await Poll.until(within: .seconds(600)) {
            let doneCount = outcomes.withLock { $0.count }
            if doneCount == cells.count { return true }
            if reload.isAwaited, reload.arrivedCount + doneCount >= cells.count {
                try await deny()
                reload.open()
            }
            return false
        }
        return outcomes.withLock { outcomes in cells.indices.map { outcomes[$0]! } }
    }

    /// What the node that judges has written down of each service's calls, once there are as many as there were calls.
    func records(_ expected: [Int]) async -> [[Expectation.Record: Int]] {
        var records: [[Expectation.Record: Int]] = []
        await Poll.until {
            records = await self.records(of: nodes[0])
            return zip(records, expected).allSatisfy { $0.values.reduce(0, +) >= $1 }
        }
        return records
    }

    private func records(of node: TestMesh) async -> [[Expectation.Record: Int]] {
        var records: [String: [Expectation.Record: Int]] = [:]
        for series in await node.dataPlane.report().metrics.series {
            let record = Expectation.Record(status: Int(series.key.status), reason: series.key.reason)
            records[node.dataPlane.labels.name(of: series.key.service), default: [:]][record, default: 0] += Int(
                series.count)
        }
        return sites.map { records["shop/\($0.service)"] ?? [:] }
    }

    // MARK: Manifests

    private static func manifests(
        _ way: Way, _ sites: [Site], _ callerPort: UInt16, _ inbound: [UInt16], timeouts: String, isDenied: Bool
    ) -> String {
        let node = way.place == .here ? "a" : "b"
        let tcp = sites.map { "{service: \($0.service), listen: \"127.0.0.1:\($0.port)\"}" }.joined(separator: ", ")
        let outbound = way.caller == .tcp ? "tcp: [\(tcp)]" : "listen: \"127.0.0.1:\(callerPort)\""
        var parts = [
            """
            apiVersion: heddle/v1
            kind: Mesh
            metadata: {name: mesh}
            spec:
              proxy: {accessLog: None, timeouts: {\(timeouts)}}
              identity: {authority: {type: Files, certificateFile: c, keyFile: k}}
            """,
            manifest("Workload", "web-1", "{serviceAccount: web, node: a, outbound: {\(outbound)}}"),
            Shop.allowAll,
        ]
        if isDenied { parts.append(ReloadTests.denyAll) }
        for (name, port) in zip(["a", "b"], inbound) {
            parts.append(
                """
                apiVersion: heddle/v1
                kind: Node
                metadata: {name: \(name)}
                spec: {address: "127.0.0.1:\(port)"}
                """)
        }
        for site in sites {
            parts.append(
                manifest("Service", "\(site.service)", "{protocol: \(way.serviceProtocol)}"))
            parts += site.live.map { workload(of: site, $0, on: node) }
            parts += site.dead.enumerated().map { workload(of: site, $1, on: $0 % 2 == 0 ? "a" : "b") }
        }
        return parts.joined(separator: "\n---\n")
    }

    private static func workload(of site: Site, _ ear: Ear, on node: String) -> String {
        """
        apiVersion: heddle/v1
        kind: Workload
        metadata: {name: \(site.service)-\(ear.port), namespace: shop}
        spec: {service: \(site.service), serviceAccount: orders, address: "127.0.0.1:\(ear.port)", node: \(node)}
        """
    }
}

/// Where cells wait until other rules are served.
final class Reload: Sendable {
    private let arrived = Mutex(0)
    private let gate = Gate()
    private let hasOpened = Mutex(false)

    var arrivedCount: Int { arrived.withLock { $0 } }
    /// Somebody waits.
    var isAwaited: Bool { arrivedCount > 0 && !hasOpened.withLock { $0 } }

    func open() {
        hasOpened.withLock { $0 = true }
        gate.open()
    }

    func pass() {
        arrived.withLock { $0 += 1 }
        gate.pass()
    }
}
