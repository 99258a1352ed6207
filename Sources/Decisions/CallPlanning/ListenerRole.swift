import Authorization
import CommonValues
import HTTPSemantics
import Manifests
import Telemetry

/// What a listener means to the calls that come there, in one generation.
package enum ListenerRole {
    /// A workload's own: what comes in carries its identity.
    case outbound(OutboundTable)
    /// Other nodes': mutual TLS.
    case inbound
    case gateway(GatewayTable)
    /// Bytes: a workload's own for one service, or a gateway's.
    case tcp(TCPListenerTable)

    /// Who comes here is another node.
    package var isForNodes: Bool { if case .inbound = self { true } else { false } }

    /// Only callers of this mesh are told why a call failed.
    package var tellsReason: Bool { if case .gateway = self { false } else { true } }

    /// The scheme of what comes in: a listener's, never a header's. Between nodes the caller's node has seen the scheme.
    package var scheme: Scheme {
        if case .gateway(let gateway) = self, gateway.isSecure { .https } else { .http }
    }

    package var isSecure: Bool {
        switch self {
        case .outbound: false
        case .inbound: true
        case .gateway(let gateway): gateway.isSecure
        // TLS may run in it, but it is not ended here.
        case .tcp: false
        }
    }

    /// Whose identity a call that begins now carries; of a gateway's its listener says so, once it is found.
    /// - Parameter verified: Who the peer has proved to be.
    func caller(verified: Caller?) -> Caller? {
        switch self {
        case .outbound(let outbound): outbound.caller
        case .inbound: verified
        case .tcp(let listener): listener.callers.first
        case .gateway: nil
        }
    }
}

package final class OutboundTable {
    package let caller: Caller
    package let namespace: String
    /// `orders`: the services of the caller's own namespace by their short names.
    let shortHosts: ByteTable?

    init(caller: Caller, namespace: String, shortHosts: ByteTable?) {
        self.caller = caller
        self.namespace = namespace
        self.shortHosts = shortHosts
    }
}

/// One port of the node's gateways: the listeners that share it, told apart by hostname.
package final class GatewayTable {
    package let isSecure: Bool
    package let listeners: [GatewayListenerTable]
    package let routes: BoundRoutes

    init(isSecure: Bool, listeners: [GatewayListenerTable], routes: BoundRoutes) {
        self.isSecure = isSecure
        self.listeners = listeners
        self.routes = routes
    }

    /// The listener whose certificate SNI chose; `nil`: none was asked for.
    func listener(serverName: [UInt8]) -> Int? {
        guard isSecure, !serverName.isEmpty else { return nil }
        return routes.table.listener(forHost: serverName.span)
    }
}

package final class GatewayListenerTable {
    /// Whose identity calls through it carry.
    package let caller: Caller
    let trustedProxies: [AddressBlock]
    /// The Gateway's and its own name: the same in each generation.
    package let label: Label

    init(caller: Caller, trustedProxies: [AddressBlock], label: Label) {
        self.caller = caller
        self.label = label
        self.trustedProxies = trustedProxies
    }

    package func trusts(_ address: IPAddress) -> Bool {
        trustedProxies.contains { $0.contains(high: address.high, low: address.low) }
    }
}
