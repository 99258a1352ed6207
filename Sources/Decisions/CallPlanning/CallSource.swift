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

    /// Found once for all of the connection's calls.
    func target(in tables: CallTables) -> ServiceTable? {
        if target?.tables != tables.number {
            target = (tables.number, tables.index(serverName: String(decoding: serverName, as: UTF8.self)))
        }
        return target?.index.map { tables.services[$0] }
    }
}
