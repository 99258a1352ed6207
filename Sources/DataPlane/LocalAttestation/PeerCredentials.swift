import CLinux
import Glibc
package import SystemInterfaces

/// Whom the kernel has at the other end of a Unix socket's connection: the process that connected (unix(7)).
package struct PeerCredentials: Hashable, Sendable {
    package let pid: Int32
    package let uid: UInt32
    package let gid: UInt32

    /// - Parameter descriptor: of a connected Unix socket.
    package init(of descriptor: CInt) throws(SystemCallError) {
        var credentials = CLinux_credentials()
        var size = socklen_t(MemoryLayout<CLinux_credentials>.size)
        guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0 else {
            throw SystemCallError(last: "getsockopt")
        }
        pid = credentials.pid
        uid = credentials.uid
        gid = credentials.gid
    }
}
