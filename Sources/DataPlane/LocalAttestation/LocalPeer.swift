package import Attestation

/// The other end of a connection within this host, and what is known of its process so far.
package struct LocalPeer: Sendable {
    package var process: LocalProcess
    let origin: Origin

    enum Origin: Sendable {
        /// Of TCP: the process is to be found by its socket.
        case socket(SocketOwner)
        /// Of a Unix socket: when it was accepted, at the latest, in `ProcessHandle.ticks`.
        case process(PeerCredentials, accepted: UInt64)
    }
}
