import Glibc
import TestSupport
import Testing

@testable import ProgramKeeping

@Suite struct ProgramProcessTests {
    private func end(of words: [String]) throws -> ProgramEnd? {
        var mask = sigset_t()
        unsafe sigemptyset(&mask)
        let process = try ProgramProcess(
            words.map { Array($0.utf8) }, environment: [Array("PATH=/usr/bin:/bin".utf8)], defaults: [], mask: mask)
        var end: ProgramEnd?
        Poll.until {
            end = process.end()
            return end != nil
        }
        return end
    }

    @Test func `a script that does not say what runs it is run by the shell, with its arguments`() throws {
        let folder = ScratchFolder()
        let script = folder.path + "/program"
        folder.write("exit $(($1 + $#))\n", to: "program")
        unsafe chmod(script, 0o755)
        #expect(try end(of: [script, "40", "x"]) == .code(42))
    }

    @Test func `what may not be executed, or is not there, is said to be so`() throws {
        let folder = ScratchFolder()
        let script = folder.path + "/program"
        folder.write("exit 0\n", to: "program")
        unsafe chmod(script, 0o644)
        #expect { try end(of: [script]) } throws: { ($0 as? ProgramProcess.Failure)?.errno == EACCES }
        #expect { try end(of: [script + "-not"]) } throws: { ($0 as? ProgramProcess.Failure)?.errno == ENOENT }
    }
}
