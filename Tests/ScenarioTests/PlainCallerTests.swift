import TestSupport
import Testing

extension ScenarioTests {
    /// A service is moved into the mesh, as operating.md has it.
    @Suite struct `Moving a service into the mesh` {
        private static let get = "GET /orders/1 HTTP/1.1\r\nHost: orders\r\n\r\n"

        @Test func `who is left is seen, and is closed out by one word`() throws {
            let backend = TestBackend.forgetfulEcho()
            let folder = try TestFolder()
            let (outbound, plain) = (TestPort.free(), TestPort.free())
            try folder.write(
                Shop.oneHost(outbound: outbound, orders: backend.port).replacing(
                    "\"127.0.0.1:\(backend.port)\"",
                    with: "\"127.0.0.1:\(backend.port)\", inbound: {plain: \"127.0.0.1:\(plain)\"}"))
            let heddle = try HeddleProcess.serving(folder)
            func run(_ arguments: String...) throws -> String {
                let result = try Heddle.run(arguments + ["--state", folder.state()])
                return result.output + result.diagnostics
            }
            func move(to mode: String) throws {
                try folder.write(
                    manifest(
                        "PeerAuthentication", "orders",
                        "{targetRefs: [{kind: Service, name: orders}], mtls: {mode: \(mode)}}"), as: "peer.yaml")
            }
            #expect((try? RawConnection(port: plain)) == nil)
            #expect(try run("status").contains("manifest.plain-port-closed"))

            try move(to: "PERMISSIVE")
            #expect(try Poll.until { try run("status").contains("shop/orders      nobody so far") })
            let client = try RawConnection(port: plain)
            for _ in 0..<2 {
                client.send(Self.get)
                #expect(client.response().status == 200)
            }
            let inside = try RawConnection(port: outbound)
            inside.send(Self.get)
            #expect(inside.response().status == 200)
            #expect(try run("status").contains("shop/orders      127.0.0.1  2 "))
            #expect(try run("explain", "--to", "shop/orders", "--from-ip", "127.0.0.1").contains("ALLOWED"))

            try move(to: "STRICT")
            #expect(client.receive().isEmpty && client.isEnded)
            #expect((try? RawConnection(port: plain)) == nil)
            inside.send(Self.get)
            #expect(inside.response().status == 200)
            #expect(try run("describe", "service", "shop/orders").contains("STRICT (PeerAuthentication shop/orders, "))
            #expect(try run("explain", "--to", "shop/orders").contains("REFUSED with 403: shop/orders is called with"))
            #expect(heddle.terminate() == .code(0))
        }
    }
}
