import TestSupport
import Testing

@testable import Forwarding

/// A service moves to STRICT while it is called in plain, and back. What has an identity is not touched.
struct PeerModeSwapTests {
    private static let get = "GET /a HTTP/1.1\r\nHost: orders\r\n\r\n"

    /// Begins an answer, and goes on when it hears more, or never.
    private static func slow(_ beginning: String) -> TestBackend {
        TestBackend { connection, backend in
            backend.note(connection.receive(through: "\r\n\r\n"))
            if !beginning.isEmpty { connection.send(beginning) }
            while !connection.isEnded { _ = connection.receive() }
            backend.note("end")
        }
    }

    @Test(arguments: ["STRICT", ""])
    func `a STRICT service's port is closed, and opens when it is PERMISSIVE`(strict: String) async throws {
        let world = try await PlainWorld(mode: strict)
        #expect(world.isClosed)
        for _ in 0..<3 {
            try await world.serve(mode: "PERMISSIVE")
            #expect(try world.connect().call(Self.get).status == 200)
            try await world.serve(mode: strict)
            #expect(world.isClosed)
            #expect(try RawConnection.call(port: world.outbound, Self.get).status == 200)
        }
        await world.stop()
    }

    @Test func `an idle connection is closed`() async throws {
        let world = try await PlainWorld()
        let (used, fresh, inside) = (try world.connect(), try world.connect(), try RawConnection(port: world.outbound))
        #expect(used.call(Self.get).status == 200 && inside.call(Self.get).status == 200)
        await Poll.until { await world.mesh.dataPlane.report().counters.accepted == 3 }
        try await world.serve(mode: "STRICT")
        #expect(used.endsCleanly() == true && fresh.endsCleanly() == true)
        #expect(inside.call(Self.get).status == 200)
        await world.stop()
    }

    @Test func `a call without an answer is refused, and its workload left`() async throws {
        let world = try await PlainWorld(backend: Self.slow(""))
        let client = try world.connect()
        client.send(Self.get)
        await Poll.until { world.backend.requests.count == 1 }
        try await world.serve(mode: "STRICT")
        #expect(client.response().status == 403)
        #expect(client.endsCleanly() == true)
        await Poll.until { world.backend.requests.count == 2 }
        #expect(world.backend.requests.last == "end")
        let line = await world.lines()[0]
        #expect(line.field("reason") == "denied")
        await world.stop()
    }

    @Test func `an answer that is under way is cut`() async throws {
        let world = try await PlainWorld(backend: Self.slow("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"))
        let client = try world.connect()
        client.send(Self.get)
        #expect(client.receive(through: "ab").hasSuffix("ab"))
        try await world.serve(mode: "STRICT")
        #expect(client.endsCleanly() != nil)
        await world.stop()
    }

    @Test(arguments: ["HTTP2", "GRPC"])
    func `a stream is ended, and no other begins on its connection`(protocolName: String) async throws {
        let backend = TestBackend { connection, backend in
            guard let peer = HTTP2Peer(serving: connection) else { return }
            while let frame = peer.receive() {
                if frame.type == HTTP2Peer.FrameType.headers {
                    peer.sendHead([(":status", "200")], stream: frame.stream, ends: false)
                    backend.note("head")
                }
                if frame.type == HTTP2Peer.FrameType.reset { backend.note("reset") }
            }
        }
        let world = try await PlainWorld(protocolName, backend: backend)
        let peer = HTTP2Peer(calling: try world.connect())
        let isGRPC = protocolName == "GRPC"
        let fields = PolicyCase.Call.request(path: "/a").http2(isGRPC ? .grpc : .http2)!.fields
        let stream = peer.begin(fields, ends: false)
        // Read, for what is compressed later goes on from it.
        let head = peer.receive()
        #expect(head.map(peer.fields)?.first?.1 == "200")
        try await world.serve(mode: "STRICT")
        // Sent before anything that came since is read.
        let late = peer.begin(fields, ends: true)
        let answers = peer.answers(on: [stream, late])
        if isGRPC {
            #expect(answers[0].grpcStatus == 16, "\(answers[0])")
        } else {
            #expect(answers[0].reset != nil, "\(answers[0])")
        }
        #expect(isGRPC ? answers[1].grpcStatus == 16 : answers[1].status == 403, "\(answers[1])")
        while peer.receive() != nil {}
        #expect(peer.connection.isEnded)
        await Poll.until { world.backend.requests.contains("reset") }
        #expect(world.backend.requests == ["head", "reset"])
        await world.stop()
    }

