import CallPlanning
import HTTPSemantics
import TestSupport
import Testing
import WireProtocols

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

    private static func mirrors(_ count: Int, to service: String = "orders") -> String {
        let mirror = "{type: RequestMirror, requestMirror: {backendRef: {name: \(service)}}}"
        let all = Array(repeating: mirror, count: count).joined(separator: ", ")
        return Shop.route("{filters: [\(all)], backendRefs: [{name: orders}]}")
    }

    /// Three copies each time that it comes by; a copy comes by for what is left of its ten times, once at least.
    private static let allOfThreeMirrors = 11 + 3 * (6 + 5 + 4 + 3 + 2 + 1 + 5)

    @Test func `a call that comes back with copies of itself makes no copies of copies`() async throws {
        let port = TestPort.free()
        let seen = Self.passingOn(to: port)
        let mesh = try await TestMesh(
            Shop.manifests(
                outbound: port, orders: seen.port, more: Shop.proxy("") + "\n---\n" + Self.mirrors(3)))
        let response = try RawConnection.call(port: port, "GET /a HTTP/1.1\r\nHost: orders\r\n\r\n")
        #expect(response.status == 508)
        await Poll.until { seen.requests.count >= Self.allOfThreeMirrors }
        #expect(await mesh.comesToRest())
        #expect(seen.requests.count == Self.allOfThreeMirrors)
        await mesh.stop()
    }

    @Test func `copies that another node made are not copied either`() async throws {
        let port = TestPort.free()
        let seen = Self.passingOn(to: port)
        let relay = """
            ---
            apiVersion: heddle/v1
            kind: Workload
            metadata: {name: relay-1, namespace: shop}
            spec: {serviceAccount: web, outbound: {listen: "127.0.0.1:\(port)"}, node: b}
            ---
            \(Self.mirrors(3))
            """
        let nodes = try await NodePair(orders: seen.port, more: relay)
        let response = try RawConnection.call(port: nodes.port, "GET /a HTTP/1.1\r\nHost: orders\r\n\r\n")
        #expect(response.status == 508)
        await Poll.until { seen.requests.count >= Self.allOfThreeMirrors }
        for node in [nodes.a, nodes.b] { #expect(await node.comesToRest()) }
        #expect(seen.requests.count == Self.allOfThreeMirrors)
        await nodes.stop()
    }

    /// What a copy had, of a call of this ID.
    private static func mark(_ id: String, _ port: UInt16, _ copies: TestBackend) async throws -> String? {
        let before = copies.requests.count
        _ = try RawConnection.call(port: port, "GET /a HTTP/1.1\r\nHost: orders\r\nX-Request-Id: \(id)\r\n\r\n")
        await Poll.until { copies.requests.count > before }
        return Response(head: copies.requests.last ?? "", body: "").field("x-heddle-copy")
    }

    @Test func `no caller can keep its call from being copied, save with the mark of a copy of it`() async throws {
        let (backend, copies) = (TestBackend.echo(), TestBackend.echo())
        let more = [Shop.proxy(""), Shop.service("copy", at: [copies.port]), Self.mirrors(1, to: "copy")]
        try await Shop.serve(backend, more: more) { port, mesh in
            let mark = try await Self.mark("one", port, copies)
            guard let mark, mark.utf8.count == 16 else {
                Issue.record("a copy without a mark: \(mark ?? "none")")
                return
            }
            #expect(backend.requests.allSatisfy { !$0.contains("x-heddle-copy") })
            let others = [
                "X-Heddle-Hops: 9", "X-Heddle-Copy: 1", "X-Heddle-Copy: 0000000000000000", "X-Heddle-Copy: \(mark)",
                "X-Heddle-Copy: \(mark)\r\nX-Request-Id: two", "X-Heddle-Copy: \(mark)0\r\nX-Request-Id: one",
                "X-Heddle-Copy: \(mark)\r\nX-Heddle-Copy: \(mark)\r\nX-Request-Id: one",
                "X-Heddle-Copy: \(mark)\r\nX-Request-Id: two\r\nX-Request-Id: one",
            ]
            for (number, fields) in others.enumerated() {
                let response = try RawConnection.call(
                    port: port, "GET /\(number) HTTP/1.1\r\nHost: orders\r\n\(fields)\r\n\r\n")
                #expect(response.status == 200)
                await Poll.until { copies.requests.count >= number + 2 }
                #expect(copies.requests.count == number + 2, "\(fields)")
            }
            _ = try RawConnection.call(
                port: port, "GET /a HTTP/1.1\r\nHost: orders\r\nX-Heddle-Copy: \(mark)\r\nX-Request-Id: one\r\n\r\n")
            #expect(await mesh.comesToRest())
            #expect(copies.requests.count == others.count + 1)
            // What was made of a copy is known again further on, too.
            #expect(
                Response(head: backend.requests.last ?? "", body: "").field("x-heddle-copy") == mark)
        }
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

    /// Two nodes are one on a call's way: to a workload of another node it comes as to one of the caller's own.
    @Test(arguments: [("X-Heddle-Hops: 9", "x-heddle-hops", "10"), ("Max-Forwards: 1", "max-forwards", "0")])
    func `a second node neither counts nor ends what the first has let pass`(sent: String, name: String, seen: String)
        async throws
    {
        let backend = TestBackend.echo()
        let pair = try await NodePair(orders: backend.port)
        let client = try RawConnection(port: pair.port)
        let response = client.call("OPTIONS /a HTTP/1.1\r\nHost: orders\r\nX-Request-Id: 1\r\n\(sent)\r\n\r\n")
        #expect(response.status == 200)
        #expect(backend.requests.map { Response(head: $0, body: "").field(name) } == [seen])
        await pair.a.stop()
        await pair.b.stop()
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
