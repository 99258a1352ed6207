import CommonValues
import EventLoops
import Glibc
import TestSupport
import Testing

@testable import Forwarding

/// A way in: the protocol a call is written in, and the listeners it passes.
enum Door: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case http1 = "HTTP/1.1"
    case http2 = "HTTP/2"
    case grpc = "gRPC"
    case gatewayHTTP1 = "HTTP/1.1 over TLS at a Gateway"
    case gatewayHTTP2 = "HTTP/2 over TLS at a Gateway"
    case hopHTTP1 = "HTTP/1.1 through two nodes"
    case hopHTTP2 = "HTTP/2 through two nodes"
    case hopGRPC = "gRPC through two nodes"
    /// What another node sends, were it not Heddle's.
    case inbound = "HTTP/2 at a node's inbound port"
    case plainHTTP1 = "HTTP/1.1 at a port for plain calls"
    case plainHTTP2 = "HTTP/2 at a port for plain calls"
    case plainGRPC = "gRPC at a port for plain calls"
    case hostHTTP1 = "HTTP/1.1 at the listener of a host"
    case hostHTTP2 = "HTTP/2 at the listener of a host"
    case hostGRPC = "gRPC at the listener of a host"

    var testDescription: String { rawValue }

    /// What callers and workloads speak.
    enum Dialect: String, CaseIterable, Sendable {
        case http1 = "HTTP/1.1"
        case http2 = "HTTP/2"
        case grpc = "gRPC"
    }

    var dialect: Dialect {
        switch self {
        case .http1, .gatewayHTTP1, .hopHTTP1, .plainHTTP1, .hostHTTP1: .http1
        case .http2, .gatewayHTTP2, .hopHTTP2, .inbound, .plainHTTP2, .hostHTTP2: .http2
        case .grpc, .hopGRPC, .plainGRPC, .hostGRPC: .grpc
        }
    }

    var hasTwoNodes: Bool { [.hopHTTP1, .hopHTTP2, .hopGRPC].contains(self) }
    var isGateway: Bool { [.gatewayHTTP1, .gatewayHTTP2].contains(self) }
    /// Whoever calls there is nobody.
    var isPlain: Bool { Self.plain.contains(self) }
    static let plain: [Door] = [.plainHTTP1, .plainHTTP2, .plainGRPC]
    /// The kernel says who calls there.
    var isHost: Bool { Self.host.contains(self) }
    static let host: [Door] = [.hostHTTP1, .hostHTTP2, .hostGRPC]
}

/// A workload behind a door: data planes, and what the workload saw.
final class PolicyWorld: Sendable {
    let backend: TestBackend
    let door: Door
    private let port: UInt16
    /// Of the caller's node, and of the callee's.
    private let inboundPorts: [UInt16]
    private let identities: TestIdentities
    private let nodes: [(mesh: TestMesh, name: String?)]

    /// - Parameters:
    ///   - rule: Policies and routes, as text.
    ///   - account: As whom the node of `orders` answers other nodes.
    init(_ door: Door, rule: String, backend: TestBackend? = nil, account: String = "orders") async throws {
        self.door = door
        self.backend = backend ?? (door.dialect == .grpc ? .http2Echo() : .echo())
        identities = try TestIdentities.shared.get()
        port = TestPort.free()
        inboundPorts = [TestPort.free(), TestPort.free()]
        let manifests = Self.manifests(door, rule, port: port, inbound: inboundPorts, orders: self.backend.port)
        var names: [String?] = [nil]
        if door.hasTwoNodes { names = ["b", "a"] } else if door == .inbound { names = ["b"] }
        if door.isHost { names = ["here"] }
        var nodes: [(TestMesh, String?)] = []
        for name in names {
            let tls = Self.material(door, name, port, identities, account)
            nodes.append((try await TestMesh(manifests, node: name, tls: tls), name))
        }
        self.nodes = nodes.map { (mesh: $0.0, name: $0.1) }
    }

    /// Takes up other rules, on every node.
    func swap(rule: String) async throws {
        let manifests = Self.manifests(door, rule, port: port, inbound: inboundPorts, orders: backend.port)
        for node in nodes {
            try await node.mesh.serve(manifests, tls: Self.material(door, node.name, port, identities, "orders"))
        }
    }

    func connect() throws -> RawConnection {
        switch door {
        case .http1, .http2, .grpc, .hopHTTP1, .hopHTTP2, .hopGRPC, .plainHTTP1, .plainHTTP2, .plainGRPC, .hostHTTP1,
            .hostHTTP2, .hostGRPC:
            try RawConnection(port: port)
        case .gatewayHTTP1:
            try SecureRelay.connect(port: port, serverName: "orders", offering: "http/1.1", identities)
        case .gatewayHTTP2: try SecureRelay.connect(port: port, serverName: "orders", offering: "h2", identities)
        case .inbound:
            try SecureRelay.connect(
                port: inboundPorts[1], serverName: TestIdentities.orders, offering: "h2", identities)
        }
    }

