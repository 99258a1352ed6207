import Glibc
import TestSupport
import Testing

extension ScenarioTests {
    /// Processes of several users, as only root can start them.
    @Suite(
        .enabled(
            if: geteuid() == 0 && ["setpriv", "curl"].allSatisfy(Tool.exists),
            "only root can be several users, with setpriv and curl"))
    struct `Who calls on a host` {
        private let backend = TestBackend.forgetfulEcho()
        private let port = TestPort.free()
        private let folder: TestFolder

        init() throws { folder = try TestFolder() }

        private func write(_ selectors: String, listen: String? = nil) throws {
            try folder.write(
                Shop.oneHost(outbound: TestPort.free(), orders: backend.port) + "---\n"
                    + Shop.workload(
                        "caller",
                        "serviceAccount: caller, selectors: \(selectors), outbound: {listen: \"\(listen ?? "127.0.0.1:\(port)")\"}"
                    ))
        }

        /// - Parameters:
        ///   - user: Whose process calls; its group is number 65534.
        ///   - through: What starts curl, and is it afterwards.
        /// - Returns: `200`, or `403 not-attested`.
        private func call(
            as user: UInt32, group: UInt32 = 65_534, through: [String] = [], by program: String = "curl",
            socket: String? = nil, beside heddle: HeddleProcess? = nil
        ) throws -> String {
            let to =
                socket.map { ["--unix-socket", $0, "http://orders.shop/"] }
                ?? ["-H", "Host: orders.shop", "http://127.0.0.1:\(port)/"]
            let arguments =
                (heddle?.beside ?? ["env"]) + [
                    "setpriv", "--reuid", "\(user)", "--regid", "\(group)", "--clear-groups",
                ] + through
                + [program, "-s", "-o", "/dev/null", "-w", "%{http_code} %header{x-heddle-reason}"] + to
            return try Tool.run(arguments[0], Array(arguments.dropFirst()), in: folder).output.split(separator: " ")
                .joined(separator: " ")
        }

        /// curl's own file, where links lead to.
        private func curl() throws -> String {
            let found = try Tool.run("sh", ["-c", "readlink -f \"$(command -v curl)\""], in: folder).output
            return String(found.prefix { $0 != "\n" })
        }

        @Test func `is the user who made the connection, by number, by name, and with a group`() throws {
            try write("[{unix: {uid: 4001}}, {unix: {user: games}}, {unix: {uid: 4002, gid: 4003}}]")
            let heddle = try HeddleProcess.serving(folder)
            let games = try #require(
                UInt32(try Tool.run("id", ["-u", "games"], in: folder).output.prefix { $0 != "\n" }))
            #expect(try call(as: 4001) == "200")
            #expect(try call(as: games) == "200")
            #expect(try call(as: 4002, group: 4003) == "200")
            #expect(try call(as: 4002) == "403 not-attested")
            #expect(try call(as: 4004) == "403 not-attested")
            // Root is a user like others.
            #expect(try call(as: 0) == "403 not-attested")
            #expect(Poll.until { heddle.errors.contains("found=\"uid 4004") }, "\(heddle.errors)")
        }

        @Test func `is who executes a file, if it is that user's process`() throws {
            try write("[{unix: {uid: 4001, path: '\(try curl())'}}]")
            let heddle = try HeddleProcess.serving(folder)
            #expect(try call(as: 4001) == "200", "\(heddle.errors)")
            #expect(try call(as: 4002) == "403 not-attested")
            // The same bytes at another path.
            let copy = folder.file("curl")
            #expect(try Tool.run("cp", [curl(), copy], in: folder).status == .code(0))
            try heddle.serve { try write("[{unix: {uid: 4001, path: '\(copy)'}}]") }
            #expect(try call(as: 4001) == "403 not-attested")
        }

