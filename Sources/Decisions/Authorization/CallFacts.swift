package import CommonValues

/// What is known of a call besides its head. Made once a connection: only `remoteAddress` may differ between the calls
/// of one connection, so that a decision copies nothing and counts no reference.
package struct CallFacts: ~Copyable {
    /// The verified peer; `nil`: not authenticated, so that it has no principal, namespace or service account.
    package let caller: Caller?
    /// The peer's address; `.unspecified` over a Unix socket.
    package let peerAddress: IPAddress
    /// The client's address as a Gateway's `trustedProxies` report it; the peer's where none are configured.
    package var remoteAddress: IPAddress
    /// A trusted proxy names a client whose address nobody can read. A DENY rule that asks for it matches, an ALLOW rule does
    /// not: the address of somebody else, the proxy's for one, would open doors.
    package var isRemoteAddressUnreadable = false
    /// The address the call was sent to: the workload's; `.unspecified` for a Unix socket.
    package var destinationAddress: IPAddress
    /// 0 for a Unix socket.
    package var destinationPort: UInt16
    package var callProtocol: CallProtocol
    /// In lower case; empty where there was none.
    let serverNameIndication: [UInt8]

    /// - Parameter serverNameIndication: the name of TLS's SNI (RFC 6066 § 3), compared without regard to case.
    package init(
        caller: Caller?, peerAddress: IPAddress, remoteAddress: IPAddress? = nil,
        destinationAddress: IPAddress = .unspecified,
        destinationPort: UInt16 = 0, serverNameIndication: [UInt8] = [], callProtocol: CallProtocol = .http
    ) {
        self.caller = caller
        self.peerAddress = peerAddress
        self.remoteAddress = remoteAddress ?? peerAddress
        self.destinationAddress = destinationAddress
        self.destinationPort = destinationPort
        // As a rule it is in lower case already, and the same memory serves its connection.
        let isLowercase = serverNameIndication.allSatisfy { lowercased($0) == $0 }
        self.serverNameIndication = isLowercase ? serverNameIndication : serverNameIndication.map(lowercased)
        self.callProtocol = callProtocol
    }
}

/// What a connection carries, as its Service declares it.
package enum CallProtocol: UInt8, Sendable {
    case http
    /// The attributes of HTTP are absent: host, method, path, header fields and request principal.
    case tcp
}

/// An ASCII letter in lower case; any other byte as it is.
func lowercased(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
}
