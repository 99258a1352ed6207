import Foundation
import Glibc
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
            try StartedProcesses(groups: groups, instance: nil).giveBack(path)
            #expect(try ProcessFolder(child.processIdentifier).controlGroup() == before)
            #expect(unsafe access(folder, F_OK) != 0)
        }
    }
}
