import Telemetry
import TestSupport
import Testing

@testable import Forwarding

/// What the access log says of a call, whatever it came in on.
struct AccessLogTests {
    private typealias Speech = RefusalElsewhereTests.Speech

    /// Speaks HTTP/1.1, HTTP/2 or what comes, and answers.
    private static func workload(_ speech: Speech) -> TestBackend {
        switch speech {
        case .http1, .http2: .echo()
        case .grpc:
            TestBackend { connection, _ in
                guard let peer = HTTP2Peer(serving: connection) else { return }
                while let frame = peer.receive() {
                    guard frame.type == HTTP2Peer.FrameType.headers else { continue }
                    let fields = [(":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "0")]
                    peer.sendHead(fields, stream: frame.stream, ends: true)
                }
            }
        case .tcp: TestBackend { connection, _ in connection.send(connection.receive()) }
        }
    }

    @Test(arguments: RefusalElsewhereTests.Speech.allCases, [false, true])
    func `a call that succeeds stands in the logs of both nodes under one request_id`(
        speech: RefusalElsewhereTests.Speech, isGateway: Bool
    ) async throws {
        let backend = Self.workload(speech)
        let logs = NodePair.Logs()
        let pair = try await NodePair(
            orders: backend.port, protocolName: speech.serviceProtocol, isGateway: isGateway, logs: logs)
        try speech.call(port: pair.port)
        let (a, b) = (await logs.a.lines(), await logs.b.lines())
        for line in a + b {
            #expect((line.field("status"), line.field("reason")) == ("200", nil), "\(line)")
        }
        let ids = (a + b).map { $0.field("request_id") }
        #expect(ids.count == 2 && ids[0]?.count == 36 && ids[0] == ids[1], "\(ids)")
        let kind = ["GRPC": "GRPCRoute", "TCP": "TCPRoute"][speech.serviceProtocol] ?? "HTTPRoute"
        // None has a route that its manifests do not name.
        #expect(a.map { $0.field("route") } == [isGateway ? "\(kind)/shop/orders/0" : nil], "\(a)")
        #expect(b.map { $0.field("route") } == [nil], "\(b)")
        if isGateway { #expect(a.map { $0.field("listener") } == ["Gateway shop/edge/http"], "\(a)") }
        await pair.stop()
    }

    /// What a caller says that is answered at once, or refused before it is a request.
    @Test(arguments: ["GET / HTTP/1.1\r\nHost: nobody\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"])
    func `what is answered in the turn that it came in has taken the time that it took`(request: String) async throws {
        let log = TestLog()
        let port = TestPort.free()
        let mesh = try await TestMesh(Shop.manifests(outbound: port, orders: 1, more: Self.all), accessLog: log.sink)
        let count = 50
        // One alone may be quicker than the clock counts.
        for _ in 0..<count { _ = try RawConnection.call(port: port, request) }
        let durations = await log.lines(count).map { $0.field("duration_us").flatMap(Int.init) ?? 0 }
        #expect(durations.count == count && durations.contains { $0 > 0 }, "\(durations)")
        let measured = await mesh.dataPlane.report().metrics.series.reduce(0) { $0 + $1.microseconds }
        #expect(measured == UInt64(durations.reduce(0, +)))
        await mesh.stop()
    }

    private static let all = """
        apiVersion: heddle/v1
        kind: Mesh
        metadata: {name: mesh}
        spec: {proxy: {accessLog: All}}
        """

    @Test func `a connection that no TLSRoute takes is logged with the name that it asked for`() async throws {
        let log = TestLog()
        let port = TestPort.free()
        let mesh = try await TestMesh(
            Shop.manifests(outbound: TestPort.free(), orders: 1, more: Self.all + "\n---\n" + Self.tlsGateway(port)),
            accessLog: log.sink)
        let names = ["other.example", String(repeating: "n", count: 255)]
        for name in names {
            let connection = try RawConnection(port: port)
            connection.send(ClientHello.asking(name))
            _ = connection.receiveAll()
        }
        let lines = await log.lines(2)
        #expect(lines.map { $0.field("reason") } == ["no-route", "no-route"], "\(lines)")
        #expect(lines.map { $0.field("server_name") } == names, "\(lines)")
        await mesh.stop()
    }

    @Test(arguments: [("no TLS at all", "malformed"), ("\u{16}\u{3}", "timeout")])
    func `what a TLS listener finds no name in is logged and counted`(bytes: String, reason: String) async throws {
        let log = TestLog()
        let port = TestPort.free()
        let timeouts = """
            apiVersion: heddle/v1
            kind: Mesh
            metadata: {name: mesh}
            spec: {proxy: {timeouts: {handshake: 200ms}}}
            """
        let mesh = try await TestMesh(
            Shop.manifests(
                outbound: TestPort.free(), orders: 1, more: timeouts + "\n---\n" + Self.tlsGateway(port)),
            accessLog: log.sink)
        let connection = try RawConnection(port: port)
        connection.send(bytes)
        _ = connection.receiveAll()
        let lines = await log.lines()
        #expect(lines.map { $0.field("reason") } == [reason], "\(lines)")
        #expect(lines.map { $0.field("detail") } == ["client-hello"], "\(lines)")
        #expect(await mesh.dataPlane.report().counters.refused == [0: 1])
        await mesh.stop()
    }

    private static func tlsGateway(_ port: UInt16) -> String {
        """
        apiVersion: heddle/v1
        kind: Gateway
        metadata: {name: edge, namespace: shop}
        spec:
          serviceAccount: web
          listeners: [{name: tls, address: 127.0.0.1, port: \(port), protocol: TLS, tls: {mode: Passthrough}}]
        """
    }
}
