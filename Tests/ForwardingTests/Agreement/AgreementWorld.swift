import CommonValues
import EventLoops
import Manifests
import MeshFixtures
import MeshSnapshot
import SPIFFE
import Telemetry
import TestSupport

@testable import Forwarding

/// Two nodes that serve a mesh by chance, and all that they tell of the calls they get.
final class AgreementWorld {
    let snapshot: MeshSnapshot
    let manifests: String
    private let nodes: (a: TestMesh, b: TestMesh)
    private let logs: (a: TestLog, b: TestLog)
    private let places: RandomMesh.Places
    private let identities: TestIdentities
    /// Kept for as long as they answer.
    private let workloads: [TestBackend]
    private var connections: [AgreementCall.Entrance: RawConnection] = [:]
    private var peers: [AgreementCall.Entrance: HTTP2Peer] = [:]
    /// Lines that have been read of node a's log.
    private var lineCount = 0
    private var marks = 0

    init(seed: UInt64) async throws {
        var backends: [String: TestBackend] = [:]
        for service in RandomMesh.services {
            backends[service.name] =
                switch service.protocolName {
                case "HTTP": .echo()
                case "GRPC": .http2Echo()
                default: .greeting(service.name)
                }
        }
        workloads = Array(backends.values)
        places = RandomMesh.Places(
            inbound: (TestPort.free(), TestPort.free()), outbound: (TestPort.free(), TestPort.free()),
            connections: ["ledger": TestPort.free(), "vault": TestPort.free()], plain: TestPort.free(),
            calls: TestPort.free(),
            secure: TestPort.free(), bytes: TestPort.free(), names: TestPort.free(),
            nobody: ["orders": TestPort.free(), "calc": TestPort.free(), "ledger": TestPort.free()],
            workloads: backends.mapValues(\.port))
        var mesh = RandomMesh(seed: seed, places)
        manifests = mesh.manifests()
        snapshot = try MeshSnapshot(manifests, node: "a")
        identities = try TestIdentities.shared.get()
        var tls = try identities.material(
            serving: RandomMesh.services.map(\.name),
            callers: [TestIdentities.id("edge"), SPIFFEID("spiffe://mesh.local/ns/pay/sa/pay")!])
        logs = (TestLog(), TestLog())
        let b = try await TestMesh(manifests, node: "b", tls: tls, accessLog: logs.b.sink)
        tls.gateways = [.ip(IPAddress("127.0.0.1")!, port: places.secure): identities.gateway]
        nodes = (try await TestMesh(manifests, node: "a", tls: tls, accessLog: logs.a.sink), b)
    }

    func stop() async {
        await nodes.a.stop()
        await nodes.b.stop()
    }

    // MARK: Calling

    /// What a caller sees of a call, and what the node it came to writes down.
    struct Sighting: CustomStringConvertible {
        /// 0: none, as of a connection.
        var status = 0
        var grpcStatus: Int?
        var location: String?
        /// What the workload received, as it says.
        var received: String?
        /// The stream was reset, as a malformed message of HTTP/2 is.
        var isReset = false
        /// Its line of the log.
        var line: TestLog.Line?

        var description: String {
            "\(status) grpc \(grpcStatus.map(String.init) ?? "-") \(isReset ? "reset " : "")\(line?.description ?? "no line")"
        }
    }

    func call(_ call: AgreementCall) async throws -> Sighting {
        var sighting = Sighting()
        if call.isConnection {
            sighting.received = try connect(call)
        } else if call.isHTTP2 {
            try ask(call, http2: &sighting)
        } else {
            try ask(call, http1: &sighting)
        }
        // Of what was no call there may be no line.
        guard !sighting.isReset else {
            try await catchUp()
            return sighting
        }
        let lines = await logs.a.lines(lineCount + 1)
        sighting.line = lines.count > lineCount ? lines[lineCount] : nil
        lineCount = lines.count
        return sighting
    }

    /// Passes by whatever lines there are.
    private func catchUp() async throws {
        marks += 1
        let connection = try RawConnection(port: places.outbound.web)
        connection.send("GET /mark-\(marks) HTTP/1.1\r\nHost: nobody.shop\r\n\r\n")
        _ = connection.response()
        await Poll.until {
            let lines = await logs.a.lines(lineCount + 1)
            lineCount = lines.count
            return lines.last?.field("path") == "/mark-\(marks)"
        }
    }

