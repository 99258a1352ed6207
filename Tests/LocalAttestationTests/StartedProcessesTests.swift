import Foundation
import Glibc
import Manifests
import TestSupport
import Testing

@testable import LocalAttestation

/// Programs that were started as workloads, where each is known by itself.
struct StartedProcessesTests {
    /// A process that does nothing, as long as this lives.
    private final class Program {
        private let child = Process()
        let handle: ProcessHandle

        init() throws {
            child.executableURL = URL(fileURLWithPath: "/bin/sleep")
            child.arguments = ["1000"]
            try child.run()
            handle = try ProcessHandle(pid: child.processIdentifier)
        }

        deinit { end() }

        func end() {
            guard child.isRunning else { return }
            // What this process blocks, its children block, too.
            kill(handle.pid, SIGKILL)
            child.waitUntilExit()
        }

        func workload(in started: StartedProcesses) throws -> ResourceName? {
            started.workload(of: try #require(try SocketHolder.Identity(handle, handle.folder)))
        }
    }

    private let web = ResourceName(namespace: "shop", name: "web")
    private let report = ResourceName(namespace: "shop", name: "report")

    private static func ungrouped(limit: Int) throws -> StartedProcesses {
        try StartedProcesses(groups: ControlGroups(mount: nil), instance: nil, limit: limit)
    }

    private static func refusal(_ start: () throws(StartedProcesses.Refusal) -> Void) -> String? {
        do throws(StartedProcesses.Refusal) { try start() } catch { return error.description }
        return nil
    }

    @Test func `a process that asks again and again has one place, and is what it asked for last`() throws {
        let started = try Self.ungrouped(limit: 4)
        defer { started.stop() }
        let (program, other) = (try Program(), try Program())
        for _ in 0..<20 { try started.start(web, program.handle, of: 1) }
        // Each time by another handle, as each connection has one.
        for _ in 0..<20 { try started.start(report, ProcessHandle(pid: program.handle.pid), of: 1) }
        #expect(started.running.map(\.workload) == [report])
        #expect(try program.workload(in: started) == report)
        #expect(try other.workload(in: started) == nil)
        try started.start(web, other.handle, of: 2)
        #expect(Set(started.running.map(\.pid)) == [program.handle.pid, other.handle.pid])
    }

    @Test func `a user has a quarter of the places, and gets them back when his programs end`() throws {
        let started = try Self.ungrouped(limit: 8)
        defer { started.stop() }
        let programs = try (0..<4).map { _ in try Program() }
        for program in programs[..<2] { try started.start(web, program.handle, of: 1) }
        #expect(
            Self.refusal { () throws(StartedProcesses.Refusal) in
                try started.start(web, programs[2].handle, of: 1)
            } == "2 programs that user 1 has started run, which is all that one user may have at once")
        // Who is there already takes no place.
        try started.start(report, programs[0].handle, of: 1)
        try started.start(web, programs[3].handle, of: 2)
        programs[1].end()
        Poll.until { started.running.count == 2 }
        try started.start(web, programs[2].handle, of: 1)
        #expect(started.running.count == 3)
        for program in programs { program.end() }
        Poll.until { !started.hasUngrouped }
        #expect(started.running.isEmpty)
    }

    @Test func `all users together have no more than there are places`() throws {
        let started = try Self.ungrouped(limit: 3)
        defer { started.stop() }
        let programs = try (0..<4).map { _ in try Program() }
        for (user, program) in programs[..<3].enumerated() { try started.start(web, program.handle, of: UInt32(user)) }
        #expect(
            Self.refusal { () throws(StartedProcesses.Refusal) in
                try started.start(web, programs[3].handle, of: 3)
            } == "3 programs run, which is all that can be started here at once")
    }

    @Test func `one that has ended is told so`() throws {
        let started = try Self.ungrouped(limit: 4)
        defer { started.stop() }
        let program = try Program()
        program.end()
        #expect(
            Self.refusal { () throws(StartedProcesses.Refusal) in try started.start(web, program.handle, of: 1) }
                == "the process has ended")
        #expect(try SocketHolder.Identity(program.handle, program.handle.folder) == nil)
    }
}
