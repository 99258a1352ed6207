import Glibc
import TestSupport
import Testing

extension ScenarioTests {
    /// What makes `heddle run` end before it serves, and what it goes on through.
    @Suite struct `Wrong manifests and folders` {
        private let backend = TestBackend.forgetfulEcho()
        private let port = TestPort.free()
        private let folder: TestFolder

        init() throws { folder = try TestFolder() }

        private func writeShop(rule: String = Shop.allowAll) throws {
            try folder.write(Shop.oneHost(outbound: port, orders: backend.port, rule: rule))
        }

        private func status(_ path: String = "/") throws -> Int {
            LoadClient.get(path, on: try RawConnection(port: port)).status
        }

        /// - Returns: What it said before it ended with 1.
        private func refusedStart(_ node: String? = nil, state: String? = nil) throws -> String {
            let heddle = try HeddleProcess(folder, node: node, state: state)
            #expect(heddle.process.waitForExit() == .code(1), "\(heddle.errors)")
            #expect(throws: RawConnection.ConnectFailed.self) { try RawConnection(port: port) }
            return heddle.errors
        }

        @Test func `names that have no address hold nothing up, and are warned of`() throws {
            try folder.write(
                Shop.oneHost(outbound: port, orders: backend.port)
                    .replacing("127.0.0.1:\(backend.port)", with: "localhost:\(backend.port)"))
            try folder.write(
                Shop.workload("orders-2", "service: orders, address: \"nowhere.invalid:1\""), as: "orders-2.yaml")
            let heddle = try HeddleProcess.serving(folder)
            #expect(try status() == 200)
            let report = try Heddle.run(["status", "--state", folder.state(nil)]).output
            #expect(report.contains("warning[serving.unresolved-endpoint]: found \"nowhere.invalid:1\""))
            #expect(!report.contains("localhost:\(backend.port)\","))
            #expect(heddle.terminate() == .code(0))
        }

        @Test func `a start that is refused names the folder that is missing, and leaves no socket behind`() throws {
            try Files.removeFolder(folder.manifests)
            #expect(try refusedStart().contains("error[folder.missing]: found nothing at \(folder.manifests),"))
            #expect(!Files.exists(folder.state() + "/admin.sock"))
        }

        @Test(.enabled(if: geteuid() == 0, "only root may give folders away"))
        func `a state folder of somebody else's is refused, and the message says whose it is and what to do`() throws {
            try writeShop()
            let state = folder.state()
            try Files.makeFolder(state)
            #expect(unsafe chmod(state, 0o700) == 0 && chown(state, 1234, 1234) == 0)
            #expect(try refusedStart().contains("it belongs to user 1234, and this process runs as user 0: "))
        }

        @Test func `a socket that is removed is made again, and said to be once`() throws {
            try writeShop()
            let heddle = try HeddleProcess.serving(folder)
            Files.remove("\(folder.state())/admin.sock")
            #expect(Poll.until { (try? Heddle.run(["status", "--state", folder.state()]).exitCode) == 0 })
            #expect(heddle.errors.occurrences(of: "the admin socket was removed: it is made again") == 1)
            #expect(heddle.terminate() == .code(0))
        }

        @Test(arguments: ["", "/lock"])
        func `as long as a process lives, what it keeps others away with is there, whatever is removed`(
            path: String
        ) throws {
            try writeShop()
            let heddle = try HeddleProcess.serving(folder)
            if path.isEmpty {
                for name in Files.names(in: folder.state()) {
                    try Files.removeFolder("\(folder.state())/\(name)")
                }
            } else {
                Files.remove(folder.state() + path)
            }
            // At once, and after it has been noticed.
            for _ in 0..<2 {
                let second = try HeddleProcess(folder)
                #expect(second.process.waitForExit() == .code(1))
                #expect(second.errors.contains("another heddle uses it"), "\(second.errors)")
                try heddle.wait("noticed") { heddle.errors.contains("its lock is made again") }
            }
            #expect(Poll.until { (try? Heddle.run(["status", "--state", folder.state()]).exitCode) == 0 })
            #expect(heddle.errors.occurrences(of: "its lock is made again") == 1)
            #expect(heddle.terminate() == .code(0))
        }

