import Glibc
import Synchronization
import TestSupport
import Testing

extension ScenarioTests {
    @Suite struct `Gateway listeners` {
        private let backend = TestBackend.forgetfulEcho()
        private let folder: TestFolder

        init() throws {
            folder = try TestFolder()
            try folder.write(
                """
                \(Shop.service("web"))
                ---
                \(Shop.workload("web-1", "service: web, address: \"127.0.0.1:\(backend.port)\""))
                ---
                \(Shop.allowAll)
                ---
                apiVersion: heddle/v1
                kind: HTTPRoute
                metadata: {name: edge, namespace: shop}
                spec:
                  parentRefs: [{kind: Gateway, name: edge}]
                  rules:
                  - backendRefs: [{name: web}]
                """)
        }

        private func writeGateway(_ listeners: [String]) throws {
            try folder.write(
                """
                apiVersion: heddle/v1
                kind: Gateway
                metadata: {name: edge, namespace: shop}
                spec:
                  listeners:
                \(listeners.map { "  - {address: 127.0.0.1, \($0)}" }.joined(separator: "\n"))

                """, as: "gateway.yaml")
        }

        @Test func `are added, moved and removed without losing a request on the others`() throws {
            let (kept, first, second) = (TestPort.free(), TestPort.free(), TestPort.free())
            let keeps = "name: kept, port: \(kept), protocol: HTTP"
            try writeGateway([keeps])
            let heddle = try HeddleProcess.serving(folder)
            let load = LoadClient(port: kept, callers: 16) { call in
                let response = LoadClient.get("/\(call.number)", on: call.connection)
                return response.status == 200 && response.body.hasPrefix("GET /\(call.number) ")
                    ? nil : response.summary
            }
            func answers(_ port: UInt16) -> Bool {
                guard let connection = try? RawConnection(port: port) else { return false }
                return LoadClient.get("/", on: connection).status == 200
            }
            for _ in 0..<10 {
                try heddle.serve { try writeGateway([keeps, "name: other, port: \(first), protocol: HTTP"]) }
                #expect(answers(first))
                // What was connected to a listener that goes is answered to its end.
                let connected = try RawConnection(port: first)
                connected.send("GET /la")
                try heddle.serve { try writeGateway([keeps, "name: other, port: \(second), protocol: HTTP"]) }
                #expect(answers(second))
                #expect(!answers(first))
                connected.send("st HTTP/1.1\r\nHost: any\r\n\r\n")
                let response = connected.response()
                #expect(response.status == 200, "\(response.summary)")
                try heddle.serve { try writeGateway([keeps]) }
                #expect(!answers(second))
            }
            let report = load.stop()
            #expect(report.failures == 0, "\(report.complaints)")
            #expect(report.closed == 0)
            #expect(report.requests > 100)
            #expect(heddle.terminate() == .code(0))
        }

        // MARK: HTTPS

        private func writeSecureGateway(_ port: UInt16, _ authority: Authority) throws {
            try writeGateway(
                ["shop", "bank"].map { name in
                    "name: \(name), port: \(port), protocol: HTTPS, hostname: \(name).example, "
                        + "tls: {certificateFile: \(authority.certificate(name)), keyFile: \(authority.key(name))}"
                })
        }

        private func curl(_ port: UInt16, _ name: String, _ authority: Authority, _ more: String...) throws
            -> Tool.Result
        {
            try Tool.run(
                "curl",
                [
                    "-s", "--max-time", "20", "--cacert", authority.certificate, "--resolve",
                    "\(name):\(port):127.0.0.1",
                    "https://\(name):\(port)/", "-w", "\n%{http_code}",
                ] + more, in: folder)
        }

        @Test(.enabled(if: Tool.exists("openssl") && Tool.exists("curl")))
        func `choose the certificate by server name, and refuse a host that is not the server name's`() throws {
            let authority = try Authority(folder)
            for name in ["shop", "bank"] { try authority.issue(name, names: "DNS:\(name).example") }
            let port = TestPort.free()
            try writeSecureGateway(port, authority)
            let heddle = try HeddleProcess.serving(folder)
            for name in ["shop.example", "bank.example"] {
                let answer = try curl(port, name, authority)
                #expect(answer.status == .code(0), "curl: \(answer)")
                #expect(answer.output.hasSuffix("\n200"))
                #expect(answer.output.contains("host: \(name):\(port)"))
                #expect(answer.output.contains("x-forwarded-proto: https"))
            }
            let misled = try curl(port, "shop.example", authority, "-H", "Host: bank.example")
            #expect(misled.output.hasSuffix("\n421"), "\(misled.output)")
            let unknown = try curl(port, "other.example", authority)
            #expect(unknown.status == .code(35), "curl: \(unknown)")
            #expect(heddle.terminate() == .code(0))
        }

        @Test(.enabled(if: Tool.exists("openssl") && Tool.exists("curl")))
        func `show a certificate that was replaced on disk, and close no connection for it`() throws {
            let authority = try Authority(folder)
            for name in ["shop", "bank"] { try authority.issue(name, names: "DNS:\(name).example") }
            let port = TestPort.free()
            try writeSecureGateway(port, authority)
            let heddle = try HeddleProcess.serving(folder)
            let before = try serial(port)
            // A connection that is older than the new certificate: its second request is sent after the change.
            let input = folder.file("pipe")
            guard unsafe mkfifo(input, 0o600) == 0 else { throw SetUpError("mkfifo: \(errno)") }
            let writing = unsafe open(input, O_RDWR | O_CLOEXEC)
            defer { close(writing) }
            let old = try ChildProcess(
                "openssl",
                ["s_client", "-connect", "127.0.0.1:\(port)", "-servername", "shop.example", "-ign_eof", "-quiet"],
                folder: folder.file("logs"), input: input)
            func ask(_ path: String) {
                let text = "GET \(path) HTTP/1.1\r\nHost: shop.example\r\n\r\n"
                _ = unsafe write(writing, text, text.utf8.count)
            }
            ask("/first")
            #expect(Poll.until { old.output.contains("GET /first") }, "\(old.errors)")

            // Key and certificate do not match while the one is new and the other old: nothing may break then.
            try authority.issue("renewed", names: "DNS:shop.example")
            try Files.replace(authority.key("shop"), Files.text(authority.key("renewed")))
            try Files.replace(authority.certificate("shop"), Files.text(authority.certificate("renewed")))
            #expect(try Poll.until { try serial(port) != before }, "\(heddle.errors)")
            ask("/second")
            #expect(Poll.until { old.output.contains("GET /second") }, "\(old.errors)")
            #expect(old.exit() == nil)
            #expect(try curl(port, "shop.example", authority).output.hasSuffix("\n200"))
            #expect(try curl(port, "bank.example", authority).output.hasSuffix("\n200"))
            old.send(SIGTERM)
            #expect(heddle.terminate() == .code(0))
        }

        private func serial(_ port: UInt16) throws -> String {
            let shown = try Tool.run(
                "openssl", ["s_client", "-connect", "127.0.0.1:\(port)", "-servername", "shop.example"], in: folder
            ).output
            return try Tool.run("openssl", ["x509", "-noout", "-serial"], in: folder, input: shown).output
        }
    }
}
