import Glibc
import Testing

@testable import SystemInterfaces

@Suite struct ChildProgramTests {
    /// As every program of the mesh does; else one that reads nothing ends the tests.
    init() { signal(SIGPIPE, SIG_IGN) }

    private func shell(_ script: String) -> ChildProgram { ChildProgram("/bin/sh", ["-c", script]) }

    @Test func `what it reads and writes goes through whole`() throws {
        // More than a pipe holds, both ways at once.
        let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
        #expect(try ChildProgram("/bin/cat", []).run(input: bytes) == .init(end: .exited(0), output: bytes))
    }

    @Test func `its end and its errors are told`() throws {
        let outcome = try shell("echo no >&2; exit 3").run(input: [])
        #expect(outcome == .init(end: .exited(3), errors: Array("no\n".utf8)))
        #expect(try shell("kill -9 $$").run(input: []).end == .killed(by: SIGKILL))
    }

    @Test func `one that reads nothing is not waited for`() throws {
        let bytes = [UInt8](repeating: 0, count: 300_000)
        #expect(try shell("exec <&-; echo done").run(input: bytes).output == Array("done\n".utf8))
    }

    @Test func `more than is wanted is read and dropped`() throws {
        let outcome = try shell("head -c 300000 /dev/zero; echo end >&2").run(input: [], limit: 10)
        #expect(outcome.output == [UInt8](repeating: 0, count: 10))
        #expect(outcome.errors == Array("end\n".utf8))
    }

    @Test func `one that says no more and goes on is ended, too`() throws {
        let outcome = try shell("exec >&- 2>&-; exec sleep 600").run(input: [], for: .milliseconds(300))
        #expect(outcome.end == .overdue)
    }

    @Test func `what it leaves running is not waited for`() throws {
        let outcome = try shell("sleep 600 & echo $!").run(input: [])
        #expect(outcome.end == .exited(0))
        let left = try #require(pid_t(String(decoding: outcome.output.dropLast(), as: UTF8.self)))
        #expect(kill(left, SIGKILL) == 0)
    }

    @Test func `one that does not end is ended`() throws {
        let outcome = try shell("echo begun; exec sleep 600").run(input: [], for: .milliseconds(300))
        #expect(outcome.end == .overdue)
    }

    @Test func `what is not there cannot be started`() {
        #expect(throws: SystemCallError("posix_spawn", errno: ENOENT)) {
            try ChildProgram("/nowhere/nft", []).run(input: [])
        }
    }

    @Test func `it is told nothing of this process's surroundings`() throws {
        #expect(unsafe getenv("HOME") != nil || getenv("USER") != nil || getenv("PWD") != nil)
        let output = try ChildProgram("/usr/bin/env", []).run(input: []).output
        #expect(String(decoding: output, as: UTF8.self) == "LC_ALL=C\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\n")
    }

    @Test func `signals that this process ignores are its own affair`() throws {
        // A shell cannot trap what was ignored when it began (POSIX, trap).
        let outcome = try shell("trap 'echo caught' PIPE; kill -PIPE $$").run(input: [])
        #expect(outcome.output == Array("caught\n".utf8))
    }
}
