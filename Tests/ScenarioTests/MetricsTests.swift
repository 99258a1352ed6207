import TestSupport
import Testing

extension ScenarioTests {
    @Suite(.enabled(if: Tool.exists("curl"))) struct `Metrics that alerts look at` {
        private let backend = TestBackend.forgetfulEcho()
        private let folder: TestFolder
        private let heddle: HeddleProcess

        init() throws {
            folder = try TestFolder()
            let config = [
                manifest("ConfigSource", "base", "{type: Inline, data: {a: 1}}"),
                manifest("Config", "app", "{sources: [base]}"),
            ]
            try folder.write(
                ([Shop.oneHost(outbound: TestPort.free(), orders: backend.port)] + config).joined(separator: "\n---\n"))
            heddle = try HeddleProcess.serving(folder)
        }

        private func metrics() throws -> String {
            try Tool.run(
                "curl", ["-s", "--unix-socket", "\(folder.state())/admin.sock", "http://heddle/metrics"], in: folder
            ).output
        }

        @Test func `are there from the start, with every label that is known beforehand`() throws {
            let page = try Documentation.text(of: "docs/reference/metrics.md")
            let alerts = try #require(Documentation.blocks("text", in: page).first)
            let names = Set(alerts.matches(of: /heddle_[a-z0-9_]+/).map { String($0.output) })
            #expect(names.count > 6)
            let metrics = try metrics()
            for name in names {
                #expect(metrics.contains("\n\(name)"), "\(name) is not there:\n\(metrics)")
            }
            for label in ["header-list", "continuations", "pings", "provoked-resets", "output"] {
                #expect(metrics.contains("\nheddle_http2_limits_exceeded_total{limit=\"\(label)\"} 0\n"))
            }
            #expect(metrics.contains("\nheddle_reloads_total{result=\"refused\"} 0\n"))
            #expect(metrics.contains("\nheddle_connections_closed_for_room_total{peer=\"caller\"} 0\n"))
            #expect(heddle.terminate() == .code(0))
        }

        @Test func `tell of an emptied folder for as long as it waits for a word`() throws {
            #expect(try metrics().contains("\nheddle_confirmation_pending 0\n"))
            try folder.write("")
            #expect(try Poll.until { try metrics().contains("\nheddle_confirmation_pending 1\n") }, "\(heddle.errors)")
            #expect(try Heddle.run(["apply", "--prune", "--state", folder.state()]).exitCode == 0)
            #expect(try metrics().contains("\nheddle_confirmation_pending 0\n"))
            #expect(heddle.terminate() == .code(0))
        }

        @Test func `tell when a certificate was issued and when it ends, so that its whole time is known`() throws {
            let lines = try metrics().split(separator: "\n")
            func time(_ name: String) throws -> Int {
                let line = try #require(lines.first { $0.hasPrefix("\(name){") })
                return try #require(Int(line.split(separator: " ").last ?? ""))
            }
            let life =
                try time("heddle_certificate_expiry_timestamp_seconds")
                - time("heddle_certificate_issued_timestamp_seconds")
            #expect(life == 3_600)
            #expect(heddle.terminate() == .code(0))
        }
    }
}
