import Attestation
import CLinux
import Cryptography
import Glibc
import SystemInterfaces

/// A connection's question about the bytes of what its process executes.
struct DigestQuestion: Sendable {
    struct Subject: Hashable, Sendable {
        let holder: SocketHolder.Identity
        /// What it executed when it was looked at.
        let file: ProcessFolder.ExecutableFile
    }

    let subject: Subject
    /// With all that is known else.
    let process: LocalProcess
    let answer: @Sendable (LocalProcess?) -> Void
}

/// What the executables of one user's processes come to: one after the other, a piece at a time.
struct DigestInquiry: Inquiry {
    struct Notes {
        fileprivate var known = KnownDigests()
        /// Nanoseconds since 1970.
        var now: @Sendable () -> Int = {
            var time = timespec()
            unsafe clock_gettime(CLOCK_REALTIME, &time)
            return time.tv_sec * 1_000_000_000 + time.tv_nsec
        }
    }

    /// Users whose executables are read at once: each has one open.
    static var mostUnderWay: Int { 32 }

    /// A file that is longer has no digest: 1 GiB.
    private static let byteLimit = 1 << 30
    private static let pieceByteCount = 256 * 1024
    /// What that takes (`Slice`).
    private static let pieceEffort = 250
    private var questions: [DigestQuestion.Subject: [DigestQuestion]]
    private var reading: Reading?
    private var answers: [(question: DigestQuestion, digest: LocalProcess.Fact<String>)] = []

    private final class Reading {
        let subject: DigestQuestion.Subject
        let file: OpenFile
        private var digest: SHA256
        private var buffer = [UInt8](repeating: 0, count: pieceByteCount)
        private var byteCount = 0

        init(_ subject: DigestQuestion.Subject, _ file: consuming OpenFile) throws(CryptographyError) {
            self.subject = subject
            digest = try SHA256()
            self.file = file
        }

        /// - Returns: What all comes to, if that was the last one.
        func next() throws(ProcessFolder.Unknown) -> String? {
            do {
                let count = try file.read(into: &buffer)
                byteCount += count
                guard count > 0, byteCount <= file.facts.signature.byteCount else { return try end() }
                var failure: CryptographyError?
                unsafe buffer.withUnsafeBytes { bytes in
                    do throws(CryptographyError) {
                        unsafe try digest.add(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
                    } catch {
                        failure = error
                    }
                }
                if let failure { throw failure }
                return nil
            } catch let error as ProcessFolder.Unknown {
                throw error
            } catch {
                throw ProcessFolder.Unknown("its executable cannot be read: \(error)")
            }
        }

        private func end() throws -> String {
            guard (try? file.currentSignature()) == file.facts.signature, byteCount == file.facts.signature.byteCount
            else { throw ProcessFolder.Unknown("its executable was changed while it was read") }
            var whole = try SHA256()
            swap(&whole, &digest)
            return try whole.hexadecimal()
        }
    }

    init(_ questions: [DigestQuestion], of user: UInt32) {
        self.questions = Dictionary(grouping: questions, by: \.subject)
    }

    var isOver: Bool { questions.isEmpty && reading == nil && answers.isEmpty }

    mutating func goOn(_ slice: inout Slice, _ notes: inout Notes) -> Int {
        var answered = 0
        while !slice.isOver, !isOver {
            if let (question, digest) = answers.popLast() {
                slice.spend(3)
                var process = question.process
                process.digest = digest
                question.answer(process)
                answered += 1
                continue
            }
            do throws(ProcessFolder.Unknown) {
                if let reading {
                    slice.spend(Self.pieceEffort)
                    guard let digest = try reading.next() else { continue }
                    notes.known.remember(digest, of: reading.file, now: notes.now())
                    finish(reading.subject, .known(digest), &slice)
                } else if let subject = questions.keys.first {
                    slice.spend(40)
                    try begin(subject, &slice, notes)
                }
            } catch {
                if let subject = reading?.subject ?? questions.keys.first {
                    finish(subject, .unknown(error.reason), &slice)
                }
            }
        }
        return answered
    }

    private mutating func begin(
        _ subject: DigestQuestion.Subject, _ slice: inout Slice, _ notes: Notes
    ) throws(ProcessFolder.Unknown) {
        let file = try subject.holder.folder.openExecutable()
        let signature = file.facts.signature
        guard ProcessFolder.ExecutableFile(signature) == subject.file else { throw Self.isAnother }
        if let digest = notes.known[signature] { return finish(subject, .known(digest), &slice) }
        guard signature.byteCount <= Self.byteLimit else {
            throw ProcessFolder.Unknown("its executable is longer than 1 GiB")
        }
        do throws(CryptographyError) { reading = try Reading(subject, file) } catch {
            throw ProcessFolder.Unknown("its executable cannot be read: \(error)")
        }
    }

    private static let isAnother = ProcessFolder.Unknown("it executes another file by now")

    /// The digest counts for those whose process executes that very file still.
    private mutating func finish(
        _ subject: DigestQuestion.Subject, _ digest: LocalProcess.Fact<String>, _ slice: inout Slice
    ) {
        slice.spend(40)
        reading = nil
        let (path, end) = Self.lookAgain(at: subject)
        for question in questions.removeValue(forKey: subject) ?? [] {
            var fact = digest
            if let end {
                fact = .unknown(end)
            } else if case .known(let before) = question.process.executable, before != path {
                fact = .unknown(Self.isAnother.reason)
            }
            answers.append((question, fact))
        }
    }

    /// - Returns: Where its executable lies; or why what was read of it is not its own any more.
    private static func lookAgain(at subject: DigestQuestion.Subject) -> (path: String?, end: String?) {
        let process: ProcessHandle?
        do throws(ProcessFolder.Unknown) { process = try subject.holder.handle() } catch { return (nil, error.reason) }
        guard let handle = process else { return (nil, "it has ended") }
        let path = try? subject.holder.folder.executable().path
        let file = try? subject.holder.folder.executableFile()
        guard handle.isAlive else { return (nil, "it has ended") }
        return (path, file == subject.file ? nil : isAnother.reason)
    }
}
