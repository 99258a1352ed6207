import TestSupport
import Testing

extension ScenarioTests {
    @Suite(.enabled(if: Tool.exists("openssl"))) struct `Two nodes` {
        @Test func `certificates of 30 s are renewed under load and no request fails`() throws {
            let nodes = try TwoNodes()
            let (a, b) = (try nodes.start("a"), try nodes.start("b"))
            var serial = try nodes.serial()
            #expect(serial.hasPrefix("serial="))
            let load = LoadClient(port: nodes.outbound, callers: 16) { call in
                let response = LoadClient.get("/orders/\(call.number)", on: call.connection)
                let isRight =
                    response.status == 200 && response.body.hasPrefix("GET /orders/\(call.number) ")
                    && response.received("x-heddle-caller") == "spiffe://mesh.local/ns/shop/sa/web"
                return isRight ? nil : response.summary
            }
            // Twelve renewals take about three minutes.
            for _ in 0..<(ScenarioTests.isLong ? 12 : 2) {
                let former = serial
                let isRenewed = try Poll.until(every: .milliseconds(250)) {
                    serial = try nodes.serial()
                    return serial.hasPrefix("serial=") && serial != former
                }
                #expect(isRenewed, "\(b.errors)")
            }
            let report = load.stop()
            #expect(report.failures == 0, "\(report.complaints)\n\(a.errors)\n\(b.errors)")
            #expect(report.closed == 0)
            #expect(report.requests > 1000)
            #expect(a.terminate() == .code(0))
            #expect(b.terminate() == .code(0))
        }

        @Test
        func `an authority that is replaced under load, with both roots in the file for a while, fails no request`()
            throws
        {
            let nodes = try TwoNodes()
            let (a, b) = (try nodes.start("a"), try nodes.start("b"))
            let load = LoadClient(port: nodes.outbound, callers: 16) { call in
                let response = LoadClient.get("/orders/\(call.number)", on: call.connection)
                return response.status == 200 ? nil : response.summary
            }
            let next = try Authority(nodes.folder, name: "next")
            let (old, new) = (Files.text(nodes.authority.certificate), Files.text(next.certificate))
            try Files.replace(nodes.authority.certificate, old + new)
            for node in ["a", "b"] {
                let bundle = nodes.folder.state(node) + "/authority/bundle-mesh.local.pem"
                #expect(Poll.until { TwoNodes.certificates(in: Files.text(bundle)).count == 2 }, "\(a.errors)")
            }
            // For a moment key and certificate do not match: the former authority goes on.
            try Files.replace(nodes.authority.key("root"), Files.text(next.key("next")))
            try Files.replace(nodes.authority.certificate, new + old)
            #expect(try Poll.until { try nodes.issuer().contains("next") }, "\(b.errors)")
            let requests = load.requestCount
            Poll.until { load.requestCount > requests + 1000 }
            let report = load.stop()
            #expect(report.failures == 0, "\(report.complaints)\n\(a.errors)\n\(b.errors)")
            #expect(report.closed == 0)
            #expect(a.terminate() == .code(0))
            #expect(b.terminate() == .code(0))
        }

        @Test func `openssl accepts the chain of the port between nodes, over TLS 1.3 and without session tickets`()
            throws
        {
            let nodes = try TwoNodes()
            let node = try nodes.start("b")
            let call = try nodes.call(as: "web", "-verify_return_error", "-msg")
            #expect(call.output.contains("TLSv1.3"))
            #expect(call.output.contains("Verify return code: 0 (ok)"))
            #expect(!call.output.contains("NewSessionTicket"))
            #expect(call.output.contains("HTTP/1.1 200"))
            let chain = TwoNodes.certificates(in: call.output).joined()
            let verified = try Tool.run(
                "openssl", ["verify", "-CAfile", nodes.authority.certificate], in: nodes.folder, input: chain)
            #expect(verified.status == .code(0), "\(verified.output)\(verified.errors)")
            let text = try Tool.run(
                "openssl", ["x509", "-noout", "-ext", "subjectAltName"], in: nodes.folder, input: chain
            ).output
            #expect(text.contains("URI:spiffe://mesh.local/ns/shop/sa/orders"))
            #expect(!text.contains(","))
            #expect(try !nodes.call(as: "web", "-tls1_2").output.contains("HTTP/1.1"))
            #expect(node.terminate() == .code(0))
        }

        enum BadCertificate: String, CaseIterable {
            case missing = "no-certificate"
            case expired = "expired"
            case otherAuthority = "unknown-authority"
            case otherTrustDomain = "other-trust-domain"
            case withoutSPIFFEID = "no-spiffe-id"
            case withTwoSPIFFEIDs = "several-spiffe-ids"

            /// - Returns: The name of its files, if there are any.
            func make(_ nodes: TwoNodes) throws -> String? {
                let web = "URI:spiffe://mesh.local/ns/shop/sa/web"
                switch self {
                case .missing: return nil
                case .expired: try nodes.authority.issue("bad", names: web, days: -1)
                case .otherAuthority: try Authority(nodes.folder, name: "stranger").issue("bad", names: web)
                case .otherTrustDomain:
                    try nodes.authority.issue("bad", names: "URI:spiffe://other.example/ns/shop/sa/web")
                case .withoutSPIFFEID: try nodes.authority.issue("bad", names: "DNS:web.shop.mesh")
                case .withTwoSPIFFEIDs:
                    try nodes.authority.issue("bad", names: "\(web),URI:spiffe://mesh.local/ns/shop/sa/admin")
                }
                return "bad"
            }
        }

        @Test(arguments: BadCertificate.allCases)
        func `a caller with a bad certificate is refused in the handshake, and the log says why`(
            bad: BadCertificate
        ) throws {
            let nodes = try TwoNodes()
            let node = try nodes.start("b")
            let call = try nodes.call(as: try bad.make(nodes))
            #expect(!call.output.contains("HTTP/1.1"))
            #expect((call.output + call.errors).contains("alert"), "the caller was not told")
            #expect(Poll.until { node.errors.contains("reason=\(bad.rawValue)") }, "\(node.errors)")
            // Nobody else suffers.
            #expect(try nodes.call(as: "web").output.contains("HTTP/1.1 200"))
            #expect(node.terminate() == .code(0))
        }

        @Test func `a caller refuses a callee that is no service account of the service it meant`() throws {
            let nodes = try TwoNodes()
            try nodes.authority.issue("impostor", names: "URI:spiffe://mesh.local/ns/shop/sa/payments")
            let impostor = try ChildProcess(
                "openssl",
                [
                    "s_server", "-accept", "127.0.0.1:\(nodes.inbound)", "-cert",
                    nodes.authority.certificate("impostor"),
                    "-key", nodes.authority.key("impostor"), "-CAfile", nodes.authority.certificate, "-Verify", "1",
                    "-tls1_3", "-www",
                ], folder: nodes.folder.file("logs"))
            #expect(Poll.until { impostor.output.contains("ACCEPT") }, "\(impostor.errors)")
            let node = try nodes.start("a")
            let response = LoadClient.get("/orders/1", on: try RawConnection(port: nodes.outbound))
            #expect(response.status == 503, "\(response.summary)")
            #expect(response.field("x-heddle-reason") == "connect-failed")
            #expect(Poll.until { node.errors.contains("reason=unexpected-service") }, "\(node.errors)")
            #expect(node.terminate() == .code(0))
        }

        @Test func `the callee learns its caller from the certificate, not from what the caller says`() throws {
            let nodes = try TwoNodes()
            let (a, b) = (try nodes.start("a"), try nodes.start("b"))
            let connection = try RawConnection(port: nodes.outbound)
            connection.send(
                "GET /orders/1 HTTP/1.1\r\nHost: orders\r\nX-Heddle-Caller: spiffe://mesh.local/ns/shop/sa/admin\r\n\r\n"
            )
            let response = connection.response()
            #expect(response.status == 200)
            #expect(response.received("x-heddle-caller") == "spiffe://mesh.local/ns/shop/sa/web")
            #expect(!response.body.contains("admin"))
            #expect(a.terminate() == .code(0))
            #expect(b.terminate() == .code(0))
        }

        @Test func `a call that the callee's node denies is 403 at the caller, with the reason`() throws {
            let nodes = try TwoNodes()
            let (a, b) = (try nodes.start("a"), try nodes.start("b"))
            let connection = try RawConnection(port: nodes.outbound)
            let denied = LoadClient.get("/admin", on: connection)
            let allowed = LoadClient.get("/orders/1", on: connection)
            #expect(denied.status == 403)
            #expect(denied.field("x-heddle-reason") == "denied")
            #expect(allowed.status == 200)
            #expect(a.terminate() == .code(0))
            #expect(b.terminate() == .code(0))
        }

        @Test func `a node that was killed is called again once it is back, and its callers are told in between`()
            throws
        {
            let nodes = try TwoNodes()
            let a = try nodes.start("a")
            let connection = try RawConnection(port: nodes.outbound)
            for _ in 0..<3 {
                let b = try nodes.start("b")
                #expect(LoadClient.get("/orders/1", on: connection).status == 200)
                b.kill()
                let between = LoadClient.get("/orders/1", on: connection)
                #expect(between.status == 503, "\(between.summary)")
                #expect(between.field("x-heddle-reason") == "connect-failed")
            }
            #expect(a.terminate() == .code(0))
        }

        @Test func `on the port between nodes the server name alone says which service is meant`() throws {
            let nodes = try TwoNodes()
            let node = try nodes.start("b")
            let misled = try nodes.call(as: "web", serverName: "orders.shop.mesh", host: "payments.shop").output
            let meant = try nodes.call(as: "web", serverName: "payments.shop.mesh", host: "payments.shop").output
            let unknown = try nodes.call(as: "web", serverName: "nobody.shop.mesh", host: "orders.shop").output
            #expect(!misled.contains("\r\npayments"), "\(misled)")
            #expect(nodes.payments.requests.count == 1)
            #expect(meant.contains("\r\npayments"), "\(meant)")
            #expect(!unknown.contains("HTTP/1.1"))
            #expect(node.terminate() == .code(0))
        }
    }
}
