package import Attestation

/// A process at the other end of a connection within this host, or one that was named, and what is known of its process so far.
package struct LocalPeer: Sendable {
    package var process: LocalProcess
    let origin: Origin

    enum Origin: Sendable {
        /// Of TCP: the process is to be found by its socket.
        case socket(SocketOwner)
        /// Of a Unix socket: when it was accepted, at the latest, in `ProcessHandle.ticks`.
        case process(PeerCredentials, accepted: UInt64)
        /// Of no connection: somebody has named it by its number.
        case named(ProcessHandle)
    }
}
