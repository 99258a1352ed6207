import TestSupport
import Testing

@testable import Forwarding

/// What a try adds to a request is said of its hop, and is no matter of rules: they judge what the caller sent, however often they do.
struct HopFieldsTests {
    /// What a workload speaks, a call to it, and a rule that would deny it for what a try adds.
    enum Speech: String, CaseIterable, CustomTestStringConvertible {
        case http1 = "HTTP"
        case http2 = "HTTP2"
        case grpc = "GRPC"
        /// Its caller names no time, and its route does.
        case grpcOfRoute = "GRPC, with a time of the route's"

        var testDescription: String { rawValue }
        var protocolName: String { String(rawValue.prefix { $0 != "," }) }

        var rules: String {
            let caller = "{when: [{key: \"request.headers[x-heddle-caller]\", values: [\"*\"]}]}"
            let te = "{when: [{key: \"request.headers[te]\", values: [\"*\"]}]}"
            let time = "request.headers[grpc-timeout]"
            return switch self {
            case .http1: caller
            case .http2: "\(caller), \(te)"
            case .grpc: "\(caller), \(te), {when: [{key: \"\(time)\", notValues: [1M]}]}"
            case .grpcOfRoute: "\(caller), \(te), {when: [{key: \"\(time)\", values: [\"*\"]}]}"
            }
        }

        var call: HTTP2Peer.Fields {
            let isGRPC = protocolName == "GRPC"
            let fields = self == .grpc ? [("grpc-timeout", "1M")] : []
            return PolicyCase.Call.request(path: "/a/b", fields: fields).http2(isGRPC ? .grpc : .http2)!.fields
        }

        /// As a workload gets it.
        func expect(in head: String) {
            let head = Response(head: head, body: "")
            func values(_ name: String) -> [String] {
                head.head.split(separator: "\r\n").filter { $0.hasPrefix("\(name): ") }
                    .map { String($0.dropFirst(name.count + 2)) }
            }
            #expect(values("x-heddle-caller") == ["spiffe://mesh.local/ns/shop/sa/web"])
            #expect(values("te") == (self == .http1 ? [] : ["trailers"]))
            let times = values("grpc-timeout")
            #expect(times.count == (protocolName == "GRPC" ? 1 : 0))
            for time in times { #expect(time.last == "m" && (Int(time.dropLast()) ?? 0) > 30_000, "\(time)") }
        }

        func manifests(outbound: UInt16, workloads: [UInt16], more: String = "# none") -> String {
            let workloads = workloads.enumerated().map {
                Shop.workload("orders-\($0.offset)", of: "orders", at: $0.element)
            }
            let route = """
                apiVersion: heddle/v1
                kind: GRPCRoute
                metadata: {name: orders, namespace: shop}
                spec:
                  parentRefs: [{kind: Service, name: orders}]
                  rules: [{timeouts: {request: 60s}, backendRefs: [{name: orders}]}]
                """
            let all = [
                Shop.proxy(""), Shop.allowAll, PolicyTable.policy("DENY", rules),
                """
                \(manifest("Service", "orders", "{protocol: \(protocolName)}"))
                ---
                \(manifest("Workload", "web-1", "{serviceAccount: web, outbound: {listen: \"127.0.0.1:\(outbound)\"}}"))
                """,
            ]
            return (all + workloads + (self == .grpcOfRoute ? [route] : []) + [more]).joined(separator: "\n---\n")
        }
    }

    @Test(arguments: Speech.allCases)
    func `rules judge the same request when its first workload is not there`(speech: Speech) async throws {
        let backend = speech == .http1 ? TestBackend.echo() : TestBackend.http2Echo()
        let port = TestPort.free()
        let gone = [TestPort.free(), TestPort.free(), TestPort.free()]
        let mesh = try await TestMesh(speech.manifests(outbound: port, workloads: [backend.port] + gone))
        for _ in 0..<8 {
            let answer = HTTP2Peer(calling: try RawConnection(port: port)).call(speech.call)
            #expect(answer.status == 200, "\(answer)")
        }
        #expect(backend.requests.count == 8)
        for head in backend.requests { speech.expect(in: head) }
        await mesh.stop()
    }

