import Glibc
import TestSupport
import Testing

extension ScenarioTests {
    /// What a running mesh writes, and whoever reads it or does not.
    @Suite struct Output {
        /// A pipe that is full, and that nobody reads.
        private struct FullPipe {
            let reading: CInt
            let writing: CInt

            init(flags: CInt) {
                (reading, writing) = Descriptors.pipe()
                _ = fcntl(writing, F_SETFL, O_NONBLOCK)
                let bytes = [UInt8](repeating: UInt8(ascii: "\n"), count: 4096)
                while unsafe write(writing, bytes, bytes.count) > 0 {}
                _ = fcntl(writing, F_SETFL, flags)
            }

            /// Until its other end is closed.
            func readAll() {
                var buffer = [UInt8](repeating: 0, count: 65536)
                while unsafe read(reading, &buffer, buffer.count) > 0 {}
            }

            func close() {
                Glibc.close(reading)
                Glibc.close(writing)
            }
        }

        private static func start(
            _ folder: TestFolder, outputTo: CInt? = nil, errorsTo: CInt? = nil, through shell: String? = nil
        ) throws -> ChildProcess {
            let arguments = ["run", "--manifests", folder.manifests, "--state", folder.state()]
            let words = shell.map { ["-c", "\($0); exec \"$@\"", "sh", Heddle.path] + arguments } ?? arguments
            let process = try ChildProcess(
                shell == nil ? Heddle.path : "/bin/sh", words, folder: folder.file("logs"), outputTo: outputTo,
                errorsTo: errorsTo)
            try #require(
                Poll.until {
                    (try? Heddle.run(["status", "--state", folder.state()]).output.contains("applied")) ?? false
                },
                "not serving")
            return process
        }

        private static func metric(_ name: String, _ folder: TestFolder) throws -> Int {
            let result = try Tool.run(
                "curl", ["-s", "--unix-socket", folder.state() + "/admin.sock", "http://heddle/metrics"], in: folder)
            let line = result.output.split(separator: "\n").first { $0.hasPrefix(name + " ") }
            return line.flatMap { Int($0.dropFirst(name.count + 1)) } ?? -1
        }

