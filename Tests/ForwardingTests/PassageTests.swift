import HTTPSemantics
import TestSupport
import Testing

@testable import Forwarding

/// How often a call may come by, and what an intermediary does with `Max-Forwards`.
struct PassageTests {
    /// An application that passes on what it gets, as it gets it, to where it gets it from.
    private static func passingOn(to port: UInt16) -> TestBackend {
        TestBackend { connection, backend in
            let head = connection.receive(through: "\r\n\r\n")
            backend.note(head)
            guard let onward = try? RawConnection(port: port) else { return }
            let answer = onward.call(head)
            connection.send("\(answer.head)\(answer.body)")
        }
    }

    @Test func `a call that comes back to the listener that it came from ends`() async throws {
        let port = TestPort.free()
        let seen = Self.passingOn(to: port)
        let mesh = try await TestMesh(Shop.manifests(outbound: port, orders: seen.port, more: Shop.proxy("")))
        let response = try RawConnection.call(port: port, "GET /a HTTP/1.1\r\nHost: orders\r\n\r\n")
        #expect(response.status == 508)
        #expect(seen.requests.count == Int(MessageHead.passageLimit) + 1)
        for (number, head) in seen.requests.enumerated() {
            #expect(Response(head: head, body: "").field("x-heddle-hops") == (number == 0 ? nil : "\(number)"))
        }
        await mesh.stop()
    }

    @Test func `a call whose route takes its ID from it is counted all the same`() async throws {
        let port = TestPort.free()
        let seen = Self.passingOn(to: port)
        let route = Shop.route(
            "{filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [x-request-id]}}], "
                + "backendRefs: [{name: orders}]}")
        let mesh = try await TestMesh(
            Shop.manifests(outbound: port, orders: seen.port, more: Shop.proxy("") + "\n---\n" + route))
        let response = try RawConnection.call(port: port, "GET /a HTTP/1.1\r\nHost: orders\r\n\r\n")
        #expect(response.status == 508)
        let hops = seen.requests.map { Response(head: $0, body: "").field("x-heddle-hops") }
        #expect(hops == (1...MessageHead.passageLimit).map { "\($0)" })
        await mesh.stop()
    }

    @Test func `a call that comes back with copies of itself makes no copies of copies`() async throws {
        let port = TestPort.free()
        let seen = Self.passingOn(to: port)
        let mirror = "{type: RequestMirror, requestMirror: {backendRef: {name: orders}}}"
        let route = Shop.route("{filters: [\(mirror), \(mirror), \(mirror)], backendRefs: [{name: orders}]}")
        let mesh = try await TestMesh(
            Shop.manifests(outbound: port, orders: seen.port, more: Shop.proxy("") + "\n---\n" + route))
        let response = try RawConnection.call(port: port, "GET /a HTTP/1.1\r\nHost: orders\r\n\r\n")
        #expect(response.status == 508)
        // Three copies each of the first five times that it comes by, and each copy comes by for what is left of its ten times.
        let all = 11 + 3 * (6 + 5 + 4 + 3 + 2)
        await Poll.until { seen.requests.count >= all }
        #expect(await mesh.comesToRest())
        #expect(seen.requests.count == all)
        await mesh.stop()
    }

    @Test(arguments: [("9", 200, "10"), ("10", 508, nil), ("99999", 508, nil), ("x", 200, "1"), ("-1", 200, "1")])
    func `the count is read from anyone, and only ever raised`(sent: String, status: Int, seen: String?) async throws {
        let backend = TestBackend.echo()
        try await Shop.serve(backend) { port, _ in
            let response = try RawConnection.call(
                port: port,
                "GET /a HTTP/1.1\r\nHost: orders\r\nX-Request-Id: 1\r\nX-Heddle-Hops: \(sent)\r\nX-Heddle-Hops: 0\r\n\r\n"
            )
            #expect(response.status == status)
            if status == 508 { #expect(response.field("x-heddle-reason") == "loop-detected") }
            let heads = backend.requests.map { Response(head: $0, body: "").field("x-heddle-hops") }
            #expect(heads == (seen == nil ? [] : [seen]))
        }
    }

    @Test(arguments: [Door.hopHTTP1, .hopHTTP2, .gatewayHTTP2])
    func `from node to node it is one call`(door: Door) async throws {
        let parent = door.isGateway ? "{kind: Gateway, name: edge}" : "{kind: Service, name: orders}"
        let world = try await PolicyWorld(door, rule: PolicyTable.rule + "\n---\n" + PolicyTable.route(to: parent))
        let connection = try world.connect()
        if door.dialect == .http1 {
            _ = connection.call("GET /open HTTP/1.1\r\nHost: orders\r\nX-Request-Id: 1\r\n\r\n")
        } else {
            _ = HTTP2Peer(calling: connection).call(PolicyCase.good + [("x-request-id", "1")])
        }
        #expect(world.backend.requests.map { Response(head: $0, body: "").field("x-heddle-hops") } == ["1"])
        await world.stop()
    }

    @Test func `a gRPC call that goes in circles is not tried again by its caller`() async throws {
        let world = try await PolicyWorld(.grpc, rule: PolicyTable.policy("ALLOW", "{}"))
        let call = PolicyCase.Call.request(path: "/a/b", fields: [("x-heddle-hops", "10")]).http2(.grpc)!.fields
        let answer = HTTP2Peer(calling: try world.connect()).call(call)
        #expect(answer.grpcStatus == 9)
        #expect(world.backend.requests.isEmpty)
        await world.stop()
    }

    /// RFC 9110 § 7.6.2.
    @Test(
        arguments: [
            ("OPTIONS", "1", 200, "0"), ("OPTIONS", "0", 200, nil), ("TRACE", "0", 501, nil),
            ("TRACE", "12", 200, "11"),
            ("GET", "0", 200, "0"), ("POST", "x", 200, "x"), ("OPTIONS", "x", 400, nil), ("TRACE", "-1", 400, nil),
            ("OPTIONS", "1\r\nMax-Forwards: 1", 400, nil),
        ])
    func `OPTIONS and TRACE go on as often as they say, and no further`(
        method: String, sent: String, status: Int, seen: String?
    ) async throws {
        let backend = TestBackend.echo()
        try await Shop.serve(backend) { port, _ in
            let client = try RawConnection(port: port)
            let response = client.call("\(method) /a HTTP/1.1\r\nHost: orders\r\nMax-Forwards: \(sent)\r\n\r\n")
            #expect(response.status == status)
            #expect(
                backend.requests.map { Response(head: $0, body: "").field("max-forwards") }
                    == (seen == nil ? [] : [seen]))
            // What ended here leaves the connection as any answer does.
            let next = client.call("GET /b HTTP/1.1\r\nHost: orders\r\n\r\n")
            #expect(next.status == 200)
        }
    }

    @Test func `who may call nothing learns nothing by Max-Forwards`() async throws {
        let backend = TestBackend.echo()
        try await Shop.serve(backend, rule: "# none") { port, _ in
            for host in ["orders", "nobody"] {
                let response = try RawConnection.call(
                    port: port, "OPTIONS /a HTTP/1.1\r\nHost: \(host)\r\nMax-Forwards: 0\r\n\r\n")
                #expect((response.status, response.body, response.field("allow")) == (200, "", nil))
            }
        }
    }
}
