import Glibc
import TestSupport
import Testing

@testable import Forwarding

/// What is under way when another generation's selectors serve, and where a workload's calls go: in each protocol, at each kind of
/// listener.
@Suite(.enabled(if: LocalCaller.canBeStarted, "only root can be several users, with python3, setpriv and unshare"))
struct LocalStreamTests {
    private static let strangers = "[{unix: {uid: \(LocalCaller.stranger)}}]"

    /// Begins its answers, and does not end them.
    private static func beginning(_ speech: LocalWay.Speech) -> TestBackend {
        switch speech {
        case .http1, .http2: .beginning()
        case .tcp: PlainCallerTests.bytes()
        case .grpc:
            TestBackend { connection, _ in
                guard let peer = HTTP2Peer(serving: connection) else { return }
                while let frame = peer.receive() {
                    guard frame.type == HTTP2Peer.FrameType.headers else { continue }
                    peer.sendHead(
                        [(":status", "200"), ("content-type", "application/grpc")], stream: frame.stream, ends: false)
                    peer.send(HTTP2Peer.FrameType.data, stream: frame.stream, Array("begin".utf8))
                }
            }
        }
    }

    @Test(arguments: LocalWay.all)
    func `what is under way ends when its process is the workload no more, and not before`(way: LocalWay) async throws {
        let world = try await LocalWorld(way, Ruse.program, backend: Self.beginning(way.speech))
        let caller = try LocalCaller(at: world.place)
        let conversation = LocalConversation(way.speech, over: caller.connection)
        conversation.ask()
        #expect(conversation.hasBegun())
        try await world.serve(Ruse.account)
        #expect(await world.mesh.comesToRest())
        #expect(await world.refusals == 0)
        try await world.serve(Self.strangers)
        #expect(conversation.isCut())
        #expect(await world.refusals == 1)
        await world.stop()
    }

    @Test(arguments: LocalWay.all.filter { $0.speech == .http1 })
    func `so does a WebSocket`(way: LocalWay) async throws {
        let world = try await LocalWorld(way, Ruse.program, backend: PolicySwapTests.webSocket())
        let caller = try LocalCaller(at: world.place)
        caller.connection.send(
            PolicyCase.Call.webSocket(path: "/a").http1!.replacing("Host: orders", with: "Host: orders.shop"))
        #expect(caller.connection.receive(through: "\r\n\r\n").hasPrefix("HTTP/1.1 101 "))
        try await world.serve(Ruse.account)
        caller.connection.send("ping")
        #expect(caller.connection.receive(count: 4) == Array("ping".utf8))
        try await world.serve(Self.strangers)
        #expect(caller.connection.receive(count: 1).isEmpty)
        #expect(caller.connection.isEnded)
        await world.stop()
    }

    /// Each with the listener that the caller's node has.
    @Test(arguments: LocalWay.all)
    func `another node hears of the workload that a process is, and nothing of one that is none`(way: LocalWay)
        async throws
    {
        let identities = try TestIdentities.shared.get()
        let world = try await LocalHop(way, Ruse.account, identities)
        let caller = try LocalCaller(at: world.place)
        #expect(LocalConversation(way.speech, over: caller.connection).call() == .workload)
        let count = world.backend.connectionCount
        #expect(count == 1)
        let other = try LocalCaller(at: world.place, as: LocalCaller.stranger)
        #expect(LocalConversation(way.speech, over: other.connection).call() == .nobody)
        #expect(world.backend.connectionCount == count && world.backend.requests.count == 1)
        await world.stop()
    }
}

/// The same mesh, whose service is on another node.
private final class LocalHop: Sendable {
    let place: String
    let backend: TestBackend
    private let nodes: [TestMesh]

    init(_ way: LocalWay, _ selectors: String, _ identities: TestIdentities) async throws {
        place = LocalWorld.place(way)
        backend = LocalWorld.answering(way.speech)
        let ports = (here: TestPort.free(), there: TestPort.free())
        let manifests = LocalWorld.manifests(
            way, selectors, at: place, orders: backend.port, ordersNode: "there", ports: ports)
        var nodes: [TestMesh] = []
        for node in ["there", "here"] {
            nodes.append(try await TestMesh(manifests, node: node, tls: identities.material()))
        }
        self.nodes = nodes
    }

    deinit { if place.hasPrefix("/") { unsafe unlink(place) } }

    func stop() async { for node in nodes.reversed() { await node.stop() } }
}
