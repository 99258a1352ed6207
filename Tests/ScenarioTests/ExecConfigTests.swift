import Glibc
import TestSupport
import Testing

extension ScenarioTests {
    /// `heddle exec --config`: programs that are started with what configs say, and started anew or told when that changes.
    @Suite(
        .enabled(if: geteuid() == 0 && ["python3", "setsid"].allSatisfy(Tool.exists), "it takes root and Python"))
    struct `A program that is started with a config` {
        private let port = TestPort.free()
        private let folder: TestFolder
        private let socket: String

        init() throws {
            folder = try TestFolder()
            socket = "/tmp/heddle-workload-\(UInt32.random(in: .min ... .max)).sock"
            try folder.write(
                [
                    manifest(
                        "Mesh", "mesh", "{proxy: {accessLog: None, workers: 1}, workloadSocket: {path: \(socket)}}"),
                    Shop.workload(
                        "caller",
                        "serviceAccount: caller, selectors: [{exec: {}}], outbound: {listen: \"127.0.0.1:\(port)\"}"),
                    Shop.workload("mute", "serviceAccount: caller, selectors: [{exec: {}}]"),
                    manifest("ConfigSource", "settings", "{type: File, path: ../settings.yaml}"),
                    manifest("ConfigSource", "late", "{type: File, path: ../late.yaml}"),
                    manifest("Config", "web", "{sources: [settings]}"),
                    manifest("Config", "other", "{sources: [settings]}"),
                    manifest("Config", "late", "{sources: [late]}"),
                    allow("web"), allow("late"),
                ].joined(separator: "\n---\n") + "\n")
            try set("{greeting: first}")
        }

        private func allow(_ config: String) -> String {
            manifest(
                "AuthorizationPolicy", "reads-\(config)",
                "{targetRefs: [{kind: Config, name: \(config)}], action: ALLOW, rules: [{from: [{source: {serviceAccounts: [shop/caller]}}],"
                    + " to: [{operation: {methods: [GET], paths: [\"/values/{**}\", /values, /watch]}}]}]}")
        }

        private func set(_ text: String, in name: String = "settings") throws {
            try Files.replace(folder.file("\(name).yaml"), text)
        }

        private func words(_ options: [String], as workload: String = "caller") -> [String] {
            ["exec", "--as", "shop/\(workload)", "--socket", "unix:\(socket)"] + options + ["--"]
        }

        private func run(_ options: [String], _ command: [String], as workload: String = "caller") throws -> Tool.Result
        {
            try Tool.run(Heddle.path, words(options, as: workload) + command, in: folder)
        }

        private func start(_ options: [String], _ command: [String]) throws -> ChildProcess {
            try ChildProcess(Heddle.path, words(options) + command, folder: folder.file("logs"))
        }

        /// A shell that says what it was started with and its number, and then waits, or does what is told.
        private func shell(_ first: String = "", then loop: String = ":") -> [String] {
            ["sh", "-c", "\(first)\necho \"started $GREETING $$\"; while :; do sleep 0.02; \(loop); done"]
        }

        /// What it was started with each time, and its numbers.
        private func starts(_ program: ChildProcess) -> [(what: String, pid: pid_t)] {
            program.output.split(separator: "\n").compactMap { line in
                let words = line.split(separator: " ")
                guard words.count == 3, words[0] == "started", let pid = pid_t(words[2]) else { return nil }
                return (String(words[1]), pid)
            }
        }

        private func wait(_ program: ChildProcess, _ heddle: HeddleProcess, started what: String) throws {
            let isMet = Poll.until { starts(program).last?.what == what || program.exit() != nil }
            guard isMet, starts(program).last?.what == what else {
                throw SetUpError(
                    "not started with \(what): \(program.output) \(program.errors) \(heddle.errors)")
            }
        }

        // MARK: Its environment

