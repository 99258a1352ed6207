import Glibc
import TestSupport
import Testing

extension ScenarioTests {
    /// What this host stands in the way of holds back what it concerns, and never a rule.
    @Suite(.enabled(if: Tool.exists("openssl") && Tool.exists("curl"))) struct `Faults of the host` {
        private let backend = TestBackend.forgetfulEcho()
        private let outbound = TestPort.free()
        private let folder: TestFolder
        private let authority: Authority

        init() throws {
            folder = try TestFolder()
            authority = try Authority(folder)
            try authority.issue("shop", names: "DNS:shop.example")
            try authority.issue("other", names: "DNS:shop.example")
        }

        private static let denyAll = manifest("AuthorizationPolicy", "nobody", "{action: DENY, rules: [{}]}")

        private static let route = """
            apiVersion: heddle/v1
            kind: HTTPRoute
            metadata: {name: edge, namespace: shop}
            spec:
              parentRefs: [{kind: Gateway, name: edge}]
              rules: [{backendRefs: [{name: orders}]}]
            """

        /// The whole set is one file, so that every change of it is one.
        private func write(_ more: [String], mesh: String = "", denies: Bool) throws {
            let shop = Shop.oneHost(outbound: outbound, orders: backend.port, mesh: mesh)
            try folder.write(([shop] + more + (denies ? [Self.denyAll] : [])).joined(separator: "\n---\n"))
        }

        private func status() throws -> Int { LoadClient.get("/", on: try RawConnection(port: outbound)).status }

        private func gateway(_ port: UInt16, certificate: String? = nil, key: String? = nil) -> String {
            let tls = certificate.map {
                "hostname: shop.example, tls: {certificateFile: \(authority.certificate($0)), "
                    + "keyFile: \(authority.key(key ?? $0))}"
            }
            return """
                apiVersion: heddle/v1
                kind: Gateway
                metadata: {name: edge, namespace: shop}
                spec:
                  listeners:
                  - {name: a, address: 127.0.0.1, port: \(port), protocol: \(tls == nil ? "HTTP" : "HTTPS, \(tls!)")}
                ---
                \(Self.route)
                """
        }

        // MARK: Every fault, in every place

        enum Fault: CaseIterable {
            case port, certificate, authority, state, telemetry

            /// As `status` calls it.
            var code: String {
                switch self {
                case .port: "serving.cannot-listen"
                case .certificate: "serving.bad-certificate"
                case .authority, .state: "serving.cannot-issue"
                case .telemetry: "admin.telemetry-port"
                }
            }
        }

        /// What the fault concerns is new in the set, is another than before, or is no more in it.
        enum Place: CaseIterable { case new, changed, gone }

        /// A set's part that a fault concerns.
        private struct Part {
            var resources: [String] = []
            var mesh = ""
        }

        private func healthy(_ fault: Fault, _ port: UInt16) -> Part {
            switch fault {
            case .port: Part(resources: [gateway(port)])
            case .certificate: Part(resources: [gateway(port, certificate: "shop")])
            case .authority: Part(mesh: identity("root"))
            case .state: Part(resources: [Shop.workload("more-1", "serviceAccount: more")])
            case .telemetry: Part(mesh: "  telemetry: {listen: \"127.0.0.1:\(port)\"}")
            }
        }

        private func faulty(_ fault: Fault, _ port: UInt16, taken: UInt16) -> Part {
            switch fault {
            case .port: Part(resources: [gateway(taken)])
            case .certificate: Part(resources: [gateway(port, certificate: "other", key: "shop")])
            case .authority: Part(mesh: identity("shop"))
            case .state:
                Part(resources: ["more-1", "most-1"].map { Shop.workload($0, "serviceAccount: \($0)") })
            case .telemetry: Part(mesh: "  telemetry: {listen: \"127.0.0.1:\(taken)\"}")
            }
        }

        private func identity(_ name: String) -> String {
            "  identity: {authority: {type: Files, certificateFile: \(authority.certificate(name)), "
                + "keyFile: \(authority.key(name))}}"
        }

        /// Damages what is on this host besides, or only that where the set's part goes.
        private func strike(_ fault: Fault, _ place: Place) throws {
            switch fault {
            case .port, .telemetry: break
            case .certificate where place == .gone: Files.remove(authority.key("shop"))
            case .authority where place == .gone: Files.remove(authority.key("root"))
            case .certificate, .authority: break
            case .state:
                try Files.removeFolder("\(folder.state())/authority")
                try Files.replace("\(folder.state())/authority", "no folder")
            }
        }

        @Test(arguments: Fault.allCases, Place.allCases)
        func `no fault keeps a DENY from being enforced, neither in a change nor at start`(fault: Fault, place: Place)
            throws
        {
            for isAtStart in [false, true] {
                let port = TestPort.free()
                let stranger = TestBackend.fixed("")
                let before = place == .new ? Part() : healthy(fault, port)
                let after = place == .gone ? Part() : faulty(fault, port, taken: stranger.port)
                try write(before.resources, mesh: before.mesh, denies: false)
                var heddle = try HeddleProcess.serving(folder)
                #expect(try status() == 200)
                if isAtStart { #expect(heddle.terminate() == .code(0)) }
                try strike(fault, place)
                let change = { try write(after.resources, mesh: after.mesh, denies: true) }
                if isAtStart {
                    try change()
                    heddle = try HeddleProcess.serving(folder)
                } else {
                    try heddle.serve(change)
                }
                // The fault itself may have been taken up before.
                #expect(try Poll.until { try status() == 403 }, "\(heddle.errors)")
                if place != .gone {
                    #expect(heddle.errors.contains("error[\(fault.code)]"), "\(heddle.errors)")
                    let report = try Heddle.run(["status", "--state", folder.state()]).output
                    #expect(report.contains("error[\(fault.code)]"), "\(report)")
                } else if fault == .port || fault == .certificate || fault == .telemetry {
                    #expect(Poll.until { (try? RawConnection(port: port)) == nil })
                }
                // A rule that comes and goes while the fault lasts is followed, too.
                try heddle.serve { try write(after.resources, mesh: after.mesh, denies: false) }
                #expect(try Poll.until { try status() == 200 }, "\(heddle.errors)")
                #expect(heddle.terminate() == .code(0))
                if fault == .state { Files.remove("\(folder.state())/authority") }
                _ = try? authority.renewKeys()
                _ = stranger
            }
        }

        @Test func `an authority that cannot sign any more is told at every place, though nothing of the set changes`()
            throws
        {
            try write([], denies: false)
            let heddle = try HeddleProcess.serving(folder)
            let root = "\(folder.state())/authority/root-mesh.local.pem"
            let text = Files.text(root)
            try Files.replace(root, "garbage")
            #expect(try Poll.until { try readiness().contains("error[serving.cannot-issue]") }, "\(heddle.errors)")
            let metrics = try Tool.run(
                "curl", ["-s", "--unix-socket", "\(folder.state())/admin.sock", "http://heddle/metrics"], in: folder)
            #expect(metrics.output.contains("heddle_held_back{what=\"authority\"} 1\n"))
            #expect(try Heddle.run(["status", "--state", folder.state()]).output.contains("serving.cannot-issue"))
            let told = /mesh\.yaml:\d+:\d+: error\[serving\.cannot-issue\]/
            try heddle.wait("told") { heddle.errors.contains(told) }
            #expect(heddle.errors.ranges(of: told).count == 1)
            heddle.process.send(SIGHUP)
            try heddle.wait("read again") { heddle.errors.contains("read again: ") }
            #expect(heddle.errors.contains("heldBack=1"), "\(heddle.errors)")
            #expect(heddle.errors.ranges(of: told).count == 2)
            try Files.replace(root, text)
            #expect(try Poll.until { try readiness() == "ready\n" }, "\(heddle.errors)")
            try heddle.wait("over") { heddle.errors.contains("no longer so") }
            #expect(heddle.terminate() == .code(0))
        }

        @Test(arguments: ["192.0.2.77", "fe80::1"])
        func `an address that is none of this host's is told where it is written`(address: String) throws {
            let gateway = gateway(TestPort.free()).replacing("127.0.0.1", with: address)
            try write([gateway], denies: false)
            let heddle = try HeddleProcess.serving(folder)
            let line = try #require(gateway.split(separator: "\n").first { $0.contains(address) })
            let column = line.prefix(upTo: try #require(line.firstRange(of: address)).lowerBound).count + 1
            let told = try #require(
                heddle.errors.firstMatch(of: /mesh\.yaml:\d+:(\d+): error\[serving\.cannot-listen\]/))
            #expect(told.1 == "\(column)", "\(heddle.errors)")
            #expect(heddle.terminate() == .code(0))
        }

        @Test func `who applies what is held back is told so, the first time as the second, and others are not failed`()
            throws
        {
            try write([], denies: false)
            let heddle = try HeddleProcess.serving(folder)
            let port = TestPort.free()
            func apply(_ text: String) throws -> CommandResult {
                let file = folder.file("handed-in.yaml")
                try Files.replace(file, text)
                return try Heddle.run(["apply", "-f", file, "--state", folder.state()])
            }
            let wrong = gateway(port, certificate: "other", key: "shop")
            for summary in ["generation 2 serves", "nothing changes: it serves already"] {
                let result = try apply(wrong)
                #expect(result.exitCode == 4, "\(result)")
                #expect(result.output.hasSuffix("\(summary), but for what is held back\n"), "\(result)")
                #expect(result.diagnostics.occurrences(of: "error[serving.bad-certificate]") == 1, "\(result)")
            }
            let others = try apply(Shop.service("more"))
            #expect(others.exitCode == 0)
            #expect(others.diagnostics.contains("error[serving.bad-certificate]"), "\(others)")
            let right = try apply(gateway(port, certificate: "other"))
            #expect(right.exitCode == 0, "\(right)")
            #expect(right.output.hasSuffix("generation 4 serves\n"), "\(right)")
            #expect(heddle.terminate() == .code(0))
        }

        // MARK: Certificates

        private func curl(_ port: UInt16, _ path: String = "/") throws -> Tool.Result {
            try Tool.run(
                "curl",
                [
                    "-s", "--max-time", "20", "--cacert", authority.certificate, "--resolve",
                    "shop.example:\(port):127.0.0.1", "https://shop.example:\(port)\(path)", "-w", "\n%{http_code}",
                ], in: folder)
        }

        private func readiness() throws -> String {
            try Tool.run(
                "curl", ["-s", "--unix-socket", "\(folder.state())/admin.sock", "http://heddle/readyz"], in: folder
            ).output
        }

        @Test(arguments: [Fault.port, .certificate, .authority, .telemetry])
        func `what was told to be held back is told to be so no longer, when another set mends it`(fault: Fault) throws
        {
            let port = TestPort.free()
            let stranger = TestBackend.fixed("")
            let (wrong, right) = (faulty(fault, port, taken: stranger.port), healthy(fault, port))
            try write(wrong.resources, mesh: wrong.mesh, denies: false)
            let heddle = try HeddleProcess.serving(folder)
            #expect(heddle.errors.contains("error[\(fault.code)]"), "\(heddle.errors)")
            try heddle.serve { try write(right.resources, mesh: right.mesh, denies: false) }
            try heddle.wait("over") { heddle.errors.contains("no longer so") }
            let lines = heddle.errors.split(separator: "\n").filter { $0.contains("no longer so") }
            #expect(lines.count == 1 && lines[0].contains("error[\(fault.code)]"), "\(lines)")
            #expect(!heddle.errors.contains("in use besides"), "beside none")
            #expect(heddle.terminate() == .code(0))
        }

        @Test func `status names the listeners of a shared port that are held back, and those alone`() throws {
            let port = TestPort.free()
            let listener = { (name: String, certificate: String) in
                "  - {name: \(name), address: 127.0.0.1, port: \(port), protocol: HTTPS, hostname: \(name).example, "
                    + "tls: {certificateFile: \(authority.certificate(certificate)), keyFile: \(authority.key("shop"))}}\n"
            }
            let edge =
                "apiVersion: heddle/v1\nkind: Gateway\nmetadata: {name: edge, namespace: shop}\nspec:\n  listeners:\n"
            try write([edge + listener("good", "shop") + listener("bad", "other")], denies: false)
            let heddle = try HeddleProcess.serving(folder)
            let status = try Heddle.run(["status", "--state", folder.state()]).output
            #expect(status.contains("Gateway shop/edge/good,bad (held back: bad)\n"), "\(status)")
            #expect(heddle.terminate() == .code(0))
        }

        @Test func `a telemetry port that becomes free is told to be had`() throws {
            let port = TestPort.free()
            let stranger = TestPort.listen(at: port, backlog: 1)
            try write([], mesh: "  telemetry: {listen: \"127.0.0.1:\(port)\"}", denies: false)
            let heddle = try HeddleProcess.serving(folder)
            #expect(heddle.errors.contains("error[admin.telemetry-port]"), "\(heddle.errors)")
            close(stranger)
            try heddle.wait("over") { heddle.errors.contains("no longer so") }
            #expect(heddle.terminate() == .code(0))
        }

        @Test func `a new certificate that cannot be used leaves the former one in place, under the new rules`() throws
        {
            let port = TestPort.free()
            try write([gateway(port, certificate: "shop")], denies: false)
            let heddle = try HeddleProcess.serving(folder)
            #expect(try curl(port).output.hasSuffix("\n200"))
            try heddle.serve { try write([gateway(port, certificate: "other", key: "shop")], denies: true) }
            #expect(try curl(port).output.hasSuffix("\n403"), "\(heddle.errors)")
            #expect(try readiness().contains("held back: mesh.yaml:"))
            // Another name is not shown what was this one's.
            try heddle.serve {
                try write(
                    [
                        gateway(port, certificate: "other", key: "shop").replacing(
                            "hostname: shop.example", with: "hostname: other.example")
                    ], denies: false)
            }
            #expect(try curl(port).status == .code(35))
            try heddle.wait("told") {
                heddle.errors.split(separator: "\n").contains {
                    $0.contains("handshake refused") && $0.contains("reason=no-own-certificate")
                }
            }
            try heddle.serve { try write([gateway(port, certificate: "other")], denies: false) }
            #expect(try curl(port).output.hasSuffix("\n200"), "\(heddle.errors)")
            #expect(try readiness() == "ready\n")
            #expect(heddle.terminate() == .code(0))
        }

        // MARK: Keys that no handshake can be done with

        @Test(arguments: [
            (["RSA", "rsa_keygen_bits:1024"], "RSA with 1024 bits"),
            (["EC", "ec_paramgen_curve:secp256k1"], "EC on secp256k1"),
        ])
        func `check refuses a key that TLS cannot use, in the words that the running mesh has for it`(
            key: [String], kind: String
        ) throws {
            try authority.makeSelfSigned("weak", days: 400, key: key)
            try authority.makeSelfSigned("signing", days: 400, isAuthority: true, key: key)
            let port = TestPort.free()
            try write([gateway(port, certificate: "weak")], mesh: identity("signing"), denies: false)
            let result = try Heddle.run(["check", folder.manifests])
            #expect(result.exitCode == 1)
            let errors = result.diagnostics.split(separator: "\n").filter { $0.contains(" error[") }
            #expect(errors.count == 2, "\(result.diagnostics)")
            #expect(errors.contains { $0.contains("bad-certificate") && $0.contains("is \(kind): TLS takes ") })
            #expect(errors.contains { $0.contains("cannot-issue") && $0.contains("is \(kind): an authority takes ") })
            let heddle = try HeddleProcess.serving(folder)
            for error in errors {
                let words = error[try #require(error.firstRange(of: "error[")).lowerBound...]
                // A running mesh says besides what goes on meanwhile.
                let found = words[..<(words.firstRange(of: ", expected")?.lowerBound ?? words.endIndex)]
                #expect(heddle.errors.contains(found), "\(heddle.errors)")
            }
            #expect(throws: RawConnection.ConnectFailed.self) { try RawConnection(port: port) }
            #expect(heddle.terminate() == .code(0))
        }

        @Test func `the line that says what serves is an error while parts of it are held back, and counts them`()
            throws
        {
            let port = TestPort.free()
            let stranger = TestBackend.fixed("")
            let lines = { (heddle: HeddleProcess) in
                heddle.errors.split(separator: "\n").filter { $0.contains(" generation=") && $0.contains("serving") }
            }
            let warnings = { (line: Substring) in line.split(separator: " ").first { $0.hasPrefix("warnings=") } }
            try write([], denies: false)
            let heddle = try HeddleProcess.serving(folder)
            let whole = try #require(lines(heddle).last)
            #expect(whole.contains(" info ") && whole.contains("heldBack=0"))
            let parts = [
                gateway(port, certificate: "other", key: "shop"),
                gateway(stranger.port).replacing("name: edge", with: "name: taken"),
            ]
            try heddle.serve { try write(parts, denies: false) }
            let part = try #require(lines(heddle).last)
            #expect(part.contains(" error ") && part.contains("heldBack=2"), "\(part)")
            #expect(warnings(part) == warnings(whole), "what is held back is none of the warnings")
            #expect(part.contains("serving, but for what is held back"))
            try heddle.serve { try write(parts, denies: true) }
            for code in ["serving.cannot-listen", "serving.bad-certificate"] {
                #expect(heddle.errors.occurrences(of: "error[\(code)]") == 1, "told again, and nothing is new")
            }
            try heddle.serve { try write([], denies: false) }
            #expect(lines(heddle).last?.contains("heldBack=0") == true, "\(heddle.errors)")
            #expect(heddle.terminate() == .code(0))
            _ = stranger
        }

        @Test func `at start a missing certificate and a taken port are said, the rest serves, and both are retried`()
            throws
        {
            let (port, plain) = (TestPort.free(), TestPort.free())
            var stranger: TestBackend? = TestBackend.fixed("")
            let taken = try #require(stranger).port
            let key = authority.key("shop")
            let text = Files.text(key)
            Files.remove(key)
            let extra = ["plain": plain, "taken": taken].map { name, port in
                gateway(port).replacing("name: edge", with: "name: \(name)")
            }
            try write([gateway(port, certificate: "shop")] + extra, denies: false)
            let heddle = try HeddleProcess.serving(folder)
            #expect(try status() == 200)
            #expect(LoadClient.get("/", on: try RawConnection(port: plain)).status == 200)
            #expect(throws: RawConnection.ConnectFailed.self) { try RawConnection(port: port) }
            let report = try Heddle.run(["status", "--state", folder.state()]).output
            #expect(report.ranges(of: "(held back)").count == 2, "\(report)")
            #expect(try readiness().hasPrefix("ready\nheld back: "))
            let generations = heddle.servedGenerations
            stranger = nil
            try heddle.wait("listening at the port that is free") { (try? RawConnection(port: taken)) != nil }
            #expect(heddle.servedGenerations == generations)
            try Files.replace(key, text)
            try heddle.wait("listening with the key that is back") { (try? RawConnection(port: port)) != nil }
            #expect(try curl(port).output.hasSuffix("\n200"))
            try heddle.wait("ready") { (try? readiness()) == "ready\n" }
            #expect(heddle.terminate() == .code(0))
        }
    }
}

extension Authority {
    /// Files that a test removed, made anew.
    fileprivate func renewKeys() throws {
        if !Files.exists(key(name)) { _ = try Authority(folder, name: name) }
        if !Files.exists(key("shop")) { try issue("shop", names: "DNS:shop.example") }
    }
}
