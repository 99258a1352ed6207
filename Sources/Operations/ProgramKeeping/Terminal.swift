import Glibc

/// The terminal of this process, as it was at the start: a program that is killed leaves it as it had made it, and another is to begin there.
struct Terminal {
    private let descriptor: CInt
    private var settings = termios()
    private let group: pid_t

    /// - Returns: `nil`: none is on the standard streams, or another job has it.
    init?() {
        let found = (STDIN_FILENO...STDERR_FILENO).first { isatty($0) != 0 && tcgetpgrp($0) == getpgrp() }
        guard let found, unsafe tcgetattr(found, &settings) == 0 else { return nil }
        descriptor = found
        group = getpgrp()
    }

    /// Takes it back from a job that is no more.
    func restore() {
        let holder = tcgetpgrp(descriptor)
        if holder > 0, holder != group {
            guard kill(-holder, 0) != 0, errno == ESRCH else { return }
            let former = signal(SIGTTOU, SIG_IGN)
            tcsetpgrp(descriptor, group)
            signal(SIGTTOU, former)
        }
        _ = unsafe withUnsafePointer(to: settings) { unsafe tcsetattr(descriptor, TCSANOW, $0) }
    }
}
