import CLinux
import Glibc

/// Another program of this host, run to its end for what it says.
package struct ChildProgram: Sendable {
    /// What came of it.
    package struct Outcome: Sendable, Equatable {
        package enum End: Sendable, Equatable {
            case exited(CInt)
            case killed(by: CInt)
            /// It took longer than it was given, and was killed.
            case overdue
        }

        package var end: End
        /// What it wrote, as far as it was wanted.
        package var output: [UInt8]
        package var errors: [UInt8]

        package init(end: End, output: [UInt8] = [], errors: [UInt8] = []) {
            self.end = end
            self.output = output
            self.errors = errors
        }
    }

    /// Absolute: nothing is looked for in PATH, which whoever started this process has written.
    package let path: String
    package let arguments: [String]

    package init(_ path: String, _ arguments: [String]) {
        self.path = path
        self.arguments = arguments
    }

    /// What it is told of where it is: nothing of this process's, and messages as they are in C.
    private static let environment = ["LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]

    /// Blocks until it has ended. What it has left running is not waited for.
    /// - Parameters:
    ///   - input: What it reads. All of it is there before it begins: it is never cut off, not by this process's end either.
    ///   - longest: Until then it is to have ended.
    ///   - limit: Of bytes of its output, and of its errors, that are kept; what comes after them is read and dropped.
    /// - Throws: It could not be started.
    package func run(
        input: [UInt8], for longest: Duration = .seconds(5), limit: Int = 4 << 20
    ) throws(SystemCallError) -> Outcome {
        var ends = try ChildEnds(input: input)
        defer { ends.closeAll() }
        let child = try spawn(ends)
        ends.closeTheirs()
        let process: CInt
        do throws(SystemCallError) { process = try watch(child) } catch {
            kill(child, SIGKILL)
            reap(child)
            throw error
        }
        defer { close(process) }
        guard ends.exchange(until: .now + longest, untilEndOf: process, limit) else {
            // Not waited for yet: the number is its own. One that the kernel does not let go of is left to a thread.
            kill(child, SIGKILL)
            if (try? SystemThread.start(name: "reaper") { reap(child) }) == nil { reap(child) }
            return Outcome(end: .overdue, output: ends.output, errors: ends.errors)
        }
        let status = reap(child)
        return Outcome(
            end: status & 0x7F == 0 ? .exited(status >> 8 & 0xFF) : .killed(by: status & 0x7F), output: ends.output,
            errors: ends.errors)
    }

    private func watch(_ child: pid_t) throws(SystemCallError) -> CInt {
        let process = CLinux_open_process(child)
        guard process >= 0 else { throw SystemCallError(last: "pidfd_open") }
        return process
    }

    private func spawn(_ ends: borrowing ChildEnds) throws(SystemCallError) -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        unsafe posix_spawn_file_actions_init(&actions)
        unsafe posix_spawnattr_init(&attributes)
        defer {
            unsafe posix_spawn_file_actions_destroy(&actions)
            unsafe posix_spawnattr_destroy(&attributes)
        }
        for (number, end) in ends.theirs.enumerated() {
            unsafe posix_spawn_file_actions_adddup2(&actions, end, CInt(number))
        }
        // What this process ignores or blocks is no affair of the other's.
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe posix_spawnattr_setsigmask(&attributes, &signals)
        unsafe sigfillset(&signals)
        unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var texts = unsafe ([path] + arguments).map { unsafe strdup($0) } + [nil]
        var variables = unsafe Self.environment.map { unsafe strdup($0) } + [nil]
        defer {
            while let text = unsafe texts.popLast() { unsafe free(text) }
            while let variable = unsafe variables.popLast() { unsafe free(variable) }
        }
        var child: pid_t = 0
        let result = unsafe posix_spawn(&child, path, &actions, &attributes, &texts, &variables)
        guard result == 0 else { throw SystemCallError("posix_spawn", errno: result) }
        return child
    }
}

/// Blocks until a child has ended.
/// - Returns: As waitpid(2) has it.
@discardableResult private func reap(_ child: pid_t) -> CInt {
    var status: CInt = 0
    while unsafe waitpid(child, &status, 0) < 0, errno == EINTR {}
    return status
}

/// What a child reads and writes, and this process's ends of it.
private struct ChildEnds {
    /// The child's input, output and errors.
    private(set) var theirs: [CInt] = []
    /// Where its output and errors are read; -1: closed.
    private var ours: [CInt] = []
    private(set) var output: [UInt8] = []
    private(set) var errors: [UInt8] = []

    init(input: [UInt8]) throws(SystemCallError) {
        do throws(SystemCallError) {
            theirs.append(try Self.file(with: input))
            for _ in 0..<2 {
                var ends: [CInt] = [-1, -1]
                guard unsafe pipe2(&ends, O_CLOEXEC) == 0 else { throw SystemCallError(last: "pipe2") }
                ours.append(ends[0])
                theirs.append(ends[1])
                _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
            }
        } catch {
            closeAll()
            throw error
        }
    }

    /// A file without a name, at its beginning.
    private static func file(with bytes: [UInt8]) throws(SystemCallError) -> CInt {
        let closingOnExec: CUnsignedInt = 1  // MFD_CLOEXEC
        let file = unsafe memfd_create("input", closingOnExec)
        guard file >= 0 else { throw SystemCallError(last: "memfd_create") }
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe pwrite(file, $0.baseAddress! + written, $0.count - written, written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let error = SystemCallError(last: "pwrite")
                close(file)
                throw error
            }
            written += count
        }
        return file
    }

    mutating func closeTheirs() {
        for end in theirs { close(end) }
        theirs = []
    }

    mutating func closeAll() {
        closeTheirs()
        for end in ours where end >= 0 { close(end) }
        ours = []
    }

    /// Reads until a process has ended.
    /// - Returns: Whether it has, in time.
    mutating func exchange(
        until deadline: ContinuousClock.Instant, untilEndOf process: CInt, _ limit: Int
    ) -> Bool {
        while true {
            let left = (deadline - .now).components
            let milliseconds = left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000
            guard milliseconds > 0 else { return false }
            // Negative ones are passed over.
            var polled = (ours + [process]).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            if unsafe poll(&polled, nfds_t(polled.count), CInt(milliseconds)) < 0, errno != EINTR { return false }
            if polled[0].revents != 0 { Self.drain(&ours[0], into: &output, limit) }
            if polled[1].revents != 0 { Self.drain(&ours[1], into: &errors, limit) }
            guard polled[2].revents != 0 else { continue }
            // Whatever it wrote is there by now. Another that has its ends may go on writing: one pipe's worth of that is enough.
            for _ in 0..<16 { Self.drain(&ours[0], into: &output, limit) }
            for _ in 0..<16 { Self.drain(&ours[1], into: &errors, limit) }
            return true
        }
    }

    private static func drain(_ end: inout CInt, into bytes: inout [UInt8], _ limit: Int) {
        guard end >= 0 else { return }
        let count = unsafe withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 1) { buffer in
            let count = unsafe read(end, buffer.baseAddress, buffer.count)
            if count > 0 { unsafe bytes.append(contentsOf: buffer[..<min(count, max(0, limit - bytes.count))]) }
            return count
        }
        if count < 0, errno == EAGAIN || errno == EINTR { return }
        guard count <= 0 else { return }
        close(end)
        end = -1
    }
}
