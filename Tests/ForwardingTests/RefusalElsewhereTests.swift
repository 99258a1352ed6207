import CallOutcomes
import EventLoops
import HTTPSemantics
import Telemetry
import TestSupport
import Testing
import WireProtocols

@testable import Forwarding

/// What the caller's node makes of an answer that another node gave by itself.
struct RefusalElsewhereTests {
    /// How a call reaches its caller's node.
    enum Speech: String, CaseIterable, Sendable {
        case http1, http2, grpc, tcp

        var serviceProtocol: String {
            switch self {
            case .http1, .http2: "HTTP"
            case .grpc: "GRPC"
            case .tcp: "TCP"
            }
        }

        /// Makes a call and waits for what comes of it.
        func call(port: UInt16) throws {
            switch self {
            case .http1: _ = try RawConnection.call(port: port, "GET /a HTTP/1.1\r\nHost: orders\r\n\r\n")
            case .http2: _ = HTTP2Peer(calling: try RawConnection(port: port)).call(PolicyCase.good)
            case .grpc:
                let fields = PolicyCase.Call.request(method: "POST", path: "/a/b").http2(.grpc)!.fields
                _ = HTTP2Peer(calling: try RawConnection(port: port)).call(fields)
            case .tcp:
                let connection = try RawConnection(port: port)
                connection.send("hello")
                _ = connection.receiveAll()
            }
        }
    }

    @Test(arguments: Speech.allCases, [false, true])
    func `both nodes of a call that one of them refuses log and count the same reason and status`(
        speech: Speech, isGateway: Bool
    ) async throws {
        let backend = TestBackend.echo()
        let logs = NodePair.Logs()
        let pair = try await NodePair(
            orders: backend.port, protocolName: speech.serviceProtocol, isGateway: isGateway,
            rule: NodePair.nobody, logs: logs)
        try speech.call(port: pair.port)
        for (mesh, log) in [(pair.a, logs.a), (pair.b, logs.b)] {
            let lines = await log.lines()
            #expect(lines.map { $0.field("reason") } == ["denied"], "\(lines)")
            #expect(lines.map { $0.field("status") } == ["403"], "\(lines)")
            let series = await mesh.dataPlane.report().metrics.series
            #expect(series.map(\.key.reason) == [.denied])
            #expect(series.map(\.key.status) == [403])
        }
        #expect(backend.requests.isEmpty)
        await pair.stop()
    }

