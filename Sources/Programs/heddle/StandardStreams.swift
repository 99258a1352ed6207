import Glibc

/// Descriptors 0 to 2, whether or not the process was given them.
enum StandardStreams {
    /// Writes say by an error that nobody reads any more (EPIPE), or that a file may not grow (EFBIG), instead of ending the process
    /// in the midst of what it does.
    static func reportErrors() {
        for number in quietened { signal(number, SIG_IGN) }
    }

    /// As this process was given them: for a program that it becomes.
    static func restoreSignals() {
        for number in quietened { signal(number, SIG_DFL) }
    }

    /// Those that are not ignored from the start.
    static let quietened = [SIGPIPE, SIGXFSZ].filter { number in
        var given = sigaction()
        guard unsafe sigaction(number, nil, &given) == 0 else { return true }
        return unsafe unsafeBitCast(given.__sigaction_handler.sa_handler, to: Int.self)
            != unsafeBitCast(SIG_IGN, to: Int.self)
    }

    /// Takes the place of those that are closed, before anything else does: a log must not be written to a socket. They are opened the
    /// wrong way round, so that whoever reads or writes there is told that it cannot be (EBADF), as if they were closed.
    static func open() {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
            // The lowest number that is free.
            _ = unsafe Glibc.open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
        }
    }
}