        @Test func `SIGHUP has what is refused told again, and that nothing has changed`() throws {
            try writeShop()
            let heddle = try HeddleProcess.serving(folder)
            heddle.process.send(SIGHUP)
            try heddle.wait("read again") { heddle.errors.contains("read again: nothing has changed") }
            _ = try heddle.refuse { try folder.write("kind: [", as: "more.yaml") }
            let mistake = "more.yaml:1:"
            let count = heddle.errors.occurrences(of: mistake)
            heddle.process.send(SIGHUP)
            try heddle.wait("told again") { heddle.errors.contains("refused as before") }
            #expect(heddle.errors.occurrences(of: mistake) == 2 * count)
            // Each line is a record with its time and level.
            for line in heddle.errors.split(separator: "\n") {
                #expect(
                    line.prefixMatch(of: /\d{4}-\d\d-\d\dT\S+ (info|notice|warning|error) heddle/) != nil, "\(line)")
            }
            #expect(heddle.terminate() == .code(0))
        }

        @Test func `a warning that stands is told once, and a mended mistake is said to be mended`() throws {
            try writeShop()
            let heddle = try HeddleProcess.serving(folder)
            #expect(heddle.errors.occurrences(of: "policy.allow-for-everyone") == 1)
            try heddle.serve { try folder.write(Shop.service("more"), as: "more.yaml") }
            #expect(heddle.errors.occurrences(of: "policy.allow-for-everyone") == 1)

            let refused = try heddle.refuse { try folder.write("kind: [", as: "more.yaml") }
            #expect(!refused.contains("policy.allow-for-everyone"))
            try folder.write(Shop.service("more"), as: "more.yaml")
            try heddle.wait("mended") { heddle.errors.contains("the mistakes are mended") }
            _ = try heddle.refuse { try folder.write("kind: [", as: "more.yaml") }
            try heddle.serve { try folder.write(Shop.service("others"), as: "more.yaml") }
            #expect(heddle.errors.occurrences(of: "the mistakes are mended") == 2)
            #expect(heddle.terminate() == .code(0))
        }

        @Test func `at first start nothing is served, every mistake is said with its place, and the exit code is 1`()
            throws
        {
            try writeShop()
            try folder.write(
                """
                apiVersion: heddle/v1
                kind: HTTPRoute
                metadata: {name: orders, namespace: shop}
                spec:
                  parentRefs: [{kind: Service, name: orders}]
                  rules:
                  - backendRefs: [{name: ordesr}]
                ---
                \(manifest("Service", "other", "{protokol: HTTP}"))

                """, as: "wrong.yaml")
            let errors = try refusedStart()
            #expect(errors.contains("wrong.yaml:7:26: error["), "\(errors)")
            #expect(errors.contains("wrong.yaml:12:8: error["), "\(errors)")
            #expect(errors.split(separator: "error[").count == 3, "each mistake is said once: \(errors)")
            #expect(!errors.contains("what was served before"))
        }

        @Test func `a wrong change is refused while the last good set serves, and taken up once it is mended`() throws {
            try writeShop()
            let heddle = try HeddleProcess.serving(folder)
            #expect(try status() == 200)
            let errors = try heddle.refuse { try folder.write("kind: Servise\n", as: "more.yaml") }
            #expect(errors.contains("more.yaml:1:7: error["), "\(errors)")
            #expect(try status() == 200)
            try heddle.serve {
                try folder.write(
                    manifest("AuthorizationPolicy", "nobody", "{action: DENY, rules: [{}]}"), as: "more.yaml")
            }
            #expect(try status() == 403)
            #expect(heddle.terminate() == .code(0))
        }

        @Test func `a change of what is read at start only is taken up with a warning`() throws {
            func write(workers: Int, connections: Int) throws {
                let shop = Shop.oneHost(outbound: port, orders: backend.port)
                try folder.write(
                    shop.replacing("workers: 2", with: "workers: \(workers), limits: {connections: \(connections)}"))
            }
            try write(workers: 1, connections: 100)
            let heddle = try HeddleProcess.serving(folder)
            #expect(!heddle.errors.contains("serving.restart-needed"))
            try heddle.serve { try write(workers: 2, connections: 101) }
            #expect(heddle.errors.contains("warning[serving.restart-needed]: found another proxy.workers"))
            #expect(heddle.errors.contains("warning[serving.restart-needed]: found another proxy.limits.connections"))
            #expect(heddle.terminate() == .code(0))
        }

