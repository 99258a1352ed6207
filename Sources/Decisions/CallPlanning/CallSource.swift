package import Attestation
package import Authorization
package import CommonValues

/// Where the calls of one connection come from, as far as it does not change with generations.
package final class CallSource {
    /// `.unspecified` over a Unix socket.
    package let peer: IPAddress
    /// The same as `x-forwarded-for` has it; empty over a Unix socket.
    package let peerText: [UInt8]
    /// What the TLS handshake named, in canonical form: inbound a service, on a Gateway a host; empty: nothing.
    package let serverName: [UInt8]
    /// The peer's own identity: a verified certificate's, inbound.
    package let verified: Caller?
    /// Of the listener, as its manifest has it; 0 for a Unix socket.
    package let listenerPort: UInt16
    /// The process at the other end, within this host.
    package private(set) var process = ProcessSeen.notLooked
    /// Who it is to a listener in the tables of this number.
    private var verdict: (tables: UInt64, verdict: Admission.Verdict)?
    /// Where the service that SNI named between nodes stands in the tables of this number. Not the service itself: a connection that
    /// idles keeps no generation alive.
    private var target: (tables: UInt64, index: Int?)?

    package init(peer: IPAddress, serverName: [UInt8] = [], verified: Caller? = nil, listenerPort: UInt16) {
        self.peer = peer
        peerText = peer == .unspecified ? [] : Array(peer.description.utf8)
        self.serverName = serverName
        self.verified = verified
        self.listenerPort = listenerPort
    }

    /// What has been seen of the process at the other end.
    package enum ProcessSeen {
        /// Nobody has asked the kernel yet.
        case notLooked
        /// The kernel names none, for this reason.
        case nobody(String)
        case found(LocalProcess)
    }

    package func see(_ process: ProcessSeen) {
        self.process = process
        verdict = nil
    }

    /// Who the process at the other end is to a listener; found once a generation for all of the connection's calls.
    package func verdict(of admission: Admission, in tables: CallTables) -> Admission.Verdict {
        if let verdict, verdict.tables == tables.number { return verdict.verdict }
        let found: Admission.Verdict =
            switch process {
            case .notLooked: .needs(.controlGroup)
            case .nobody: .nobody
            case .found(let process): admission.verdict(on: process)
            }
        verdict = (tables.number, found)
        return found
    }

    /// Found once for all of the connection's calls.
    func target(in tables: CallTables) -> ServiceTable? {
        if target?.tables != tables.number {
            target = (tables.number, tables.index(serverName: String(decoding: serverName, as: UTF8.self)))
        }
        return target?.index.map { tables.services[$0] }
    }
}
