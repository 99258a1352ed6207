import Attestation
import Foundation
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import LocalAttestation

/// What executables come to that processes run.
struct DigestInquiryTests {
    /// A copy of `sleep`, and a process that runs it.
    private final class Program {
        let path: String
        private let child = Process()
        private var hasEnded = false

        init(at path: String) throws {
            self.path = path
            child.executableURL = URL(fileURLWithPath: path)
            child.arguments = ["60"]
            try child.run()
        }

        deinit { end() }

        func end() {
            guard !hasEnded else { return }
            hasEnded = true
            // What this process blocks, its children block, too.
            kill(child.processIdentifier, SIGKILL)
            child.waitUntilExit()
        }

        var subject: DigestQuestion.Subject {
            get throws {
                let handle = try ProcessHandle(pid: child.processIdentifier)
                let identity = try #require(try SocketHolder.Identity(handle, handle.folder))
                return DigestQuestion.Subject(holder: identity, file: try handle.folder.executableFile())
            }
        }

        static func copy(to path: String) throws -> String {
            try FileManager.default.copyItem(atPath: "/bin/sleep", toPath: path)
            return path
        }
    }

    private static func digest(of path: String) throws -> LocalProcess.Fact<String> {
        .known(String(try OpenSSLCommand().run("dgst", "-sha256", "-r", path).output.prefix(64)))
    }

    /// What is answered, and how many slices that took.
    private static func ask(
        _ subject: DigestQuestion.Subject, _ notes: inout DigestInquiry.Notes
    ) -> (digest: LocalProcess.Fact<String>, slices: Int, effort: Int) {
        let answer = Mutex<LocalProcess.Fact<String>>(.notAsked)
        let question = DigestQuestion(subject: subject, process: LocalProcess(uid: 1)) { process in
            answer.withLock { $0 = process?.digest ?? .notAsked }
        }
        var inquiry = DigestInquiry([question], of: 1)
        var (answered, slices, effort) = (0, 0, 0)
        while !inquiry.isOver {
            var slice = Slice()
            answered += inquiry.goOn(&slice, &notes)
            slices += 1
            effort += Slice.whole - slice.left
        }
        #expect(answered == 1)
        return (answer.withLock { $0 }, slices, effort)
    }

    /// Whatever was written by now was written long ago.
    private static var later: DigestInquiry.Notes {
        var notes = DigestInquiry.Notes()
        let now = notes.now
        notes.now = { now() + 10_000_000_000 }
        return notes
    }

    @Test func `a file is read once, unless it was changed just before`() throws {
        let folder = try OpenSSLCommand()
        let program = try Program(at: Program.copy(to: folder.path("program")))
        let digest = try Self.digest(of: program.path)
        var notes = DigestInquiry.Notes()
        let first = Self.ask(try program.subject, &notes)
        let second = Self.ask(try program.subject, &notes)
        #expect((first.digest, second.digest) == (digest, digest))
        #expect(second.effort == first.effort)
        notes = Self.later
        #expect(Self.ask(try program.subject, &notes).digest == digest)
        let kept = Self.ask(try program.subject, &notes)
        #expect(kept.digest == digest)
        #expect(kept.effort < first.effort)
    }

    @Test func `of a file that others can write to nothing is remembered`() throws {
        let folder = try OpenSSLCommand()
        let path = try Program.copy(to: folder.path("program"))
        var notes = Self.later
        func efforts() throws -> (Int, Int) {
            let program = try Program(at: path)
            let asked = try (0..<2).map { _ in Self.ask(try program.subject, &notes) }
            #expect(try asked.allSatisfy { $0.digest == (try Self.digest(of: path)) })
            return (asked[0].effort, asked[1].effort)
        }
        for permissions in [0o775, 0o757] as [mode_t] {
            #expect(unsafe chmod(path, permissions) == 0)
            let (first, second) = try efforts()
            #expect(second == first)
        }
        #expect(unsafe chmod(path, 0o755) == 0)
        var (first, second) = try efforts()
        #expect(second < first)
        guard geteuid() == 0 else { return }
        #expect(unsafe chown(path, 4001, 4001) == 0)
        (first, second) = try efforts()
        #expect(second == first)
    }

    /// What is mapped from tmpfs and was read there can be written to without the file's times being changed.
    @Test func `of a file whose times do not tell that it was changed nothing is remembered`() throws {
        let path = "/dev/shm/heddle-\(UUID().uuidString)"
        let program = try Program(at: Program.copy(to: path))
        defer { unsafe unlink(path) }
        var notes = Self.later
        #expect(Self.ask(try program.subject, &notes).digest == (try Self.digest(of: path)))
        program.end()
        let before = try FileManager.default.attributesOfItem(atPath: path)
        let descriptor = unsafe open(path, O_RDWR)
        let size = try #require(before[.size] as? Int)
        let mapping = unsafe mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
        let isMapped = unsafe mapping != MAP_FAILED
        try #require(isMapped)
        // The table of sections comes last, which no program needs.
        let last = unsafe mapping!.advanced(by: size - 1).assumingMemoryBound(to: UInt8.self)
        unsafe last.pointee ^= 0xFF
        unsafe munmap(mapping, size)
        close(descriptor)
        let other = try Program(at: path)
        #expect(Self.ask(try other.subject, &notes).digest == (try Self.digest(of: path)))
    }

    @Test func `a long file takes many slices, and one that is too long has no digest`() throws {
        let folder = try OpenSSLCommand()
        let path = try Program.copy(to: folder.path("program"))
        // What is behind a program is not loaded, and needs no room where it is not written.
        #expect(unsafe truncate(path, 64 << 20) == 0)
        let program = try Program(at: path)
        var notes = Self.later
        let (digest, slices, _) = Self.ask(try program.subject, &notes)
        #expect(digest == (try Self.digest(of: path)))
        #expect(slices > 10)
        program.end()
        #expect(unsafe truncate(path, 1 << 30 + 1) == 0)
        let longer = try Program(at: path)
        #expect(Self.ask(try longer.subject, &notes).digest == .unknown("its executable is longer than 1 GiB"))
    }

    @Test func `who executes another file by the time it is read has no digest`() throws {
        let folder = try OpenSSLCommand()
        let program = try Program(at: Program.copy(to: folder.path("program")))
        let other = try Program(at: Program.copy(to: folder.path("other")))
        var notes = Self.later
        let mixed = DigestQuestion.Subject(holder: try program.subject.holder, file: try other.subject.file)
        #expect(Self.ask(mixed, &notes).digest == .unknown("it executes another file by now"))
        let ended = try program.subject
        program.end()
        guard case .unknown = Self.ask(ended, &notes).digest else {
            Issue.record("it has ended")
            return
        }
    }

    @Test func `a binary that was replaced has the bytes that it had`() throws {
        let folder = try OpenSSLCommand()
        let program = try Program(at: Program.copy(to: folder.path("program")))
        let digest = try Self.digest(of: program.path)
        try FileManager.default.removeItem(atPath: program.path)
        try folder.write([1, 2, 3], to: "program", mode: 0o700)
        var notes = Self.later
        #expect(Self.ask(try program.subject, &notes).digest == digest)
    }
}