        @Test func `after a restart with a wrong folder the last good set serves`() throws {
            try writeShop()
            let first = try HeddleProcess.serving(folder)
            #expect(first.terminate() == .code(0))
            try folder.write("kind: [", as: "more.yaml")
            let second = try HeddleProcess.serving(folder)
            #expect(second.errors.contains("more.yaml:"), "\(second.errors)")
            #expect(try status() == 200)
            #expect(second.terminate() == .code(0))
        }

        @Test func `a first run that was killed as soon as it served has kept what it served`() throws {
            try writeShop()
            try HeddleProcess.serving(folder).kill()
            try folder.write("kind: [", as: "more.yaml")
            let second = try HeddleProcess.serving(folder)
            #expect(try status() == 200)
            #expect(second.terminate() == .code(0))
        }

        @Test func `a taken port is said with its line, and holds back its listener alone until it is free`() throws {
            try writeShop()
            let heddle = try HeddleProcess.serving(folder)
            var other: TestBackend? = TestBackend.fixed("")
            let taken = try #require(other).port
            try heddle.serve {
                try folder.write(
                    Shop.workload("other-1", "service: web, outbound: {listen: \"127.0.0.1:\(taken)\"}"),
                    as: "other.yaml")
            }
            #expect(heddle.errors.contains("other.yaml:4:41: error[serving.cannot-listen]"), "\(heddle.errors)")
            #expect(try status() == 200)
            other = nil
            try heddle.wait("listening") { (try? RawConnection(port: taken)) != nil }
            #expect(LoadClient.get("/", on: try RawConnection(port: taken)).status == 200)
            #expect(heddle.terminate() == .code(0))
        }

        /// Tests may run as root, whom no permission bits stop: a file in the folder's place and the kernel's own
        /// file system do.
        @Test(arguments: ["file", "/proc/heddle-state"])
        func `a state folder that cannot be made or written is said at start`(place: String) throws {
            try writeShop()
            try Files.replace(folder.file("file"), "")
            let state = place.hasPrefix("/") ? place : folder.file(place)
            let errors = try refusedStart(state: state)
            #expect(errors.contains("state folder \(state): "), "\(errors)")
        }

        @Test(arguments: ["", "/state", "/a/b"])
        func `a state folder in the folder of manifests is refused, and is not made`(place: String) throws {
            try writeShop()
            let errors = try refusedStart(state: folder.manifests + place)
            #expect(errors.contains("it lies in the folder of manifests"), "\(errors)")
            #expect(Files.names(in: folder.manifests) == ["mesh.yaml"])
        }

        @Test func `a second process on the same state folder is refused, and the first goes on`() throws {
            try writeShop()
            let first = try HeddleProcess.serving(folder)
            let second = try HeddleProcess(folder)
            #expect(second.process.waitForExit() == .code(1))
            #expect(second.errors.contains("another heddle uses it"), "\(second.errors)")
            #expect(try status() == 200)
            #expect(first.terminate() == .code(0))
        }

        @Test func `a socket file that a killed process left is taken over`() throws {
            let socket = folder.file("web.sock")
            try writeShop()
            try folder.write(
                Shop.workload("web-2", "service: web, outbound: {listen: \"unix:\(socket)\"}"), as: "unix.yaml")
            try HeddleProcess.serving(folder).kill()
            #expect(Files.exists(socket))
            let heddle = try HeddleProcess.serving(folder)
            #expect(try status() == 200)
            if Tool.exists("curl") {
                let answer = try Tool.run(
                    "curl", ["-s", "--max-time", "20", "--unix-socket", socket, "http://orders.shop/"], in: folder)
                #expect(answer.output.hasPrefix("GET / HTTP/1.1"), "\(answer)")
            }
            #expect(heddle.terminate() == .code(0))
        }

        // MARK: State folders

        private func mode(_ path: String) -> UInt32 {
            var status = stat()
            return unsafe stat(path, &status) == 0 ? status.st_mode & 0o7777 : 0
        }