        @Test func `finds in its environment what the workload may read, and no orders`() throws {
            let heddle = try HeddleProcess.serving(folder)
            try set(
                "{greeting: \"it's \\\"me\\\"\", limits: {max-users: 5, on: true, none: null}, list: [1, {a: b}], path: /evil, lang: de}"
            )
            let print = [
                "sh", "-c", "echo \"$X_GREETING|$X_LIMITS_MAX_USERS|$X_LIMITS_ON|${X_LIMITS_NONE-none}|$X_LIST\"",
            ]
            Poll.until {
                (try? run(["--config", "web", "--prefix", "X_", "--on-change", "none"], print))?.output.contains("5")
                    == true
            }
            let prefixed = try run(["--config", "shop/web", "--prefix", "X_", "--on-change", "none"], print)
            #expect(prefixed.output == "it's \"me\"|5|true|none|[1,{\"a\":\"b\"}]\n", "\(prefixed) \(heddle.errors)")
            #expect(prefixed.status == .code(0) && prefixed.errors.isEmpty)

            let plain = ["sh", "-c", "echo \"$PATH|$LANG\""]
            let own = try Tool.run(
                "env", ["LANG=C", Heddle.path] + words(["--config", "web", "--on-change", "none"]) + plain, in: folder)
            #expect(!own.output.contains("evil") && own.output.hasSuffix("|C\n"), "\(own)")
            #expect(
                own.errors.contains("warning: path of Config shop/web is left out: no config sets PATH"),
                "\(own.errors)")
            let over = try Tool.run(
                "env", ["LANG=C", Heddle.path] + words(["--config", "web", "--override"]) + plain, in: folder)
            #expect(!over.output.contains("evil") && over.output.hasSuffix("|de\n"), "\(over)")
        }

        @Test func `is not started with what may not be read, is not there in time, or can be no environment`() throws {
            let heddle = try HeddleProcess.serving(folder)
            func refused(_ options: [String], _ code: Int, _ why: String, as workload: String = "caller") throws {
                let result = try run(options, ["touch", folder.file("started")], as: workload)
                #expect(result.status == .code(code), "\(result) \(heddle.errors)")
                #expect(result.errors.contains(why), "\(result.errors)")
            }
            for config in ["other", "none", "elsewhere/web"] {
                try refused(["--config", config], 1, "no rule lets this workload watch it, or there is none")
            }
            try refused(["--config", "late", "--wait", "1s"], 4, "the config has no value yet")
            try refused(["--config", "web"], 1, "shop/mute has no listener to read configs at", as: "mute")
            try refused(["--config", "web", "--config", "late", "--wait", "300ms"], 4, "shop/late")
            for options in [
                ["--prefix", "X"], ["--on-change", "none"], ["--config", "web", "--signal", "HUP"],
                ["--config", "web", "--on-change", "signal", "--signal", "NONE"], ["--config", "web", "--wait", "5"],
                ["--config", "../web"], ["--config", "web", "--config", "web"], ["--config", "web", "--prefix", "9"],
            ] {
                try refused(options, 2, "Usage: ")
            }
            try set("{a: {b: 1}, a_b: 2, text: \"x\\0y\", long: \(String(repeating: "s", count: 140_000))}")
            Poll.until { (try? run(["--config", "web"], ["true"]))?.status == .code(1) }
            let told = try run(["--config", "web"], ["true"]).errors
            for line in [
                "are both the variable A_B", "text of Config shop/web is a text with a NUL byte",
                "the kernel takes 131072",
            ] {
                #expect(told.contains(line), "\(told)")
            }
            #expect(!told.contains("sss") && !Files.exists(folder.file("started")))
        }

        @Test func `waits for a config that has no value yet`() throws {
            let heddle = try HeddleProcess.serving(folder)
            let program = try start(
                ["--config", "late", "--on-change", "none"], ["sh", "-c", "echo \"started $GREETING 1\""])
            try heddle.wait("waiting") {
                program.errors.contains("waiting for Config shop/late: the config has no value yet")
            }
            try set("{greeting: at-last}", in: "late")
            #expect(program.waitForExit() == .code(0))
            #expect(program.output == "started at-last 1\n", "\(program.errors)")
        }

