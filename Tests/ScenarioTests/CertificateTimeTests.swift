import Glibc
import TestSupport
import Testing

extension ScenarioTests {
    @Suite(.enabled(if: Tool.exists("openssl"))) struct `The time of certificates` {
        private let backend = TestBackend.forgetfulEcho()
        private let outbound = TestPort.free()
        private let edge = TestPort.free()
        private let folder: TestFolder
        private let authority: Authority

        init() throws {
            folder = try TestFolder()
            authority = try Authority(folder)
        }

        private func mesh(_ authority: String, ttl: String = "1h") -> String {
            "  identity: {svidTTL: \(ttl), authority: {type: Files, "
                + "certificateFile: \(self.authority.certificate(authority)), keyFile: \(self.authority.key(authority))}}"
        }

        private func write(mesh: String = "", hostname: String? = nil) throws {
            let shop = Shop.oneHost(outbound: outbound, orders: backend.port, mesh: mesh)
            try folder.write(
                [shop, authority.gateway("edge", port: edge, hostname: hostname)].joined(separator: "\n---\n"))
        }

        private func check() throws -> CommandResult { try Heddle.run(["check", folder.manifests]) }

        // MARK: check

        @Test func `check warns of a Gateway's certificate 30 days ahead, and names the file's line`() throws {
            try authority.makeSelfSigned("edge", days: 40)
            try write()
            #expect(try !check().diagnostics.contains("certificate-time"))
            for (days, words) in [(20, "expires at"), (-1, "expired at")] {
                try authority.makeSelfSigned("edge", days: days)
                let result = try check()
                #expect(result.exitCode == 0)
                #expect(result.diagnostics.contains("warning[serving.certificate-time]: found the certificate "))
                #expect(result.diagnostics.contains("in \"\(authority.certificate("edge"))\" \(words) "))
                #expect(result.diagnostics.contains(" | ") && result.diagnostics.contains("certificateFile: "))
                #expect(result.diagnostics.contains("within 19 days") == (days > 0), "\(result.diagnostics)")
            }
        }

        @Test
        func `check warns of a certificate for another host than the listener's, in the words of the running mesh`()
            throws
        {
            // It is for shop.example.
            try authority.makeSelfSigned("edge", days: 40)
            for (hostname, isNamed) in [("shop.example", true), ("*.example", true), ("edge.example", false)] {
                try write(hostname: hostname)
                let found = try check().diagnostics
                #expect(found.contains("warning[serving.certificate-name]") != isNamed, "\(found)")
            }
            let heddle = try HeddleProcess.serving(folder)
            let status = try Heddle.run(["status", "--state", folder.state()]).output
            let words =
                "warning[serving.certificate-name]: found a certificate for \"shop.example\", expected one that names "
                + "\"edge.example\""
            #expect(heddle.errors.contains(words), "\(heddle.errors)")
            #expect(status.contains(words), "\(status)")
            #expect(heddle.terminate() == .code(0))
        }

        @Test func `check warns of an authority of another trust domain`() throws {
            try authority.makeSelfSigned("edge", days: 40)
            let other = try Authority(folder, createdIn: "other", "--trust-domain", "other.org")
            try write(mesh: mesh(other.name))
            let found = try check()
            #expect(found.exitCode == 0)
            #expect(
                found.diagnostics.contains(
                    "warning[serving.authority-name]: found an authority of trust domain \"other.org\""),
                "\(found.diagnostics)")
        }

        @Test func `check refuses an authority that is over, in the words that the running mesh has for it`() throws {
            try authority.makeSelfSigned("edge", days: 400)
            try authority.makeSelfSigned("over", days: -1, isAuthority: true)
            try write(mesh: mesh("over"))
            let result = try check()
            #expect(result.exitCode == 1)
            let told = try #require(
                result.diagnostics.split(separator: "\n").first { $0.contains("error[serving.cannot-issue]") })
            let words = told[try #require(told.firstRange(of: "error[")).lowerBound...]
            #expect(words.contains("expired at"))
            let heddle = try HeddleProcess.serving(folder)
            #expect(heddle.errors.contains(words), "\(heddle.errors)")
            #expect(heddle.terminate() == .code(0))
        }

