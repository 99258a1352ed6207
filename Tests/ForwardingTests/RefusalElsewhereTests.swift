import EventLoops
import HTTPSemantics
import Telemetry
import TestSupport
import Testing

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
            rule: "{from: [{source: {serviceAccounts: [shop/nobody]}}]}", logs: logs)
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
