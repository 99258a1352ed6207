import Foundation
import Glibc
import Manifests
import TestSupport
import Testing

@testable import LocalAttestation

/// Control groups of this host, made for the test where that may be done.
@Suite(.enabled(if: geteuid() == 0 && ControlGroups().root != nil, "only root makes control groups"))
struct ControlGroupsTests {
    private let groups = ControlGroups()
    private let root: String
    private let name = "heddle-test-\(UUID().uuidString)"

    init() throws { root = try #require(ControlGroups().root) }

    private func withGroup(_ body: (_ path: String, _ folder: String) throws -> Void) throws {
        // Below this process's own: a test may be in a namespace of them.
        let own = try ProcessFolder(getpid()).controlGroup()
        let path = (own == "/" ? "" : own) + "/\(name)"
        let folder = try #require(groups.folder(of: path))
        guard unsafe mkdir(folder, 0o755) == 0 else { throw SetUpError("\(folder): errno \(errno)") }
        defer { unsafe rmdir(folder) }
        try body(path, folder)
    }

    private func number(of folder: String) -> UInt64 {
        var status = stat()
        _ = unsafe stat(folder, &status)
        return UInt64(status.st_ino)
    }

    private func search(for number: UInt64, slices size: Int) -> (answer: ControlGroups.Answer, slices: Int) {
        var search = GroupSearch(for: number, in: groups)
        var slices = 1
        while true {
            var slice = Slice(size)
            if let answer = search.goOn(&slice) { return (answer, slices) }
            slices += 1
        }
    }

    @Test func `a group is found by its number, whoever may ask the kernel for it or has to look`() throws {
        try withGroup { path, folder in
            for child in 0..<20 { _ = unsafe mkdir("\(folder)/\(child)", 0o755) }
            defer { for child in 0..<20 { unsafe rmdir("\(folder)/\(child)") } }
            #expect(search(for: number(of: folder), slices: 100_000_000).answer == .path(path))
            let number = number(of: "\(folder)/7")
            #expect([nil, .path("\(path)/7")].contains(groups.find(number)))
            let (answer, slices) = search(for: number, slices: 3)
            #expect(answer == .path("\(path)/7"))
            #expect(slices > 1)
        }
    }

    @Test func `one that is gone is none`() throws {
        var number: UInt64 = 0
        try withGroup { _, folder in number = self.number(of: folder) }
        let none = ControlGroups.Answer.none
        #expect([nil, none].contains(groups.find(number)))
        #expect(search(for: number, slices: 10).answer == none)
    }

    @Test func `who got into a group by mistake goes back to where he was, and the group goes`() throws {
        try withGroup { path, folder in
            let child = Process()
            child.executableURL = URL(fileURLWithPath: "/bin/sleep")
            child.arguments = ["60"]
            try child.run()
            defer {
                kill(child.processIdentifier, SIGKILL)
                child.waitUntilExit()
            }
            let before = try ProcessFolder(child.processIdentifier).controlGroup()
            try "\(child.processIdentifier)".write(toFile: "\(folder)/cgroup.procs", atomically: false, encoding: .utf8)
            #expect(try ProcessFolder(child.processIdentifier).controlGroup() == path)
            try StartedProcesses(groups: groups, instance: nil, limit: 16).giveBack(path)
            #expect(try ProcessFolder(child.processIdentifier).controlGroup() == before)
            #expect(unsafe access(folder, F_OK) != 0)
        }
    }

    @Test func `who asks as another workload is that one, and what he has started before stays what it was`() throws {
        let started = try StartedProcesses(groups: groups, instance: nil, limit: 16)
        defer { started.stop() }
        let (child, input, output) = (Process(), Pipe(), Pipe())
        child.executableURL = URL(fileURLWithPath: "/bin/sh")
        child.arguments = ["-c", "read go; sleep 1000 > /dev/null & echo $!; wait"]
        child.standardInput = input
        child.standardOutput = output
        try child.run()
        defer {
            kill(child.processIdentifier, SIGKILL)
            child.waitUntilExit()
        }
        let handle = try ProcessHandle(pid: child.processIdentifier)
        let web = ResourceName(namespace: "shop", name: "web")
        let report = ResourceName(namespace: "shop", name: "report")
        func workload(_ pid: Int32) throws -> ResourceName? {
            started.workload(ofGroup: try ProcessFolder(pid).controlGroup())
        }
        // Nothing is left behind by then: it may come back.
        for name in [web, report, web, web] {
            try started.start(name, handle, of: 1)
            #expect(try workload(handle.pid) == name)
        }
        try input.fileHandleForWriting.write(contentsOf: Array("\n".utf8))
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        let left = try #require(pid_t(line.prefix { $0.isNumber }))
        try started.start(report, handle, of: 1)
        #expect(try workload(handle.pid) == report)
        #expect(try workload(left) == web)
        #expect(started.running.map(\.workload) == [report])
        #expect(throws: StartedProcesses.Refusal.self) { try started.start(web, handle, of: 1) }
        #expect(try workload(handle.pid) == report)
        // All of it ends with the process.
        kill(handle.pid, SIGKILL)
        Poll.until { kill(left, 0) != 0 && started.running.isEmpty }
    }
}