        @Test func `check warns of an authority that ends soon, and of each certificate that is trusted besides`()
            throws
        {
            try authority.makeSelfSigned("edge", days: 400)
            try authority.makeSelfSigned("soon", days: 10, isAuthority: true)
            try authority.makeSelfSigned("former", days: -1, isAuthority: true)
            try write(mesh: mesh("soon"))
            #expect(try check().diagnostics.contains("found the authority's signing certificate"))
            try Files.replace(
                authority.certificate("soon"),
                Files.text(authority.certificate("soon")) + Files.text(authority.certificate("former")))
            let result = try check()
            #expect(result.exitCode == 0)
            #expect(result.diagnostics.occurrences(of: "warning[serving.certificate-time]") == 2)
            #expect(result.diagnostics.contains("take this one out of the file"))
        }

        // MARK: A running mesh

        @Test func `what ends soon is in status, metrics and log, where it is told once, until it is replaced`() throws
        {
            try authority.makeSelfSigned("edge", days: 20)
            try write()
            let heddle = try HeddleProcess.serving(folder)
            #expect(heddle.errors.occurrences(of: "serving.certificate-time") == 1, "\(heddle.errors)")
            try heddle.serve { try folder.write(Shop.service("more"), as: "more.yaml") }
            #expect(heddle.errors.occurrences(of: "serving.certificate-time") == 1)
            let status = try Heddle.run(["status", "--state", folder.state()]).output
            #expect(status.contains("serving.certificate-time"))
            #expect(status.contains("expires in 19 days"))
            #expect(status.contains("signing  (state folder)"))
            let json = try Heddle.run(["status", "-o", "json", "--state", folder.state()]).output
            #expect(json.contains("\"state\": \"ending\""))
            if Tool.exists("curl") {
                let metrics = try Tool.run(
                    "curl", ["-s", "--unix-socket", folder.state() + "/admin.sock", "http://heddle/metrics"], in: folder
                ).output
                let place = "use=\"gateway\",file=\"\(authority.certificate("edge"))\""
                #expect(metrics.contains("heddle_certificate_not_after_seconds{\(place)"), "\(metrics)")
                #expect(metrics.contains("heddle_certificate_not_after_seconds{use=\"signing\",file=\"\""))
            }
            // For a moment they do not fit each other, and what was shown goes on.
            try authority.makeSelfSigned("edge", days: 400)
            try heddle.wait("mended") { heddle.errors.contains("every certificate is valid for long enough again") }
            #expect(try !Heddle.run(["status", "--state", folder.state()]).output.contains("certificate-time"))
            #expect(heddle.terminate() == .code(0))
        }

        @Test func `SIGHUP tells of no certificate that was renewed meanwhile`() throws {
            try authority.makeSelfSigned("edge", days: 400)
            try write(mesh: "  identity: {svidTTL: 30s}")
            let heddle = try HeddleProcess.serving(folder)
            let root = "\(folder.state())/authority/root-mesh.local.pem"
            let text = Files.text(root)
            try Files.replace(root, "garbage")
            try heddle.wait("told of") { heddle.errors.contains("serving.certificate-time") }
            try Files.replace(root, text)
            // Who asks has it tried again.
            let isRenewed = try Poll.until {
                try !Heddle.run(["status", "--state", folder.state()]).output.contains("serving.")
            }
            #expect(isRenewed, "\(heddle.errors)")
            let before = heddle.errors
            heddle.process.send(SIGHUP)
            try heddle.wait("read again") { heddle.errors.contains("read again: nothing has changed") }
            #expect(!heddle.errors.dropFirst(before.count).contains("serving.certificate-time"), "\(heddle.errors)")
            #expect(heddle.terminate() == .code(0))
        }

        @Test func `a workload's certificate that is not renewed is told of before it ends, though nothing changes`()
            throws
        {
            try authority.makeSelfSigned("edge", days: 400)
            try authority.makeSelfSigned("signs", days: 400, isAuthority: true)
            try write(mesh: mesh("signs", ttl: "30s"))
            let heddle = try HeddleProcess.serving(folder)
            try Files.replace(authority.key("signs"), "no key")
            try heddle.wait("told of") {
                heddle.errors.contains("the certificate of spiffe://mesh.local/ns/shop/sa/web expires at")
            }
            #expect(heddle.terminate() == .code(0))
        }
    }
}
