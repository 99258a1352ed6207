import CLinux
import Glibc

/// A file or a folder that other processes find locked, for as long as this is kept.
package struct HeldLock: ~Copyable {
    package enum Failure: Error, Hashable {
        /// Another process has locked it.
        case taken
        case unopened(errno: CInt)
        /// Some filesystems of other hosts lock no folders, and nothing that may only be read.
        case unlockable(errno: CInt)
    }

    private let descriptor: CInt

    /// - Parameter flags: As open(2) takes them; a file that is made is its owner's alone.
    package init(_ path: String, _ flags: CInt) throws(Failure) {
        let descriptor = unsafe open(path, flags | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .unopened(errno: errno) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let error = errno
            close(descriptor)
            throw error == EWOULDBLOCK ? .taken : .unlockable(errno: error)
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// Whether it is what stands at the path, or another is there by now, or nothing.
    package func stands(at path: String) -> Bool {
        var own = stat()
        var found = stat()
        return unsafe fstat(descriptor, &own) == 0 && stat(path, &found) == 0 && own.st_dev == found.st_dev
            && own.st_ino == found.st_ino
    }
}
