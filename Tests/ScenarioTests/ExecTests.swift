import Glibc
import TestSupport
import Testing

extension ScenarioTests {
    /// `heddle exec`: programs that are started as a workload, and what others get of it.
    @Suite(
        .enabled(if: geteuid() == 0 && ["setpriv", "curl"].allSatisfy(Tool.exists), "only root can be several users"))
    struct `A program that is started as a workload` {
        private let backend = TestBackend.forgetfulEcho()
        private let port = TestPort.free()
        private let folder: TestFolder
        private let socket: String

        init() throws {
            folder = try TestFolder()
            // The folder of the test is its user's alone.
            socket = "/tmp/heddle-workload-\(UInt32.random(in: .min ... .max)).sock"
        }

        private func write(_ selectors: String = "[{exec: {}}]", users: String? = nil) throws {
            let users = users.map { ", exec: {users: \($0)}" } ?? ""
            try folder.write(
                Shop.oneHost(
                    outbound: TestPort.free(), orders: backend.port, mesh: "  workloadSocket: {path: \(socket)}")
                    + "---\n"
                    + Shop.workload(
                        "caller",
                        "serviceAccount: caller, selectors: \(selectors)\(users), outbound: {listen: \"127.0.0.1:\(port)\"}"
                    ))
        }

        private var exec: [String] { ["exec", "--as", "shop/caller", "--socket", "unix:\(socket)", "--"] }
        private var call: [String] {
            [
                "curl", "-s", "--noproxy", "*", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Host: orders.shop",
                "http://127.0.0.1:\(port)/",
            ]
        }

        private func run(_ command: [String], as user: UInt32? = nil) throws -> Tool.Result {
            guard let user else { return try Tool.run(Heddle.path, exec + command, in: folder) }
            return try Tool.run(
                "setpriv", ["--reuid", "\(user)", "--regid", "65534", "--clear-groups", Heddle.path] + exec + command,
                in: folder)
        }

        @Test func `calls as the workload, finds its way in its environment, and ends as it ends`() throws {
            try write()
            let heddle = try HeddleProcess.serving(folder)
            #expect(try run(call).output == "200", "\(heddle.errors)")
            // The same program by itself is nobody.
            #expect(try Tool.run("curl", Array(call.dropFirst()), in: folder).output == "403")
            // What it starts is the workload, too.
            #expect(try run(["sh", "-c", "\(call.map { "'\($0)'" }.joined(separator: " ")); true"]).output == "200")
            let environment = try run(["sh", "-c", "echo $http_proxy $HEDDLE_WORKLOAD $HEDDLE_SOCKET"]).output
            #expect(environment == "http://127.0.0.1:\(port) shop/caller \(socket)\n")
            #expect(
                try run(["sh", "-c", "curl -s -o /dev/null -w '%{http_code}' http://orders.shop/"]).output == "200")
            #expect(try run(["sh", "-c", "exit 7"]).status == .code(7))
            #expect(try run(["sh", "-c", "kill -KILL $$"]).status == .signal(Int(SIGKILL)))
            #expect(try run(["/no/such/program"]).status == .code(127))
            #expect(try run(["/etc/passwd"]).status == .code(126))
        }

        @Test func `is started by those who may, and by nobody else`() throws {
            try write(users: "[4001, games]")
            let heddle = try HeddleProcess.serving(folder)
            #expect(try run(call, as: 4001).output == "200", "\(heddle.errors)")
            for user in [4002, 0] as [UInt32] {
                let refused = try run(call, as: user)
                #expect(refused.status == .code(1))
                #expect(refused.output.isEmpty)
                #expect(refused.errors.contains("user \(user) may not start shop/caller"), "\(refused.errors)")
            }
            // Where the manifests name nobody it is root, and whoever Heddle runs as.
            try heddle.serve { try write() }
            #expect(try run(call, as: 0).output == "200")
            #expect(try run(call, as: 4001).status == .code(1))
        }

