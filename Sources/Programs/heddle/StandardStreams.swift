import Glibc

/// Descriptors 0 to 2, whether or not the process was given them.
enum StandardStreams {
    /// Writes say by an error that nobody reads any more (EPIPE), or that a file may not grow (EFBIG), instead of ending the process
    /// in the midst of what it does.
    static func reportErrors() {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
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
