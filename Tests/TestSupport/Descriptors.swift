import CLinux
import Glibc

/// Descriptors that no child inherits, from their first moment on: other tests start programs at any time, and an end that one of these
/// holds is an end that never comes.
package enum Descriptors {
    /// The next connection, however long it takes to come.
    /// - Returns: -1 if there will be none.
    package static func accept(_ listening: CInt) -> CInt {
        accept4(listening, nil, nil, CInt(SOCK_CLOEXEC.rawValue))
    }

    package static func pipe() -> (reading: CInt, writing: CInt) {
        var ends: [CInt] = [-1, -1]
        _ = unsafe pipe2(&ends, O_CLOEXEC)
        return (ends[0], ends[1])
    }
}
