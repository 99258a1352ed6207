import CallPlanning
package import Cryptography
package import EventLoops
package import SPIFFE
package import TransportSecurity

/// The certificates in force: replaced as a whole by every rotation and generation; sessions keep what they began with.
package struct TLSMaterial: Sendable {
    package var svids: [SPIFFEID: X509SVID]
    package var meshServer: TLSContext?
    package var meshClient: TLSContext?
    package var gateways: [NetworkAddress: TLSContext]

    package init(
        svids: [SPIFFEID: X509SVID] = [:], meshServer: TLSContext? = nil, meshClient: TLSContext? = nil,
        gateways: [NetworkAddress: TLSContext] = [:]
    ) {
        self.svids = svids
        self.meshServer = meshServer
        self.meshClient = meshClient
        self.gateways = gateways
    }

    func clientSession(
        as source: SPIFFEID, over descriptor: CInt, serverName: String, acceptable: Set<SPIFFEID>
    ) throws -> TLSSession {
        guard let meshClient, let svid = svids[source] else { throw MissingIdentity(id: source) }
        return try TLSSession(
            connecting: meshClient, as: svid, serverName: serverName, acceptableIDs: acceptable, descriptor: descriptor)
    }

    func serverContext(for view: ListenerView) -> TLSContext? {
        switch view.role.security {
        case .none: nil
        case .node: meshServer
        case .gateway: gateways[view.address]
        }
    }
}

/// No certificate has been issued for an identity of this node.
struct MissingIdentity: Error {
    let id: SPIFFEID
}