    @Test func `a gRPC call whose answer breaks off has no status, whatever its head says`() async throws {
        let backend = TestBackend { connection, _ in
            guard let peer = HTTP2Peer(serving: connection) else { return }
            while let frame = peer.receive() {
                guard frame.type == HTTP2Peer.FrameType.headers else { continue }
                let fields = [(":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "0")]
                peer.sendHead(fields, stream: frame.stream, ends: false)
                peer.send(HTTP2Peer.FrameType.data, stream: frame.stream, [0, 0, 0, 0, 1, 7])
                peer.send(HTTP2Peer.FrameType.reset, stream: frame.stream, HTTP2Peer.bytes(2))
            }
        }
        let logs = NodePair.Logs()
        let pair = try await NodePair(orders: backend.port, protocolName: "GRPC", logs: logs)
        _ = HTTP2Peer(calling: try RawConnection(port: pair.port)).call(
            PolicyCase.Call.request(method: "POST", path: "/a/b").http2(.grpc)!.fields)
        for (mesh, log) in [(pair.a, logs.a), (pair.b, logs.b)] {
            #expect(await log.lines().map { $0.field("reason") } == ["upstream-failed"])
            #expect(await mesh.dataPlane.report().grpc.flatMap(\.counts).map(\.key.status) == [GRPCMetrics.noStatus])
        }
        await pair.stop()
    }

    @Test(arguments: [false, true])
    func `a gRPC call that another node cuts is logged with the reason, which no gateway's caller is told`(
        isGateway: Bool
    ) async throws {
        // Never ends its answers.
        let backend = TestBackend { connection, _ in
            guard let peer = HTTP2Peer(serving: connection) else { return }
            while let frame = peer.receive() {
                guard frame.type == HTTP2Peer.FrameType.headers else { continue }
                let fields = [(":status", "200"), ("content-type", "application/grpc")]
                peer.sendHead(fields, stream: frame.stream, ends: false)
            }
        }
        let logs = NodePair.Logs()
        let pair = try await NodePair(orders: backend.port, protocolName: "GRPC", isGateway: isGateway, logs: logs)
        let caller = HTTP2Peer(calling: try RawConnection(port: pair.port))
        let stream = caller.begin(
            PolicyCase.Call.request(method: "POST", path: "/a/b").http2(.grpc)!.fields, ends: true)
        let head = try #require(caller.receive())
        #expect(caller.fields(head).contains { $0 == (":status", "200") })
        try await pair.deny()
        let trailers = caller.answer(on: stream).trailers
        func value(_ name: String) -> String? { trailers.first { $0.0 == name }?.1 }
        #expect(value("grpc-status") == "7")
        #expect(value("x-heddle-reason") == (isGateway ? nil : "denied"))
        let message = value("grpc-message")
        #expect(isGateway ? message == "PERMISSION_DENIED" : message?.hasPrefix("denied: ") ?? false, "\(trailers)")
        for lines in [await logs.a.lines(), await logs.b.lines()] {
            #expect(lines.map { $0.field("reason") } == ["denied"], "\(lines)")
            #expect(lines.map { $0.field("status") } == ["200"], "\(lines)")
        }
        await pair.stop()
    }

    @Test(arguments: [Speech.http1, .http2, .tcp])
    func `what a rule cuts on the callee's node was denied, as both nodes and the decision say`(
        speech: Speech
    ) async throws {
        // Never ends its answers.
        let backend = TestBackend { connection, _ in
            if speech == .tcp {
                _ = connection.receive()
            } else {
                _ = connection.receive(through: "\r\n\r\n")
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
            }
            connection.send("x")
            _ = connection.receiveAll()
        }
        let logs = NodePair.Logs()
        let pair = try await NodePair(orders: backend.port, protocolName: speech.serviceProtocol, logs: logs)
        let connection = try RawConnection(port: pair.port)
        switch speech {
        case .http1:
            connection.send("GET /a HTTP/1.1\r\nHost: orders\r\n\r\n")
            _ = connection.receive(through: "\r\n\r\nx")
        case .http2:
            let peer = HTTP2Peer(calling: connection)
            _ = peer.begin(PolicyCase.good, ends: true)
            while let frame = peer.receive(), frame.type != HTTP2Peer.FrameType.data {}
        case .tcp, .grpc:
            connection.send("hello")
            _ = connection.receive(count: 1)
        }
        try await pair.deny()
        for lines in [await logs.a.lines(), await logs.b.lines()] {
            #expect(lines.map { $0.field("reason") } == ["denied"], "\(lines)")
            #expect(lines.map { $0.field("status") } == ["200"], "\(lines)")
        }
        let id = await logs.b.lines().first?.field("request_id")
        let records = await pair.b.dataPlane.decisionRecords()
        #expect(records.map { Optional($0.id) } == [id])
        #expect(await pair.b.dataPlane.report().decisions.reduce(0, +) == 2)
        await pair.stop()
    }

    @Test func `a call that its caller's node gives up was late, as both nodes say`() async throws {
        let backend = TestBackend { connection, _ in _ = connection.receiveAll() }
        let logs = NodePair.Logs()
        let pair = try await NodePair(
            orders: backend.port,
            more: """
                ---
                apiVersion: heddle/v1
                kind: HTTPRoute
                metadata: {name: hurried, namespace: shop}
                spec:
                  parentRefs: [{kind: Service, name: orders}]
                  rules: [{timeouts: {request: 100ms}, backendRefs: [{name: orders}]}]
                """, logs: logs)
        let answer = try RawConnection.call(port: pair.port, "GET /a HTTP/1.1\r\nHost: orders\r\n\r\n")
        #expect(answer.status == 504)
        #expect(await logs.a.lines().map { $0.field("reason") } == ["timeout"])
        #expect(await logs.b.lines().map { $0.field("reason") } == ["timeout"])
        #expect(await logs.b.lines().map { $0.field("status") } == ["0"])
        await pair.stop()
    }

    @Test func `what a reset tells is told by the same number always, and read in no other`() {
        #expect(FailureReason.denied.resetCode(otherwise: .cancel).rawValue == 0x4845_4401)
        #expect(FailureReason.timeout.resetCode(otherwise: .cancel).rawValue == 0x4845_4406)
        #expect(FailureReason.callerGone.resetCode(otherwise: .cancel) == .cancel)
        for reason in FailureReason.allCases {
            let code = reason.resetCode(otherwise: .cancel)
            #expect(FailureReason(told: code) == (code == .cancel ? nil : reason))
        }
        for code: UInt32 in [0, 8, 0x4845_4400, 0x4845_44FF, 0x4845_4509, 0x4845_4304] {
            #expect(FailureReason(told: .init(rawValue: code)) == nil)
        }
    }

    @Test func `trailers of a workload that give a reason are neither believed nor passed on`() async throws {
        let backend = TestBackend { connection, _ in
            guard let peer = HTTP2Peer(serving: connection) else { return }
            while let frame = peer.receive() {
                guard frame.type == HTTP2Peer.FrameType.headers else { continue }
                let fields = [(":status", "200"), ("content-type", "application/grpc")]
                peer.sendHead(fields, stream: frame.stream, ends: false)
                peer.sendHead([("grpc-status", "0"), ("x-heddle-reason", "denied")], stream: frame.stream, ends: true)
            }
        }
        let logs = NodePair.Logs()
        let pair = try await NodePair(orders: backend.port, protocolName: "GRPC", logs: logs)
        let caller = HTTP2Peer(calling: try RawConnection(port: pair.port))
        let answer = caller.call(PolicyCase.Call.request(method: "POST", path: "/a/b").http2(.grpc)!.fields)
        #expect(answer.trailers.map(\.0) == ["grpc-status"])
        for lines in [await logs.a.lines(), await logs.b.lines()] {
            #expect(lines.map { $0.field("reason") } == [nil], "\(lines)")
        }
        await pair.stop()
    }

    @Test(arguments: [false, true])
    func `a reason that a workload gives is neither logged nor passed on`(isRemote: Bool) async throws {
        let backend = TestBackend.fixed(
            "HTTP/1.1 403 Forbidden\r\nX-Heddle-Reason: overloaded\r\nContent-Length: 0\r\n\r\n")
        let log: TestLog
        let answer: Response
        if isRemote {
            let logs = NodePair.Logs()
            let pair = try await NodePair(orders: backend.port, logs: logs)
            answer = try RawConnection.call(port: pair.port, "GET /a HTTP/1.1\r\nHost: orders\r\n\r\n")
            log = logs.a
            await pair.stop()
        } else {
            log = TestLog()
            let port = TestPort.free()
            let all = """
                apiVersion: heddle/v1
                kind: Mesh
                metadata: {name: mesh}
                spec: {proxy: {accessLog: All}}
                """
            let mesh = try await TestMesh(
                Shop.manifests(outbound: port, orders: backend.port, more: all), accessLog: log.sink)
            answer = try RawConnection.call(port: port, "GET /a HTTP/1.1\r\nHost: orders\r\n\r\n")
            await mesh.stop()
        }
        #expect((answer.status, answer.field("x-heddle-reason")) == (403, nil))
        let lines = await log.lines()
        #expect(lines.map { $0.field("status") } == ["403"], "\(lines)")
        #expect(lines.map { $0.field("reason") } == [nil], "\(lines)")
    }

    @Test func `only what nodes tell each other is a reason, word for word`() {
        func read(_ text: String) -> FailureReason? {
            let bytes = Array(text.utf8)
            return FailureReason(told: bytes.span)
        }
        for reason in FailureReason.allCases where reason != .none && reason != .callerGone {
            #expect(read(reason.name.description) == reason)
        }
        for text in ["", "caller-gone", "Denied", "denied ", "denied, overloaded", "cosmic-rays"] {
            #expect(read(text) == nil, "\(text)")
        }
    }
}