    @Test func `a WebSocket is closed`() async throws {
        let world = try await PlainWorld(backend: PolicySwapTests.webSocket())
        let client = try world.connect()
        client.send(PolicyCase.Call.webSocket(path: "/a").http1!)
        #expect(client.receive(through: "\r\n\r\n").hasPrefix("HTTP/1.1 101 "))
        client.send("ping")
        #expect(client.receive(count: 4) == Array("ping".utf8))
        try await world.serve(mode: "STRICT")
        #expect(client.endsCleanly() != nil)
        await world.stop()
    }

    @Test func `a TCP connection is closed, one with an identity is not`() async throws {
        let world = try await PlainWorld("TCP", backend: PlainCallerTests.bytes())
        let (plain, inside) = (try world.connect(), try RawConnection(port: world.outbound))
        func exchanges(_ connection: RawConnection) -> Bool {
            connection.send("ping")
            return connection.receive(count: 4) == Array("ping".utf8)
        }
        #expect(exchanges(plain) && exchanges(inside))
        // Another change of the same set touches neither.
        try await world.serve(rule: PolicyTable.policy("ALLOW", "{from: [{source: {notNamespaces: [ops]}}]}"))
        #expect(exchanges(plain) && exchanges(inside))
        try await world.serve(mode: "STRICT")
        #expect(plain.endsCleanly() != nil)
        #expect(exchanges(inside))
        #expect(world.isClosed)
        try await world.serve(mode: "PERMISSIVE")
        #expect(exchanges(try world.connect()))
        await world.stop()
    }

    @Test func `a call is ended where its port is another's by now`() async throws {
        let world = try await PlainWorld(backend: Self.slow("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"))
        let client = try world.connect()
        client.send(Self.get)
        #expect(client.receive(through: "ab").hasSuffix("ab"))
        // All addresses with the port are a gateway's: it keeps the socket, and what came by it.
        let strict = [
            manifest("Service", "orders", "{protocol: HTTP}"),
            manifest("Workload", "orders-1", "{service: orders, address: \"127.0.0.1:\(world.backend.port)\"}"),
            manifest("Gateway", "edge", "{listeners: [{name: http, port: \(world.plain), protocol: HTTP}]}"),
            manifest(
                "HTTPRoute", "all",
                "{parentRefs: [{kind: Gateway, name: edge}], rules: [{backendRefs: [{name: orders}]}]}"),
            PolicyTable.policy("ALLOW", "{}"),
        ]
        try await world.mesh.serve(strict.joined(separator: "\n---\n"))
        #expect(client.endsCleanly() != nil)
        await world.stop()
    }

    @Test func `a call that is the last before the process ends is ended, too`() async throws {
        let world = try await PlainWorld(backend: Self.slow("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"))
        let client = try world.connect()
        client.send(Self.get)
        #expect(client.receive(through: "ab").hasSuffix("ab"))
        // Its listener is none of the worker's any more, and has the view that it had.
        await world.mesh.dataPlane.onEveryWorker { $0.drain() }
        try await world.serve(mode: "STRICT")
        #expect(client.endsCleanly() != nil)
        await world.stop()
    }

    @Test func `a request that had begun to come is refused when it is whole`() async throws {
        let world = try await PlainWorld()
        let client = try world.connect()
        client.send("GET /a HTTP/1.1\r\n")
        client.waitUntilDelivered()
        #expect(await world.mesh.comesToRest())
        try await world.serve(mode: "STRICT")
        client.send("Host: orders\r\n\r\n")
        #expect(client.response().status == 403)
        #expect(client.endsCleanly() == true)
        #expect(world.backend.requests.isEmpty)
        await world.stop()
    }
}