    private func ask(_ call: AgreementCall, http1 sighting: inout Sighting) throws {
        let connection = try connections[call.entrance].flatMap { $0.isEnded ? nil : $0 } ?? open(call)
        connection.send(call.head)
        let answer = connection.response()
        // Of a body in chunks the end is not read.
        let isKept = answer.field("connection") != "close" && answer.field("transfer-encoding") == nil
        connections[call.entrance] = isKept && call.entrance != .secure ? connection : nil
        sighting.status = answer.status
        sighting.location = answer.field("location")
        sighting.received = answer.field("x-backend") == nil ? nil : answer.body
    }

    private func ask(_ call: AgreementCall, http2 sighting: inout Sighting) throws {
        let peer = try peers[call.entrance] ?? HTTP2Peer(calling: open(call))
        let stream = peer.begin(call.http2Fields, ends: true)
        let answer = peer.answer(on: stream)
        peers[call.entrance] = answer.isClosed || answer.goAway != nil || call.entrance == .secureHTTP2 ? nil : peer
        func field(_ name: String) -> String? { (answer.fields + answer.trailers).first { $0.0 == name }?.1 }
        sighting.status = answer.status
        sighting.isReset = answer.reset != nil
        sighting.grpcStatus = field("grpc-status").flatMap { Int($0) }
        sighting.location = field("location")
        sighting.received = field("x-backend") == nil ? nil : answer.body
    }

    /// - Returns: What the workload greets with; `nil`: the connection was closed.
    private func connect(_ call: AgreementCall) throws -> String? {
        let connection = try open(call)
        connection.send(call.entrance == .names ? ClientHello.asking(call.serverName) : Array("hello".utf8))
        let greeting = connection.receive(through: "\n")
        return greeting.isEmpty ? nil : String(greeting.dropLast())
    }

    func port(of call: AgreementCall) -> UInt16 {
        switch call.entrance {
        case .web, .webHTTP2, .webGRPC: places.outbound.web
        case .pay: places.outbound.pay
        case .plain, .plainHTTP2: places.plain
        case .plainGRPC: places.calls
        case .secure, .secureHTTP2: places.secure
        case .ledger, .vault: places.connections["\(call.entrance)"]!
        case .bytes: places.bytes
        case .names: places.names
        case .nobody, .nobodyHTTP2, .nobodyGRPC, .nobodyBytes: places.nobody[call.plainService!]!
        }
    }

    private func open(_ call: AgreementCall) throws -> RawConnection {
        guard call.entrance == .secure || call.entrance == .secureHTTP2 else {
            return try RawConnection(port: port(of: call))
        }
        return try SecureRelay.connect(
            port: places.secure, serverName: call.serverName, offering: call.isHTTP2 ? "h2" : "http/1.1", identities)
    }

    // MARK: Verdicts

    /// The refusal that a node remembers under this ID: the latest, for callers choose IDs. Copies have their call's.
    func decision(_ id: String, on service: ResourceName) async -> DecisionRecord? {
        for node in [nodes.a, nodes.b] {
            let records = await node.dataPlane.decisionRecords()
            if let record = records.last(where: { $0.id == id && $0.service == service }) { return record }
        }
        return nil
    }

    /// How often policies that decide nothing have matched, by `policy verdict`, on both nodes.
    func observationCounts() async -> [String: Int] {
        await nodes.a.observationCounts().merging(await nodes.b.observationCounts(), uniquingKeysWith: +)
    }

    /// How often policies have decided, by `policy action`, on both nodes.
    func decisionCounts() async -> [String: Int] {
        var counts: [String: Int] = [:]
        for node in [nodes.a, nodes.b] {
            let decisions = await node.dataPlane.report().decisions
            for index in decisions.indices where decisions[index] > 0 {
                let policy = node.dataPlane.labels.name(of: Label(id: UInt32(index / 2)))
                counts["\(policy) \(index % 2 == 0 ? "allow" : "deny")", default: 0] += Int(decisions[index])
            }
        }
        return counts
    }
}

extension TestBackend {
    /// Says who it is to every connection that says something.
    fileprivate static func greeting(_ name: String) -> TestBackend {
        TestBackend { connection, _ in
            guard !connection.receive(count: 1).isEmpty else { return }
            connection.send("\(name)\n")
            _ = connection.receive(through: "\u{4}")
        }
    }
}
