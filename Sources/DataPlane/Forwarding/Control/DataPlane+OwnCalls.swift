package import EventLoops
package import Manifests
import Synchronization
package import SystemInterfaces

extension DataPlane {
    /// A connection over which this process calls as one of this node's workloads: by the routes and rules of whatever generation is in
    /// force then, counted and logged as the workload's own calls are.
    /// - Returns: The caller's end, which does not block. It ends without an answer where no generation has such calls of that workload, or
    ///   there is no room for another caller.
    package func connection(as workload: ResourceName) throws(SystemCallError) -> Socket {
        let worker = randomWorker
        return try Socket.pair().take { near, far throws(SystemCallError) in
            let handed = HandedSocket(far)
            worker.perform { worker in
                if let socket = handed.take() { worker.takeOwn(socket, as: workload) }
            }
            return near
        }
    }
}

/// A socket on its way to another thread; closed if it does not arrive.
private final class HandedSocket: Sendable {
    private let socket: Mutex<Socket?>

    init(_ socket: consuming sending Socket) { self.socket = Mutex(socket) }

    func take() -> Socket? { socket.withLock { $0.take() } }
}
