import CLinux
import Glibc

/// Where the handler leaves what came: writing to a pipe is all that it may do (signal-safety(7)).
/// SAFETY: set once, before the handler is.
nonisolated(unsafe) private var pipeEnds: (reading: CInt, writing: CInt) = (-1, -1)

/// The signals that a program is to have, too, which come to the process that keeps it: all that can be caught, but for those that say
/// what this process did wrong, and those that stop jobs and let them go on, which a terminal sends to all.
struct SignalInbox {
    /// Readable while there are any.
    let descriptor: CInt
    /// What this thread kept from itself until then, and what the program is to keep from itself.
    let mask: sigset_t

    struct Received: Equatable {
        let number: CInt
        /// Sent by the kernel, so that the program has it as well: both are in one group of processes.
        let isFromTerminal: Bool
    }

    private static let others: Set<CInt> = [
        SIGKILL, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGCHLD, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP,
        SIGABRT,
        SIGSYS, SIGPIPE, SIGXFSZ, SIGXCPU, SIGPROF, SIGVTALRM, SIGURG,
        // The C library's own.
        32, 33,
    ]

    /// From now on they, and the end of children, come here. What was ignored from the start stays so, here and in the program.
    /// - Returns: `nil`: there is no descriptor for it.
    init?() {
        var ends: [CInt] = [-1, -1]
        guard unsafe pipe2(&ends, O_CLOEXEC | O_NONBLOCK) == 0 else { return nil }
        unsafe pipeEnds = (ends[0], ends[1])
        for number in CInt(1)...64 where number == SIGCHLD || !Self.others.contains(number) {
            var former = sigaction()
            guard unsafe sigaction(number, nil, &former) == 0 else { continue }
            let isIgnored =
                unsafe unsafeBitCast(former.__sigaction_handler.sa_handler, to: Int.self)
                == unsafeBitCast(SIG_IGN, to: Int.self)
            guard !isIgnored || number == SIGCHLD else { continue }
            var action = sigaction()
            action.sa_flags = SA_SIGINFO | SA_RESTART | SA_NOCLDSTOP
            unsafe action.__sigaction_handler.sa_sigaction = { number, information, _ in
                let error = errno
                let isFromKernel = unsafe information.map { unsafe $0.pointee.si_code > 0 } ?? false
                var bytes = (UInt8(truncatingIfNeeded: number), isFromKernel ? UInt8(1) : 0)
                _ = unsafe write(pipeEnds.writing, &bytes, 2)
                errno = error
            }
            _ = unsafe sigaction(number, &action, nil)
        }
        // Whoever started this process may have kept them from it.
        var (none, former) = (sigset_t(), sigset_t())
        unsafe sigemptyset(&none)
        unsafe pthread_sigmask(SIG_SETMASK, &none, &former)
        descriptor = ends[0]
        mask = former
    }

    /// What has come since the last look, without what is said of children.
    func take() -> [Received] {
        var received: [Received] = []
        var bytes = [UInt8](repeating: 0, count: 512)
        while true {
            let count = unsafe read(descriptor, &bytes, bytes.count)
            guard count > 0 else { return received }
            for index in stride(from: 0, to: count - 1, by: 2) where CInt(bytes[index]) != SIGCHLD {
                received.append(Received(number: CInt(bytes[index]), isFromTerminal: bytes[index + 1] == 1))
            }
        }
    }
}