        // MARK: Changes

        @Test func `is started anew when a value changes, and only then, whatever becomes of Heddle meanwhile`() throws
        {
            let first = try HeddleProcess.serving(folder)
            let program = try start(["--config", "web"], shell())
            try wait(program, first, started: "first")
            try set("{greeting: second}")
            try wait(program, first, started: "second")
            // What comes out the same starts nothing: null is no variable.
            try set("# Another file, and the same values.\n{greeting: second, none: null}")
            #expect(first.terminate() == .code(0))
            #expect(Poll.until { program.errors.contains("the program goes on with what it has") })
            let pid = try #require(starts(program).last?.pid)
            #expect(kill(pid, 0) == 0)

            let second = try HeddleProcess.serving(folder)
            try set("{greeting: third}")
            try wait(program, second, started: "third")
            #expect(starts(program).map(\.what) == ["first", "second", "third"], "\(program.output)")
            #expect(kill(pid, 0) != 0)
            // It is killed before its configs are, and nothing is left of it.
            second.kill()
            let last = try #require(starts(program).last?.pid)
            program.send(SIGTERM)
            #expect(program.waitForExit() == .signal(Int(SIGTERM)))
            Poll.until { kill(last, 0) != 0 }
            #expect(kill(last, 0) != 0)
        }

        @Test func `ends as the program ends, and passes on what it is told`() throws {
            let heddle = try HeddleProcess.serving(folder)
            let program = try start(
                ["--config", "web"], shell("trap 'echo usr1' USR1; trap 'echo term; exit 7' TERM"))
            try wait(program, heddle, started: "first")
            program.send(SIGUSR1)
            try heddle.wait("told") { program.output.contains("usr1") }
            // Who is told to end is not started anew, though there is another value.
            try set("{greeting: second}")
            program.send(SIGTERM)
            #expect(program.waitForExit() == .code(7), "\(program.errors)")
            #expect(program.output.contains("term") && starts(program).count == 1)

            #expect(try run(["--config", "web"], ["sh", "-c", "kill -KILL $$"]).status == .signal(Int(SIGKILL)))
            #expect(try run(["--config", "web"], ["python3", "-c", "import sys; sys.exit(3)"]).status == .code(3))
            #expect(try run(["--config", "web"], ["/no/such/program"]).status == .code(127))
            #expect(try run(["--config", "web"], ["/etc/passwd"]).status == .code(126))
        }