        @Test func `is not started without the log saying why, which the caller may not know`() throws {
            try write(users: "[4001]")
            let heddle = try HeddleProcess.serving(folder)
            func refuse(_ workload: String, as user: UInt32, _ why: String) throws {
                let exec = [Heddle.path, "exec", "--as", workload, "--socket", "unix:\(socket)", "--", "true"]
                let refused = try Tool.run(
                    "setpriv", ["--reuid", "\(user)", "--regid", "65534", "--clear-groups"] + exec, in: folder)
                #expect(
                    refused.errors == "error: user \(user) may not start \(workload), or there is no such Workload\n")
                try heddle.wait("told: \(why)") {
                    heddle.errors.split(separator: "\n").contains {
                        $0.contains("user=\(user)") && $0.contains(workload) && $0.contains(why)
                    }
                }
            }
            try refuse("shop/caler", as: 4002, "there is no such Workload")
            try refuse("shop/web-1", as: 4002, "it has no selector with exec: {}")
            try refuse("shop/caller", as: 4002, "exec.users of the Workload does not list it")
            try heddle.serve { try write() }
            try refuse("shop/caller", as: 4003, "the Workload has no exec.users")
        }

        @Test func `goes past the mesh by nothing that was in its environment before`() throws {
            try write()
            let heddle = try HeddleProcess.serving(folder)
            let before = [
                "HTTP_PROXY=http://192.0.2.1:1", "http_proxy=x", "no_proxy=*", "NO_PROXY=.shop", "https_proxy=y",
            ]
            let print = ["sh", "-c", "echo $http_proxy $HTTP_PROXY $no_proxy $NO_PROXY $https_proxy"]
            let environment = try Tool.run("env", before + [Heddle.path] + exec + print, in: folder).output
            let (proxy, none) = ("http://127.0.0.1:\(port)", "localhost,127.0.0.1,::1")
            #expect(environment == "\(proxy) \(proxy) \(none) \(none) y\n", "\(heddle.errors)")
        }

        @Test(.enabled(if: ["unshare", "nsenter"].allSatisfy(Tool.exists), "nobody can be given mounts of their own"))
        func `is the workload alone without control groups, and everybody is told so`() throws {
            try write()
            let heddle = try HeddleProcess.serving(folder, hidden: "/sys/fs/cgroup")
            func run(_ command: [String]) throws -> Tool.Result {
                try Tool.run(
                    heddle.beside[0], Array(heddle.beside.dropFirst()) + [Heddle.path] + exec + command, in: folder)
            }
            let alone = "the workload is this process alone, and nothing that it starts: no control groups here"
            let called = try run(call)
            #expect(called.output == "200" && called.errors == "warning: \(alone)\n", "\(called) \(heddle.errors)")
            #expect(heddle.errors.contains("warning=\"\(alone)\"") || heddle.errors.contains("warning=\(alone)"))
            let status = try run([
                "sh", "-c",
                "\(call.map { "'\($0)'" }.joined(separator: " ")); '\(Heddle.path)' status --state '\(folder.state())'",
            ])
            #expect(status.output.hasPrefix("403"), "\(status)")
            #expect(status.output.contains("shop/caller  1, alone  "), "\(status)")
            #expect(
                status.output.contains("\nalone: no control groups here, so that what such a process starts"),
                "\(status)")
            try heddle.wait("told") {
                heddle.errors.contains("selectors[0] says a start by heddle exec: that was pid ")
                    && heddle.errors.contains("this process alone (no control groups here), and not what it starts")
            }
        }

        @Test func `is listed by status as long as it runs, beside the socket`() throws {
            try write()
            let heddle = try HeddleProcess.serving(folder)
            func status() throws -> String { try Heddle.run(["status", "--state", folder.state()]).output }
            #expect(try status().contains("workload socket  \(socket)\n"), "\(heddle.errors)")
            #expect(try !status().contains("STARTED"))
            let program = try ChildProcess(
                Heddle.path, exec + ["sh", "-c", "echo started; exec sleep 1000"], folder: folder.file("logs"))
            try heddle.wait("started") { program.output.contains("started") }
            let shown = try status()
            #expect(shown.contains("shop/caller  1        \(program.id)\n"), "\(shown)")
            program.send(SIGKILL)
            _ = program.waitForExit()
            Poll.until { (try? status().contains("STARTED")) == false }
            try heddle.serve { try write("[{unix: {uid: 4001}}]") }
            #expect(try !status().contains("workload socket"))
        }

        @Test func `is told why it cannot be started`() throws {
            try write("[{unix: {uid: 4001}}]")
            let heddle = try HeddleProcess.serving(folder)
            // Nothing of this set is started so: there is no socket.
            let absent = try run(["true"])
            #expect(absent.status == .code(3))
            try heddle.serve { try write("[{exec: {}, unix: {uid: 4001}}]", users: "[4001]") }
            #expect(try run(call, as: 4001).output == "200")
            #expect(
                try Tool.run(
                    Heddle.path, ["exec", "--as", "shop/other", "--socket", "unix:\(socket)", "--", "true"], in: folder
                )
                .status == .code(1))
            for arguments in [
                ["exec", "--as", "shop/caller"], ["exec", "--", "true"],
                ["exec", "--as", "caller", "--socket", "unix:\(socket)", "--", "true"],
            ] {
                let result = try Tool.run(Heddle.path, arguments, in: folder)
                #expect(result.status == .code(2), "\(arguments)")
                #expect(!result.errors.contains(" as=NAMESPACE"), "\(result)")
            }
            // Without such a workload the socket goes.
            try heddle.serve { try write("[{unix: {uid: 4001}}]") }
            #expect(unsafe access(socket, F_OK) != 0)
        }

        /// Each in a session of its own: what ignores that it is to end, and what is stopped.
        @Test(
            .enabled(if: ControlGroup.canBeMade, "no control group of version 2 can be made here"),
            arguments: ["trap \"\" TERM HUP; sleep 1000", "kill -STOP $$"])
        func `takes with it what it has left behind when it ends`(child: String) throws {
            try write()
            let heddle = try HeddleProcess.serving(folder)
            let left = try run(["sh", "-c", "setsid sh -c '\(child)' > /dev/null 2>&1 & echo $!"])
            let pid = try #require(pid_t(left.output.prefix { $0.isNumber }))
            try heddle.wait("killed") { kill(pid, 0) != 0 }
        }

        @Test(.enabled(if: ControlGroup.canBeMade, "no control group of version 2 can be made here"))
        func `is the workload still when Heddle has started again, and its rest ends if it ended meanwhile`() throws {
            try write()
            let first = try HeddleProcess.serving(folder)
            let go = folder.file("go")
            let script = "while ! test -e '\(go)'; do sleep 0.05; done; exec \"$@\""
            let waiting = try ChildProcess(
                Heddle.path, exec + ["sh", "-c", script, "sh"] + call, folder: folder.file("logs"))
            let ended = try ChildProcess(
                Heddle.path, exec + ["sh", "-c", "sleep 1000 & echo $!; wait"], folder: folder.file("logs"))
            try first.wait("started") { ended.output.contains("\n") }
            let left = try #require(pid_t(ended.output.prefix { $0.isNumber }))
            #expect(first.terminate() == .code(0))
            ended.send(SIGKILL)
            _ = ended.waitForExit()
            #expect(kill(left, 0) == 0)
            let second = try HeddleProcess.serving(folder)
            try second.wait("killed") { kill(left, 0) != 0 }
            try Files.replace(go, "")
            #expect(waiting.waitForExit() == .code(0))
            #expect(waiting.output == "200", "\(second.errors)")
        }
    }
}