        @Test func `a log that nobody reads holds up no call, no change, no question and no end`() throws {
            let backend = TestBackend.forgetfulEcho()
            let port = TestPort.free()
            let folder = try TestFolder()
            try folder.write(Shop.oneHost(outbound: port, orders: backend.port))
            let pipe = FullPipe(flags: 0)
            defer { pipe.close() }
            let process = try Self.start(folder, errorsTo: pipe.writing)
            let caller = try RawConnection(port: port)
            for round in 0..<20 {
                // Each of them is told.
                try folder.write(Shop.generation(round), as: "generation.yaml")
                #expect(
                    Poll.until { LoadClient.get("/orders", on: caller).field("x-served-by") == "\(round)" },
                    "round \(round)")
            }
            #expect(try Heddle.run(["status", "--state", folder.state()]).exitCode == 0)
            process.send(SIGTERM)
            #expect(process.waitForExit() == .code(0))
        }

        @Test(arguments: [CInt(0), O_NONBLOCK])
        func `an access log that nobody reads holds up no call, and waits without spinning`(flags: CInt) throws {
            let backend = TestBackend.forgetfulEcho()
            let port = TestPort.free()
            let folder = try TestFolder()
            try folder.write(
                Shop.oneHost(outbound: port, orders: backend.port).replacing("accessLog: None", with: "accessLog: All"))
            let pipe = FullPipe(flags: flags)
            defer { pipe.close() }
            let process = try Self.start(folder, outputTo: pipe.writing)
            let caller = try RawConnection(port: port)
            for _ in 0..<50 { #expect(LoadClient.get("/", on: caller).status == 200) }
            // Two seconds of it must not cost a tenth of that.
            let before = process.processorTicks
            Pause.inWhichNothingMayHappen(.seconds(2))
            let used = process.processorTicks - before
            #expect(used < 20, "\(used) ticks")
            process.send(SIGTERM)
            #expect(process.waitForExit() == .code(0))
        }

        @Test func `a reader that has stalled finds out how many lines it has lost, from when to when`() throws {
            let backend = TestBackend.forgetfulEcho()
            let port = TestPort.free()
            let folder = try TestFolder()
            try folder.write(
                Shop.oneHost(outbound: port, orders: backend.port).replacing("accessLog: None", with: "accessLog: All"))
            let pipe = FullPipe(flags: 0)
            defer { pipe.close() }
            let process = try Self.start(folder, outputTo: pipe.writing)
            let caller = try RawConnection(port: port)
            let padding = String(repeating: "p", count: 7_000)
            // As many as 4 MiB of them wait.
            for _ in 0..<700 { #expect(LoadClient.get("/\(padding)", on: caller).status == 200) }
            let status = try Heddle.run(["status", "--state", folder.state()]).output
            #expect(status.contains("of the access log, the last at"), "\(status)")
            let lost = try Self.metric("heddle_access_log_dropped_total", folder)
            #expect(lost > 0)
            spawn { pipe.readAll() }
            #expect(Poll.until { process.errors.contains("lines of the access log were lost") }, "\(process.errors)")
            let line = process.errors.split(separator: "\n").first { $0.contains("access log were lost") } ?? ""
            #expect(line.contains("lines=\(lost)") && line.contains("from=") && line.contains("to="), "\(line)")
            process.send(SIGTERM)
            #expect(process.waitForExit() == .code(0))
        }

        @Test func `of an access log that the disk does not take, lines are whole or not there, counted and told`()
            throws
        {
            let backend = TestBackend.forgetfulEcho()
            let port = TestPort.free()
            let folder = try TestFolder()
            try folder.write(
                Shop.oneHost(outbound: port, orders: backend.port).replacing("accessLog: None", with: "accessLog: All"))
            // A limit of a file's size is as good as a full disk, and needs no disk: 40 KiB.
            let file = folder.file("access.log")
            let log = unsafe open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
            defer { close(log) }
            let process = try Self.start(folder, outputTo: log, through: "ulimit -f 80")
            let caller = try RawConnection(port: port)
            let padding = String(repeating: "p", count: 1000)
            for _ in 0..<60 { #expect(LoadClient.get("/\(padding)", on: caller).status == 200) }
            #expect(try Poll.until { try Self.metric("heddle_access_log_dropped_total", folder) > 0 })
            #expect(Poll.until { process.errors.contains("lines of the access log are lost") }, "\(process.errors)")
            #expect(process.errors.contains("File too large"))

            // Whoever makes room finds whole lines from then on.
            unsafe truncate(file, 0)
            for _ in 0..<5 { #expect(LoadClient.get("/after", on: caller).status == 200) }
            process.send(SIGTERM)
            #expect(process.waitForExit() == .code(0))
            let lines = Files.text(file).split(separator: "\n", omittingEmptySubsequences: false)
            #expect(lines.last == "")
            #expect(lines.dropLast().allSatisfy { $0.hasPrefix("{") && $0.hasSuffix("}") }, "\(lines)")
            #expect(lines.count { $0.contains("/after") } == 5)
        }

        @Test(arguments: [true, false])
        func `a change whose output is lost is told of as taken, and a question or a dry run is not`(isUnread: Bool)
            throws
        {
            let folder = try TestFolder()
            try folder.write(Shop.oneHost(outbound: TestPort.free(), orders: 1))
            let process = try Self.start(folder)
            try Files.replace(folder.file("new.yaml"), Shop.service("new"))
            let apply = ["apply", "-f", folder.file("new.yaml"), "--state", folder.state()]
            for (arguments, code) in [
                (apply + ["--dry-run"], 1), (["status", "--state", folder.state()], 1), (apply, 4),
                (["delete", "service", "shop/new", "--state", folder.state()], 4),
            ] as [([String], Int32)] {
                let result = try isUnread ? Heddle.runUnread(arguments) : Heddle.runWithFullDisk(arguments)
                #expect(result.exitCode == code, "\(arguments) \(result)")
                #expect(result.diagnostics.contains("the change was taken up all the same") == (code == 4))
                // A reader that has gone has had what it wanted.
                #expect(result.diagnostics.contains("cannot write the output") == !isUnread)
            }
            process.send(SIGTERM)
            #expect(process.waitForExit() == .code(0))
        }

        @Test func `one that is started without standard streams writes its logs to nothing else`() throws {
            let backend = TestBackend.forgetfulEcho()
            let port = TestPort.free()
            let folder = try TestFolder()
            try folder.write(Shop.oneHost(outbound: port, orders: backend.port))
            let process = try Self.start(folder, through: "exec <&- >&- 2>&-")
            #expect(LoadClient.get("/a", on: try RawConnection(port: port)).status == 200)
            for descriptor in 0...2 {
                let nothing = Array("/dev/null".utf8)
                var target = [UInt8](repeating: 0, count: 64)
                let count = unsafe target.withUnsafeMutableBytes {
                    unsafe readlink("/proc/\(process.id)/fd/\(descriptor)", $0.baseAddress!, $0.count)
                }
                #expect(target.prefix(max(0, count)).elementsEqual(nothing))
            }
            process.send(SIGTERM)
            #expect(process.waitForExit() == .code(0))
        }

        @Test func `the name that nothing answers to is told, and says nothing else`() throws {
            let folder = try TestFolder()
            let authority = try Authority(folder)
            try authority.issue("edge", names: "DNS:edge.example")
            let port = TestPort.free()
            try folder.write(authority.gateway("edge", port: port, hostname: "edge.example"))
            let heddle = try HeddleProcess.serving(folder)
            for asking in [
                ["-servername", "other.example"], ["-servername", "x\" \n\u{1B}peer=me"], ["-noservername"],
            ] {
                _ = try Tool.run("openssl", ["s_client", "-connect", "127.0.0.1:\(port)"] + asking, in: folder)
            }
            #expect(Poll.until { heddle.errors.contains("server_name=none") }, "\(heddle.errors)")
            #expect(heddle.errors.contains("server_name=\"other.example\""), "\(heddle.errors)")
            #expect(heddle.errors.contains(#"server_name="x\" \n\u{1B}peer=me""#), "\(heddle.errors)")
            #expect(heddle.terminate() == .code(0))
        }

        @Test func `broken handshakes by the thousand are some lines of the log, and their number`() throws {
            let folder = try TestFolder()
            let authority = try Authority(folder)
            try authority.issue("edge", names: "DNS:edge.example")
            let port = TestPort.free()
            try folder.write(authority.gateway("edge", port: port))
            let heddle = try HeddleProcess.serving(folder)
            for _ in 0..<1_000 {
                let stranger = try RawConnection(port: port)
                stranger.send("no TLS at all\r\n\r\n")
                _ = stranger.receiveAll()
            }
            #expect(Poll.until { heddle.errors.contains("handshake refused: and ") }, "\(heddle.errors)")
            let lines = heddle.errors.split(separator: "\n").filter { $0.contains("handshake refused") }
            #expect(lines.count < 20, "\(lines.count)")
            // Those that were told and those that were summed up are all of them, and the last come out at the end.
            #expect(heddle.terminate() == .code(0))
            var told = 0
            for line in heddle.errors.split(separator: "\n") where line.contains("handshake refused") {
                let words = line.split(separator: " ")
                told += words.firstIndex(of: "and").flatMap { Int(words[$0 + 1]) } ?? 1
            }
            #expect(told == 1_000)
        }
    }
}