        @Test func `is killed when it ignores that it is to end, with what it has left behind`() throws {
            let heddle = try HeddleProcess.serving(folder)
            let left = "setsid sh -c 'trap \"\" TERM HUP; echo \"left $$\"; while :; do sleep 0.1; done' &"
            let program = try start(["--config", "web", "--grace", "100ms"], shell("trap '' TERM\n\(left)"))
            try wait(program, heddle, started: "first")
            func leftovers() -> [pid_t] {
                program.output.split(separator: "\n").compactMap { line in
                    line.hasPrefix("left ") ? pid_t(line.dropFirst(5)) : nil
                }
            }
            try heddle.wait("left behind") { leftovers().count == 1 }
            try set("{greeting: second}")
            try wait(program, heddle, started: "second")
            let (pid, other) = (try #require(starts(program).first?.pid), try #require(leftovers().first))
            #expect(kill(pid, 0) != 0 && program.errors.contains("it is killed"), "\(program.errors)")
            if ControlGroup.canBeMade {
                Poll.until { kill(other, 0) != 0 }
                #expect(kill(other, 0) != 0)
            } else {
                kill(other, SIGKILL)
            }
            program.send(SIGKILL)
            _ = program.waitForExit()
            for pid in leftovers() where !ControlGroup.canBeMade { kill(pid, SIGKILL) }
            for pid in starts(program).map(\.pid) where !ControlGroup.canBeMade { kill(pid, SIGKILL) }
        }

        @Test(.enabled(if: Tool.exists("stty"), "it takes stty"))
        func `has its terminal as it was, each time that it is started, and what the terminal sends once`() throws {
            let heddle = try HeddleProcess.serving(folder)
            let script = #"""
                import os, pty, select, signal, sys, time
                pid, terminal = pty.fork()
                if pid == 0:
                    # Of tests in the background it is ignored.
                    signal.signal(signal.SIGINT, signal.SIG_DFL)
                    os.execv(sys.argv[2], sys.argv[2:])
                seen = ""
                def until(text):
                    global seen
                    end = time.monotonic() + 60
                    while text not in seen:
                        ready = select.select([terminal], [], [], max(0, end - time.monotonic()))[0]
                        try: seen += os.read(terminal, 65536).decode() if ready else sys.exit(f"no {text!r}: {seen!r}")
                        except OSError: sys.exit(f"ended before {text!r}: {seen!r}")
                    seen = seen.partition(text)[2]
                until("started first icanon")
                with open(sys.argv[1] + ".new", "w") as file: file.write("{greeting: second}")
                os.rename(sys.argv[1] + ".new", sys.argv[1])
                until("started second icanon")
                os.write(terminal, b"hello\n")
                until("got hello")
                os.write(terminal, b"\x03")
                until("interrupted")
                os.write(terminal, b"end\n")
                try:
                    while True: seen += os.read(terminal, 65536).decode()
                except OSError: pass
                _, status = os.waitpid(pid, 0)
                print("ended", os.waitstatus_to_exitcode(status), seen.count("interrupted"))
                """#
            let program = #"""
                trap 'echo interrupted' INT
                echo "started $GREETING $(stty -a | grep -ow -e '-icanon' -e 'icanon')"
                stty -icanon
                while :; do read line || continue; echo "got $line"; test "$line" != end || exit 5; done
                """#
            let result = try Tool.run(
                "python3",
                ["-c", script, folder.file("settings.yaml"), Heddle.path] + words(["--config", "web"])
                    + ["bash", "-c", program],
                in: folder)
            #expect(result.output == "ended 5 0\n", "\(result) \(heddle.errors)")
        }

        @Test func `is told by a signal, and goes on`() throws {
            let heddle = try HeddleProcess.serving(folder)
            let script = """
                import os, signal, sys
                def say(*words): print(*words, flush=True)
                signal.signal(signal.SIGUSR2, lambda *_: say("told"))
                say("started", os.environ["GREETING"], os.getpid())
                while True: signal.pause()
                """
            let program = try start(
                ["--config", "web", "--on-change", "signal", "--signal", "USR2"], ["python3", "-c", script])
            try wait(program, heddle, started: "first")
            try set("{greeting: second}")
            try heddle.wait("told") { program.output.contains("told") }
            #expect(starts(program).count == 1)
            program.send(SIGTERM)
            #expect(program.waitForExit() == .signal(Int(SIGTERM)))
        }

        @Test(.enabled(if: ["unshare", "nsenter"].allSatisfy(Tool.exists), "nobody can be given mounts of their own"))
        func `is the workload itself, each time, where there are no control groups`() throws {
            let heddle = try HeddleProcess.serving(folder, hidden: "/sys/fs/cgroup")
            let script = """
                import os, signal, urllib.request
                said = urllib.request.urlopen("http://config.mesh/v1/configs/~/web/values/greeting").read().decode()
                print("started", os.environ["GREETING"] + said, os.getpid(), flush=True)
                while True: signal.pause()
                """
            let words =
                Array(heddle.beside.dropFirst()) + [Heddle.path] + words(["--config", "web"]) + [
                    "python3", "-c", script,
                ]
            let program = try ChildProcess(heddle.beside[0], words, folder: folder.file("logs"))
            try wait(program, heddle, started: "first\"first\"")
            #expect(
                program.errors.occurrences(of: "warning: the workload is this process alone") == 1, "\(program.errors)")
            try set("{greeting: second}")
            try wait(program, heddle, started: "second\"second\"")
        }
    }
}
