import CLinux
import Glibc
package import SystemInterfaces

/// A process of this host, and no other that may have its number after its end (pidfd_open(2)).
package final class ProcessHandle: Sendable {
    package let pid: Int32
    private let descriptor: CInt

    /// The process that has this number now.
    package init(pid: Int32) throws(SystemCallError) {
        let new = CLinux_open_process(pid)
        guard new >= 0 else { throw SystemCallError(last: "pidfd_open") }
        descriptor = new
        self.pid = pid
    }

    /// The process that made a Unix socket's connection.
    /// - Parameters:
    ///   - descriptor: of the connection's end here.
    ///   - accepted: When it was accepted, at the latest, in ticks since the system was started (`ProcessHandle.ticks`).
    /// - Throws: It has ended; `ESRCH`.
    package init(peerOf descriptor: CInt, _ credentials: PeerCredentials, accepted: UInt64) throws(SystemCallError) {
        // The kernel sees a process of another namespace without a number.
        guard credentials.pid > 0 else { throw SystemCallError("getsockopt", errno: ESRCH) }
        pid = credentials.pid
        let peer = CLinux_open_peer(descriptor)
        if peer >= 0 {
            self.descriptor = peer
            return
        }
        // Before 6.5 only the number tells: whoever has it by now, and had begun when the connection was there, made it.
        guard errno == ENOPROTOOPT else { throw SystemCallError(last: "getsockopt") }
        let new = CLinux_open_process(credentials.pid)
        guard new >= 0 else { throw SystemCallError(last: "pidfd_open") }
        self.descriptor = new
        let started: UInt64
        do throws(SystemCallError) { started = try ProcessFolder(pid).startTicks() } catch {
            throw error.isMissing ? SystemCallError(error.call, errno: ESRCH) : error
        }
        guard started <= accepted else { throw SystemCallError("pidfd_open", errno: ESRCH) }
    }

    deinit { close(descriptor) }

    /// It has not ended: what was read under its number until now was its own.
    package var isAlive: Bool {
        var asked = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&asked, 1, 0) == 0
    }

    /// - Throws: It has ended (`ESRCH`), or may not be signalled.
    func send(_ signal: CInt) throws(SystemCallError) {
        guard CLinux_signal_process(descriptor, signal) == 0 else { throw SystemCallError(last: "pidfd_send_signal") }
    }

    /// Returns when one of them has ended, when it is woken, or when the time is over.
    static func waitForEnd(of processes: [ProcessHandle], or wakeup: borrowing Wakeup, milliseconds: CInt) {
        var asked = processes.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        asked.append(pollfd(fd: wakeup.descriptor, events: Int16(POLLIN), revents: 0))
        _ = unsafe poll(&asked, nfds_t(asked.count), milliseconds)
    }

    package var folder: ProcessFolder { ProcessFolder(pid) }

    /// Ticks of 1/100 s since the system was started: what `/proc/PID/stat` counts in (proc_pid_stat(5)).
    package static var ticks: UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_BOOTTIME, &time)
        let perSecond = UInt64(max(1, sysconf(CInt(_SC_CLK_TCK))))
        return UInt64(time.tv_sec) * perSecond + UInt64(time.tv_nsec) * perSecond / 1_000_000_000
    }
}
