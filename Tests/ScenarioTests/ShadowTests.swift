import TestSupport
import Testing

extension ScenarioTests {
    /// A rule is looked at where calls are made, and then turned on.
    @Suite(.enabled(if: Tool.exists("curl"))) struct `A policy in Shadow` {
        private let backend = TestBackend.forgetfulEcho()
        private let folder: TestFolder
        private let port = TestPort.free()
        private let heddle: HeddleProcess

        private static func manifests(_ mode: String, port: UInt16, orders: UInt16) -> String {
            let policy = manifest(
                "AuthorizationPolicy", "no-invoices",
                "{action: DENY, mode: \(mode), rules: [{to: [{operation: {paths: [\"/invoices/{**}\"]}}]}]}")
            return Shop.oneHost(outbound: port, orders: orders, rule: "\(Shop.allowAll)\n---\n\(policy)")
        }

        init() throws {
            folder = try TestFolder()
            try folder.write(Self.manifests("Shadow", port: port, orders: backend.port))
            heddle = try HeddleProcess.serving(folder)
        }

        private func call() throws -> Int {
            let connection = try RawConnection(port: port)
            connection.send("GET /invoices/7 HTTP/1.1\r\nHost: orders\r\nConnection: close\r\n\r\n")
            return connection.response().status
        }

        @Test func `says what it would do, in metrics, log and explanations, and does it once it is enforced`() throws {
            for _ in 0..<100 { #expect(try call() == 200) }
            let metrics = try Tool.run(
                "curl", ["-s", "--unix-socket", "\(folder.state())/admin.sock", "http://heddle/metrics"], in: folder
            ).output
            let name = "heddle_policy_shadow_total"
            #expect(
                metrics.contains("\n\(name){policy=\"shop/no-invoices\",verdict=\"would-deny\"} 100\n"), "\(metrics)")
            let explained = try Heddle.run([
                "explain", "--state", folder.state(), "--from", "shop/web", "--to", "orders", "--path", "/invoices/7",
            ])
            #expect(explained.exitCode == 0)
            #expect(
                explained.output.contains(
                    "  if all policies in Shadow were enforced: DENIED by DENY shop/no-invoices, rule 0"),
                "\(explained)")
            let listed = try Heddle.run(["get", "policies", "--state", folder.state()]).output
            #expect(listed.contains("MODE") && listed.contains("Shadow"), "\(listed)")
            let described = try Heddle.run(["describe", "service", "orders", "--state", folder.state()]).output
            #expect(described.contains("Shadow DENY shop/no-invoices ("), "\(described)")

            try folder.write(Self.manifests("Enforce", port: port, orders: backend.port))
            var called = 100
            let isEnforced = try Poll.until {
                let status = try call()
                if status != 403 { called += 1 }
                return status == 403
            }
            #expect(isEnforced, "\(heddle.errors)")
            #expect(heddle.terminate() == .code(0))
            // Those that were told of and those that were summed up are all of them.
            var told = 0
            var lines = 0
            for line in heddle.errors.split(separator: "\n") where line.contains("a policy in Shadow would change") {
                #expect(line.contains("policy=shop/no-invoices") && line.contains("verdict=would-deny"), "\(line)")
                #expect(line.contains("action=\"Shadow DENY\""), "\(line)")
                lines += 1
                let words = line.split(separator: " ")
                if let count = words.firstIndex(of: "and").flatMap({ Int(words[$0 + 1]) }) {
                    told += count
                } else {
                    told += 1
                    #expect(line.contains("path=\"/invoices/7\"") && line.contains("method=\"GET\""), "\(line)")
                    #expect(line.contains("caller=spiffe://mesh.local/ns/shop/sa/web"), "\(line)")
                }
            }
            // The first that is refused may have had its first try before the change, and its second after it.
            #expect(told == called || told == called + 1, "\(told) told, \(called) called")
            #expect(lines < 12, "\(lines)")
        }
    }
}