        private func makeFolder(_ name: String, _ permissions: UInt32) throws -> String {
            let path = folder.file(name)
            try Files.makeFolder(path)
            #expect(unsafe chmod(path, permissions) == 0)
            return path
        }

        @Test(arguments: [0o755, 0o1777, 0o700] as [UInt32])
        func `a folder with others' files is no state folder, and is left as it is`(permissions: UInt32) throws {
            try writeShop()
            let theirs = try makeFolder("theirs", permissions)
            try Files.replace(theirs + "/a-file", "a")
            let errors = try refusedStart(state: theirs)
            #expect(errors.contains("not empty and not Heddle's (\"a-file\" lies there)"), "\(errors)")
            #expect(mode(theirs) == permissions)
            #expect(Files.names(in: theirs) == ["a-file"])
        }

        @Test func `an empty folder that others may enter is no state folder until it is closed`() throws {
            try writeShop()
            let empty = try makeFolder("empty", 0o755)
            let errors = try refusedStart(state: empty)
            #expect(errors.contains("chmod 700"), "\(errors)")
            #expect(mode(empty) == 0o755)
            #expect(Files.names(in: empty) == [])
            #expect(unsafe chmod(empty, 0o700) == 0)
            let heddle = try HeddleProcess.serving(folder, state: empty)
            #expect(heddle.terminate() == .code(0))
            #expect(Files.exists(empty + "/heddle-state"))
        }

        @Test func `a state folder is taken again, as earlier versions left it and with something else in it`() throws {
            try writeShop()
            let state = folder.state()
            #expect(try HeddleProcess.serving(folder).terminate() == .code(0))
            #expect(mode(state) == 0o700)
            // Ours: closed again.
            #expect(unsafe chmod(state, 0o750) == 0)
            #expect(try HeddleProcess.serving(folder).terminate() == .code(0))
            #expect(mode(state) == 0o700)
            // Earlier versions left no mark.
            Files.remove(state + "/heddle-state")
            try Files.replace(state + "/notes.txt", "mine")
            #expect(try HeddleProcess.serving(folder).terminate() == .code(0))
            // What is open was closed by none of them.
            #expect(unsafe chmod(state, 0o755) == 0)
            #expect(try refusedStart(state: state).contains("not empty and not Heddle's"))
            #expect(mode(state) == 0o755)
        }

        enum BadKey: CaseIterable {
            case readableByOthers, ofAnotherCertificate, missing

            func spoil(_ authority: Authority) throws -> String {
                let key = authority.key(authority.name)
                switch self {
                case .readableByOthers:
                    try Files.replace(key, Files.text(key), mode: 0o644)
                    return "chmod 600"
                case .ofAnotherCertificate:
                    try Authority(authority.folder, name: "stranger").copyKey(to: key)
                    return "the key is not the first certificate's"
                case .missing:
                    Files.remove(key)
                    return "No such file"
                }
            }
        }

        @Test(.enabled(if: Tool.exists("openssl")), arguments: BadKey.allCases)
        func
            `an authority's key that cannot be used is said at start, and the node takes no calls from others until it can`(
                bad: BadKey
            ) throws
        {
            let nodes = try TwoNodes()
            let key = nodes.authority.key(nodes.authority.name)
            let good = Files.text(key)
            let words = try bad.spoil(nodes.authority)
            let heddle = try nodes.start("b")
            let mesh = Files.text("\(nodes.folder.manifests)/mesh.yaml").split(
                separator: "\n", omittingEmptySubsequences: false)
            let line = try #require(mesh.firstIndex { $0.contains("keyFile") }) + 1
            #expect(heddle.errors.contains("mesh.yaml:\(line):"), "\(heddle.errors)")
            #expect(heddle.errors.contains(words), "\(heddle.errors)")
            #expect(throws: RawConnection.ConnectFailed.self) { try RawConnection(port: nodes.inbound) }
            try Files.replace(key, good)
            try heddle.wait("listening") { (try? RawConnection(port: nodes.inbound)) != nil }
            #expect(try nodes.call(as: "web").output.contains("HTTP/1.1 200"))
            #expect(heddle.terminate() == .code(0))
        }
    }
}

extension Authority {
    fileprivate func copyKey(to path: String) throws { try Files.replace(path, Files.text(key(name))) }
}
