import Attestation
import Diagnostics
import Foundation
import Glibc
import Manifests
import SystemInterfaces
import TestSupport
import Testing

@testable import LocalAttestation

/// A process that somebody has written the number of.
struct NamedProcessTests {
    private static func selectors(_ selector: WorkloadSelector) -> SelectorProgram {
        SelectorProgram([selector], of: ResourceName(namespace: "shop", name: "web"), HostAccounts())
    }

    private static func selector(uid: UInt32, path: String? = nil) -> WorkloadSelector {
        var selector = WorkloadSelector()
        selector.uid = uid
        selector.path = path.map { Located($0, at: SourcePosition(file: "mesh.yaml", line: 1, column: 1)) }
        return selector
    }

    /// A program that waits until it ends by a signal, or with this.
    private final class Program {
        let id: pid_t
        private var hasEnded = false

        init(_ words: String...) throws {
            var id: pid_t = 0
            var texts = unsafe words.map { unsafe strdup($0) } + [nil]
            defer { while let text = unsafe texts.popLast() { unsafe free(text) } }
            let result = unsafe posix_spawnp(&id, words[0], nil, nil, &texts, environ)
            guard result == 0 else { throw SetUpError("\(words[0]): \(result)") }
            self.id = id
        }

        deinit {
            guard !hasEnded else { return }
            kill(id, SIGKILL)
            _ = signal()
        }

        /// By which it ended; 0: by none.
        func signal() -> CInt {
            var status: CInt = 0
            unsafe waitpid(id, &status, 0)
            hasEnded = true
            return status & 0x7F
        }
    }

    // Threads of tests keep other signals from what they start.
    @Test func `whoever is what selectors ask for gets the signal`() throws {
        let attestor = try Attestor(mostPrograms: 1)
        defer { attestor.stop() }
        let child = try Program("sleep", "1000")
        let named = try NamedProcess(child.id)
        let difference = try named.difference(
            from: Self.selectors(Self.selector(uid: geteuid())), attestor, within: .seconds(30))
        #expect(difference == nil)
        try named.send(SIGKILL)
        #expect(child.signal() == SIGKILL)
        #expect(throws: SystemCallError("pidfd_send_signal", errno: ESRCH)) { try named.send(SIGKILL) }
    }

    @Test func `what takes a closer look is looked at`() throws {
        let attestor = try Attestor(mostPrograms: 1)
        defer { attestor.stop() }
        let child = try Program("sleep", "1000")
        let path = "/proc/\(child.id)/exe"
        Poll.until { (try? FileManager.default.destinationOfSymbolicLink(atPath: path))?.hasSuffix("sleep") == true }
        let executable = try FileManager.default.destinationOfSymbolicLink(atPath: path)
        let named = try NamedProcess(child.id)
        let right = Self.selectors(Self.selector(uid: geteuid(), path: executable))
        #expect(try named.difference(from: right, attestor, within: .seconds(30)) == nil)
        let wrong = Self.selectors(Self.selector(uid: geteuid(), path: "/usr/bin/other"))
        let found = try named.difference(from: wrong, attestor, within: .seconds(30))
        #expect(found?.contains("executable \"\(executable)\"") == true, "\(found ?? "")")
    }

    @Test func `of another user it is somebody else, and nobody where there is no process`() throws {
        let attestor = try Attestor(mostPrograms: 1)
        defer { attestor.stop() }
        let child = try Program("sleep", "1000")
        let named = try NamedProcess(child.id)
        let found = try named.difference(
            from: Self.selectors(Self.selector(uid: geteuid() + 4321)), attestor, within: .seconds(30))
        #expect(
            found?.contains("uid \(geteuid())") == true && found?.contains("selectors[0] says uid") == true,
            "\(found ?? "")")
        #expect(throws: Attestor.Nobody.self) { try NamedProcess(Int32.max) }
    }

    @Test(.enabled(if: geteuid() == 0, "it takes root to run as another user"))
    func `a process that acts as another user than whose it is is nobody`() throws {
        let program = try Program("python3", "-c", "import os, signal; os.seteuid(4321); signal.pause()")
        Poll.until { (try? ProcessFolder(program.id).users().effective) == 4321 }
        #expect(
            throws: Attestor.Nobody(
                reason: "process \(program.id) belongs to uid 0 and acts as uid 4321")
        ) {
            try NamedProcess(program.id)
        }
    }
}
