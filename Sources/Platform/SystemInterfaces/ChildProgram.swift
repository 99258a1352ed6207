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

    /// Blocks until it has ended and everything it wrote is read.
    /// - Parameters:
    ///   - input: What it reads.
    ///   - limit: Of bytes of its output, and of its errors, that are kept; what comes after them is read and dropped.
    /// - Throws: It could not be started.
    package func run(
        input: [UInt8], for longest: Duration = .seconds(10), limit: Int = 4 << 20
    ) throws(SystemCallError) -> Outcome {
        var pipes = try ChildPipes()
        let child: pid_t
        do throws(SystemCallError) {
            child = try spawn(pipes)
        } catch {
            pipes.closeAll()
            throw error
        }
        pipes.closeTheirs()
        let isDone = pipes.exchange(input, until: .now + longest, limit)
        // Not waited for yet: the number is its own.
        if !isDone { kill(child, SIGKILL) }
        pipes.closeAll()
        var status: CInt = 0
        while unsafe waitpid(child, &status, 0) < 0, errno == EINTR {}
        let end: Outcome.End =
            if !isDone {
                .overdue
            } else if status & 0x7F == 0 {
                .exited(status >> 8 & 0xFF)
            } else {
                .killed(by: status & 0x7F)
            }
        return Outcome(end: end, output: pipes.output, errors: pipes.errors)
    }

    private func spawn(_ pipes: borrowing ChildPipes) throws(SystemCallError) -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        unsafe posix_spawn_file_actions_init(&actions)
        unsafe posix_spawnattr_init(&attributes)
        defer {
            unsafe posix_spawn_file_actions_destroy(&actions)
            unsafe posix_spawnattr_destroy(&attributes)
        }
        for (number, end) in pipes.theirs.enumerated() {
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

/// What a child reads and writes, and this process's ends of it.
private struct ChildPipes {
    /// The child's input, output and errors; -1: closed.
    private(set) var theirs: [CInt] = []
    private var ours: [CInt] = []
    private(set) var output: [UInt8] = []
    private(set) var errors: [UInt8] = []

    init() throws(SystemCallError) {
        for index in 0..<3 {
            var ends: [CInt] = [-1, -1]
            guard unsafe pipe2(&ends, O_CLOEXEC) == 0 else {
                let error = SystemCallError(last: "pipe2")
                closeAll()
                throw error
            }
            let (our, their) = index == 0 ? (ends[1], ends[0]) : (ends[0], ends[1])
            theirs.append(their)
            ours.append(our)
            _ = fcntl(our, F_SETFL, O_NONBLOCK)
        }
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

    /// - Returns: Whether the child closed its ends in time.
    mutating func exchange(_ input: [UInt8], until deadline: ContinuousClock.Instant, _ limit: Int) -> Bool {
        var rest = input[...]
        while ours[1] >= 0 || ours[2] >= 0 {
            let left = (deadline - .now).components
            let milliseconds = left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000
            guard milliseconds > 0 else { return false }
            var polled = ours.enumerated().map { index, end in
                // Negative ones are passed over.
                pollfd(fd: end, events: Int16(index == 0 ? POLLOUT : POLLIN), revents: 0)
            }
            if unsafe poll(&polled, nfds_t(polled.count), CInt(milliseconds)) < 0, errno != EINTR { return false }
            if polled[0].revents != 0 { feed(&rest) }
            if polled[1].revents != 0 { Self.drain(&ours[1], into: &output, limit) }
            if polled[2].revents != 0 { Self.drain(&ours[2], into: &errors, limit) }
        }
        return true
    }

    /// One that reads no more is not written to: SIGPIPE is ignored by every program of the mesh.
    private mutating func feed(_ rest: inout ArraySlice<UInt8>) {
        let count = rest.isEmpty ? 0 : unsafe rest.withUnsafeBytes { unsafe write(ours[0], $0.baseAddress, $0.count) }
        if count < 0, errno == EAGAIN || errno == EINTR { return }
        rest = count < 0 ? [] : rest.dropFirst(count)
        guard rest.isEmpty else { return }
        close(ours[0])
        ours[0] = -1
    }

    private static func drain(_ end: inout CInt, into bytes: inout [UInt8], _ limit: Int) {
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
