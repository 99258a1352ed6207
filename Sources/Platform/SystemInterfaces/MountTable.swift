import CLinux
import Glibc

/// Tells when something is mounted or unmounted: no event of inotify does.
package final class MountTable {
    /// Readable (`POLLPRI`) once each time after the table changed; -1 where there is no /proc.
    package let descriptor = unsafe open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC)

    package init() {}

    /// Whether something is mounted at a path.
    package static func isMountPoint(_ path: String) -> Bool { unsafe CLinux_is_mount_point(path) == 1 }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }
}