    /// Gets a call, and says nothing before the gate is open: over HTTP/2 the next call waits for the number of streams it takes.
    private static func workload(_ speech: Speech, behind gate: Gate) -> TestBackend {
        TestBackend { connection, backend in
            if speech == .http1 {
                backend.note(connection.receive(through: "\r\n\r\n"))
                gate.pass()
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                return
            }
            guard let peer = HTTP2Peer(serving: connection, settings: nil) else { return }
            peer.acknowledges = false
            while let frame = peer.receive() {
                guard frame.type == HTTP2Peer.FrameType.headers else { continue }
                let lines = peer.fields(frame).filter { !$0.0.hasPrefix(":") }.map { "\($0.0): \($0.1)\r\n" }
                backend.note("POST /a/b HTTP/1.1\r\n" + lines.joined() + "\r\n")
                if !peer.acknowledges {
                    gate.pass()
                    peer.send(settings: [])
                    peer.send(HTTP2Peer.FrameType.settings, flags: 1)
                    peer.acknowledges = true
                }
                peer.sendHead(
                    [(":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "0")],
                    stream: frame.stream, ends: true)
            }
        }
    }

    @Test(arguments: Speech.allCases, ["# none", PolicyTable.policy("ALLOW", "{to: [{operation: {paths: [/c]}}]}")])
    func `rules judge the same request when another generation comes, and it is sent with all that its hop has`(
        speech: Speech, change: String
    ) async throws {
        let gate = Gate()
        let backend = Self.workload(speech, behind: gate)
        let port = TestPort.free()
        let mesh = try await TestMesh(speech.manifests(outbound: port, workloads: [backend.port]))
        let callers = try (0..<2).map { _ in HTTP2Peer(calling: try RawConnection(port: port)) }
        let streams = callers.map { $0.begin(speech.call, ends: true) }
        await Poll.until { backend.requests.count >= (speech == .http1 ? 2 : 1) }
        #expect(await mesh.comesToRest())
        for _ in 0..<2 {
            try await mesh.serve(speech.manifests(outbound: port, workloads: [backend.port], more: change))
        }
        gate.open()
        for (caller, stream) in zip(callers, streams) {
            let answer = caller.answer(on: stream)
            #expect(answer.status == 200, "\(answer)")
        }
        #expect(backend.requests.count == 2)
        for head in backend.requests { speech.expect(in: head) }
        await mesh.stop()
    }

    @Test(arguments: [
        ("te", "trailers"), ("x-heddle-caller", "spiffe://mesh.local/ns/shop/sa/other"), ("grpc-timeout", "1n"),
    ])
    func `another node's connection is one, whatever fields of a hop its CONNECT has`(field: (String, String))
        async throws
    {
        let backend = TestBackend { connection, _ in connection.send(connection.receive(count: 2)) }
        let pair = try await NodePair(orders: backend.port, protocolName: "TCP")
        let node = HTTP2Peer(
            calling: try SecureRelay.connect(
                port: pair.inbound, serverName: TestIdentities.orders, offering: "h2", TestIdentities.shared.get()))
        let stream = node.begin([(":method", "CONNECT"), (":authority", "orders:80"), field], ends: false)
        node.send(HTTP2Peer.FrameType.data, stream: stream, Array("hi".utf8))
        let answer = node.answer(on: stream)
        #expect(answer.status == 200 && answer.body == "hi", "\(answer)")
        await pair.stop()
    }

    @Test(arguments: [["1M", "1M"], ["1M", "2M"]])
    func `two times are none: who is next might take the other one`(times: [String]) async throws {
        let world = try await PolicyWorld(.grpc, rule: PolicyTable.policy("ALLOW", "{}"))
        let fields = times.map { ("grpc-timeout", $0) }
        let call = PolicyCase.Call.request(path: "/a/b", fields: fields).http2(.grpc)!.fields
        let answer = HTTP2Peer(calling: try world.connect()).call(call)
        #expect(answer.grpcStatus == 13)
        #expect(world.backend.requests.isEmpty)
        await world.stop()
    }
}
