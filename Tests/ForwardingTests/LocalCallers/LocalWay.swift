import Glibc
import TestSupport
import Testing

@testable import Forwarding

/// How a process of this host calls: at which kind of listener, in which protocol.
struct LocalWay: Sendable, Hashable, CustomTestStringConvertible {
    enum Speech: String, CaseIterable, Sendable {
        case http1 = "HTTP/1.1"
        case http2 = "HTTP/2"
        case grpc = "gRPC"
        /// Bytes, which a listener of their own leads to one service.
        case tcp = "TCP"
    }

    enum Listener: String, CaseIterable, Sendable {
        case workload = "a workload's port"
        case workloadSocket = "a workload's Unix socket"
        case host = "the host's port"
        case hostSocket = "the host's Unix socket"
    }

    let speech: Speech
    let listener: Listener

    var isUnixSocket: Bool { [.workloadSocket, .hostSocket].contains(listener) }
    /// One listener for all workloads of the host.
    var isHost: Bool { [.host, .hostSocket].contains(listener) }

    var testDescription: String { "\(speech.rawValue) at \(listener.rawValue)" }

    /// TCP services have listeners of workloads alone.
    static let all = Speech.allCases.flatMap { speech in
        Listener.allCases.map { LocalWay(speech: speech, listener: $0) }.filter { speech != .tcp || !$0.isHost }
    }
}

/// A mesh that is called one way, by a workload with selectors: `web`, which alone may call. What answers notes what it gets.
final class LocalWorld: Sendable {
    let way: LocalWay
    let backend: TestBackend
    let mesh: TestMesh
    /// Where it is called: a port, or the path of a Unix socket.
    let place: String
    private let other: String?
    /// Of the nodes.
    private let ports = (here: TestPort.free(), there: TestPort.free())

    /// - Parameters:
    ///   - other: The selectors of another workload, which calls at the host's listener, too, and may not.
    ///   - backend: What answers, if it is to answer in a way of its own.
    init(_ way: LocalWay, _ selectors: String, other: String? = nil, backend: TestBackend? = nil) async throws {
        self.way = way
        self.other = other
        self.backend = backend ?? Self.answering(way.speech)
        place = Self.place(way)
        mesh = try await TestMesh(
            Self.manifests(
                way, selectors, other: other, at: place, orders: self.backend.port, ports: ports), node: "here")
    }

    deinit { if way.isUnixSocket { unsafe unlink(place) } }

    /// From the next generation on.
    func serve(_ selectors: String) async throws {
        try await mesh.serve(
            Self.manifests(way, selectors, other: other, at: place, orders: backend.port, ports: ports))
    }

    func stop() async { await mesh.stop() }

    /// How many connections were refused for their processes.
    var refusals: Int { get async { Int(await mesh.dataPlane.report().counters.notAttested) } }

    /// No connection is taken before `body` is over.
    func whileNobodyLooks(_ body: () throws -> Void) async throws {
        let (busy, go) = (Gate(), Gate())
        defer { go.open() }
        async let held: Void = mesh.dataPlane.onEveryWorker { _ in
            busy.open()
            go.pass()
        }
        await busy.passed()
        let result = Result { try body() }
        go.open()
        await held
        try result.get()
    }

    static func place(_ way: LocalWay) -> String {
        way.isUnixSocket ? "/tmp/heddle-caller-\(UInt32.random(in: .min ... .max)).sock" : "\(TestPort.free())"
    }

    static func answering(_ speech: LocalWay.Speech) -> TestBackend {
        switch speech {
        case .http1, .http2: .echo()
        case .grpc: .http2Echo()
        case .tcp: PlainCallerTests.bytes()
        }
    }

    /// - Parameters:
    ///   - other: The selectors of another workload of the host.
    ///   - ordersNode: Where the service is; callers are `here`.
    static func manifests(
        _ way: LocalWay, _ selectors: String, other: String? = nil, at place: String, orders: UInt16,
        ordersNode: String = "here", ports: (here: UInt16, there: UInt16)
    ) -> String {
        let listen = way.isUnixSocket ? "\"unix:\(place)\"" : "\"127.0.0.1:\(place)\""
        let kind = [.http1: "HTTP", .http2: "HTTP", .grpc: "GRPC", .tcp: "TCP"][way.speech]!
        let out = way.speech == .tcp ? "{tcp: [{service: orders, listen: \(listen)}]}" : "{listen: \(listen)}"
        let authority = "{authority: {type: Files, certificateFile: c, keyFile: k}}"
        func node(_ name: String, _ port: UInt16, _ more: String = "") -> String {
            manifest("Node", name, "{address: \"127.0.0.1:\(port)\"\(more)}")
        }
        func workload(_ account: String, _ selectors: String, _ more: String = "") -> String {
            manifest(
                "Workload", "\(account)-1", "{serviceAccount: \(account), node: here, selectors: \(selectors)\(more)}")
        }
        return [
            manifest("Mesh", "mesh", "{proxy: {accessLog: None}, identity: \(authority)}"),
            node("here", ports.here, way.isHost ? ", outbound: \(out)" : ""), node("there", ports.there),
            manifest("Service", "orders", "{protocol: \(kind)}"),
            manifest(
                "Workload", "orders-1",
                "{service: orders, node: \(ordersNode), address: \"127.0.0.1:\(orders)\"}"),
            workload("web", selectors, way.isHost ? "" : ", outbound: \(out)"),
            other.map { workload("other", $0) } ?? "# no other", PolicyTable.allowWeb,
        ].joined(separator: "\n---\n")
    }
}