        @Test func `is not known closer to who may not look, and the log says what is missing`() throws {
            try write("[{unix: {uid: 4001, path: '\(try curl())'}}, {unix: {uid: 4002}}]")
            let heddle = try HeddleProcess.serving(folder, lacking: "sys_ptrace")
            #expect(try call(as: 4001) == "403 not-attested")
            #expect(
                Poll.until { heddle.errors.contains(": CAP_SYS_PTRACE is missing") },
                "\(heddle.errors)")
            #expect(heddle.errors.contains("warning[serving.missing-capability]"), "\(heddle.errors)")
            #expect(try call(as: 4002) == "200")
        }

        @Test func `is asked over a Unix socket, too`() throws {
            let socket = folder.file("caller.sock")
            try write("[{unix: {uid: 4001, gid: 4003, path: '\(try curl())'}}]", listen: "unix:\(socket)")
            let heddle = try HeddleProcess.serving(folder)
            // What stands in the way of others.
            #expect(unsafe chmod(folder.file("."), 0o755) == 0)
            #expect(try call(as: 4001, group: 4003, socket: socket) == "200", "\(heddle.errors)")
            #expect(try call(as: 4001, socket: socket) == "403 not-attested")
            #expect(try call(as: 4002, group: 4003, socket: socket) == "403 not-attested")
        }

        @Test func `is nobody in a mount namespace of its own, and no user that is not there`() throws {
            try write("[{unix: {uid: 4001, path: '\(try curl())'}}, {unix: {user: nobody-of-that-name}}]")
            let heddle = try HeddleProcess.serving(folder)
            #expect(Poll.until { heddle.errors.contains("warning[serving.unknown-account]") }, "\(heddle.errors)")
            #expect(try call(as: 4001) == "200")
            let arguments = [
                "-m", "setpriv", "--reuid", "4001", "--clear-groups", "--regid", "65534", "curl", "-s", "-o",
                "/dev/null", "-w",
                "%{http_code}", "-H", "Host: orders.shop", "http://127.0.0.1:\(port)/",
            ]
            #expect(try Tool.run("unshare", arguments, in: folder).output == "403")
            #expect(Poll.until { heddle.errors.contains("it sees other mounts") }, "\(heddle.errors)")
        }

        /// What the process's own table of descriptors does not show.
        @Test(
            .enabled(if: unsafe access("/usr/bin/python3", X_OK) == 0, "no python3 to be a process with threads"),
            arguments: ["unshare(0x400)", "getpid()"], ["pthread_exit(None)", "getpid()"])
        func `is a thread's process, with descriptors of its own or after the first thread's end`(
            inThread: String, inFirst: String
        ) throws {
            let python = try Tool.run("readlink", ["-f", "/usr/bin/python3"], in: folder).output.prefix { $0 != "\n" }
            try write("[{unix: {uid: 4001, path: '\(python)'}}]")
            let heddle = try HeddleProcess.serving(folder)
            let script = """
                import ctypes, os, socket, threading
                def has_ended():
                    return open("/proc/self/stat").read().rpartition(")")[2].split()[0] == "Z"
                def call():
                    while "exit" in "\(inFirst)" and not has_ended(): os.sched_yield()
                    ctypes.CDLL(None).\(inThread)
                    connection = socket.create_connection(("127.0.0.1", \(port)))
                    connection.sendall(b"GET / HTTP/1.1\\r\\nHost: orders.shop\\r\\n\\r\\n")
                    os.write(1, connection.recv(12)[9:])
                    os._exit(0)
                thread = threading.Thread(target=call)
                thread.start()
                ctypes.CDLL(None).\(inFirst)
                thread.join()
                """
            let arguments = ["--reuid", "4001", "--regid", "65534", "--clear-groups", String(python), "-c", script]
            #expect(try Tool.run("setpriv", arguments, in: folder).output == "200", "\(heddle.errors)")
        }

        @Test(.enabled(if: ["unshare", "nsenter"].allSatisfy(Tool.exists), "nobody can be given mounts of their own"))
        func `is who executes a file that Heddle's own mounts hide`() throws {
            let (programs, caller) = (folder.file("programs"), folder.file("programs/caller"))
            #expect(unsafe chmod(folder.file("."), 0o755) == 0)
            #expect(unsafe mkdir(programs, 0o755) == 0)
            #expect(try Tool.run("install", ["-m", "755", curl(), caller], in: folder).status == .code(0))
            try write("[{unix: {uid: 4001, path: '\(caller)'}}]")
            let heddle = try HeddleProcess.serving(folder, hidden: programs)
            #expect(try call(as: 4001, by: caller, beside: heddle) == "200", "\(heddle.errors)")
            #expect(try call(as: 4001, beside: heddle) == "403 not-attested")
            // One that was replaced is not what lies there.
            #expect(try Tool.run("mv", [caller, folder.file("former")], in: folder).status == .code(0))
            #expect(try Tool.run("cp", [curl(), caller], in: folder).status == .code(0))
            #expect(try call(as: 4001, by: folder.file("former"), beside: heddle) == "403 not-attested")
            #expect(try call(as: 4001, by: caller, beside: heddle) == "200", "\(heddle.errors)")
        }

        @Test(.enabled(if: ControlGroup.canBeMade, "no control group of version 2 can be made here"))
        func `is who is in a control group, by its path`() throws {
            let group = try ControlGroup()
            try write("[{cgroup: {path: '\(group.path)'}}]")
            let heddle = try HeddleProcess.serving(folder)
            let inside = ["sh", "-c", "exec \"$@\"", "sh"]
            #expect(try call(as: 4001, through: inside) == "403 not-attested")
            let script =
                "echo $$ > \(group.folder)/cgroup.procs && exec curl -s -o /dev/null -w '%{http_code}' "
                + "-H 'Host: orders.shop' http://127.0.0.1:\(port)/"
            #expect(try Tool.run("sh", ["-c", script], in: folder).output == "200", "\(heddle.errors)")
            // The second is known from the first.
            #expect(try Tool.run("sh", ["-c", script], in: folder).output == "200")
        }

        @Test func `is told of to operators, with what was found and what stood in the way`() throws {
            try write("[{unix: {uid: 4001, path: /usr/bin/other}}]")
            let heddle = try HeddleProcess.serving(folder)
            let answer = try Tool.run(
                "setpriv",
                [
                    "--reuid", "4001", "--regid", "65534", "--clear-groups", "curl", "-s", "-i", "-H",
                    "Host: orders.shop",
                    "http://127.0.0.1:\(port)/",
                ], in: folder
            ).output
            #expect(
                answer.hasPrefix("HTTP/1.1 403 ") && !answer.contains("4001") && !answer.contains("/usr/bin"),
                "\(answer)")
            let mark = try #require(answer.firstRange(of: "x-request-id: "))
            let id = String(answer[mark.upperBound...].prefix { !$0.isNewline })
            let why = "shop/caller: selectors[0] says path /usr/bin/other"
            let told = try Heddle.run(["explain", "--decision", id, "--state", folder.state()])
            #expect(told.exitCode == 1)
            for part in ["listener  Workload shop/caller", "uid 4001, ", try curl(), "REFUSED (not-attested)", why] {
                #expect(told.output.contains(part), "\(told)")
            }
            #expect(heddle.errors.contains("why=\"\(why)\""), "\(heddle.errors)")
        }

        @Test func `is asked anew when the selectors change, and who was let in is not any more`() throws {
            try write("[{unix: {uid: \(geteuid())}}]")
            let heddle = try HeddleProcess.serving(folder)
            let connection = try RawConnection(port: port)
            #expect(LoadClient.get("/", on: connection).status == 200)
            try heddle.serve { try write("[{unix: {uid: 4001}}]") }
            #expect(LoadClient.get("/", on: connection).status == 403)
            #expect(try call(as: 4001) == "200")
        }
    }
}