    /// How often policies that decide nothing have matched, the callee's node first.
    func observationCounts() async -> [[String: Int]] {
        var counts: [[String: Int]] = []
        for node in nodes { counts.append(await node.mesh.observationCounts()) }
        return counts
    }

    func stop() async { for node in nodes.reversed() { await node.mesh.stop() } }

    private static func material(
        _ door: Door, _ node: String?, _ port: UInt16, _ identities: TestIdentities, _ account: String
    ) -> TLSMaterial {
        if door.isGateway {
            return TLSMaterial(gateways: [.ip(IPAddress("127.0.0.1")!, port: port): identities.gateway])
        }
        return node == nil ? TLSMaterial() : identities.material(account: account)
    }

    private static func plainPort(_ port: UInt16) -> String { ", inbound: {plain: \"127.0.0.1:\(port)\"}" }

    private static func manifests(_ door: Door, _ rule: String, port: UInt16, inbound: [UInt16], orders: UInt16)
        -> String
    {
        let isMesh = door.hasTwoNodes || door == .inbound
        var (a, b) = isMesh ? (", node: a", ", node: b") : ("", "")
        if door.isHost { (a, b) = (", node: here", ", node: here") }
        var parts = [
            """
            apiVersion: heddle/v1
            kind: Service
            metadata: {name: orders, namespace: shop}
            spec: {protocol: \(door.dialect == .grpc ? "GRPC" : "HTTP"), hostnames: [shop.example]}
            """,
            manifest(
                "Workload", "orders-1",
                "{service: orders, address: \"127.0.0.1:\(orders)\"\(b)\(door.isPlain ? plainPort(port) : "")}"),
            """
            apiVersion: heddle/v1
            kind: Mesh
            metadata: {name: mesh}
            spec: {proxy: {accessLog: None}, identity: {authority: {type: Files, certificateFile: c, keyFile: k}}}
            """,
            rule,
        ]
        if isMesh {
            for (name, port) in zip(["a", "b"], inbound) {
                parts.append(
                    """
                    apiVersion: heddle/v1
                    kind: Node
                    metadata: {name: \(name)}
                    spec: {address: "127.0.0.1:\(port)"}
                    """)
            }
        }
        if door.isHost {
            let listen = "outbound: {listen: \"127.0.0.1:\(port)\"}"
            parts.append(manifest("Node", "here", "{address: \"127.0.0.1:\(inbound[0])\", \(listen)}"))
            parts.append(
                manifest("Workload", "web-1", "{serviceAccount: web, selectors: [{unix: {uid: \(getuid())}}]\(a)}"))
        } else if door.isGateway {
            parts.append(
                """
                apiVersion: heddle/v1
                kind: Gateway
                metadata: {name: edge, namespace: shop}
                spec:
                  serviceAccount: web
                  listeners:
                  - {name: tls, address: 127.0.0.1, port: \(port), protocol: HTTPS, tls: {certificateFile: c, keyFile: k}}
                """)
        } else if door.isPlain {
            parts.append(manifest("PeerAuthentication", "moving", "{mtls: {mode: PERMISSIVE}}"))
        } else {
            parts.append(
                manifest("Workload", "web-1", "{serviceAccount: web, outbound: {listen: \"127.0.0.1:\(port)\"}\(a)}"))
        }
        return parts.joined(separator: "\n---\n")
    }
}

extension TestBackend {
    /// An HTTP/2 workload that notes heads as HTTP/1.1 would have them, and answers each call with 200 as gRPC does.
    static func http2Echo() -> TestBackend {
        TestBackend { connection, backend in
            guard let peer = HTTP2Peer(serving: connection) else { return }
            while let frame = peer.receive() {
                if frame.type == HTTP2Peer.FrameType.headers {
                    let fields = peer.fields(frame)
                    func value(_ name: String) -> String { fields.first { $0.0 == name }?.1 ?? "" }
                    let lines = fields.filter { !$0.0.hasPrefix(":") }.map { "\($0.0): \($0.1)\r\n" }
                    backend.note(
                        "\(value(":method")) \(value(":path")) HTTP/1.1\r\nhost: \(value(":authority"))\r\n"
                            + lines.joined() + "\r\n")
                }
                if frame.endsStream {
                    peer.sendHead(
                        [(":status", "200"), ("content-type", "application/grpc")], stream: frame.stream, ends: false)
                    peer.sendHead([("grpc-status", "0")], stream: frame.stream, ends: true)
                }
            }
        }
    }
}
