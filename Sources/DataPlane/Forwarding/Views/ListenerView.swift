import Authorization
import CommonValues
import EventLoops
import HTTPSemantics
import Manifests
import Telemetry

/// What a listener means in one generation.
final class ListenerView {
    enum Role {
        /// A workload's own: what comes in carries its identity.
        case outbound(OutboundView)
        /// Other nodes': mutual TLS.
        case inbound
        case gateway(GatewayView)
        /// Bytes: a workload's own for one service, or a gateway's.
        case tcp(TCPListenerView)

        /// Who comes here is another node.
        var isForNodes: Bool { if case .inbound = self { true } else { false } }
    }

    let role: Role
    let address: NetworkAddress
    let label: String

    init(role: Role, address: NetworkAddress, label: String) {
        self.role = role
        self.address = address
        self.label = label
    }

    /// The scheme of what comes in: a listener's, never a header's. Between nodes the caller's node has seen the scheme.
    var scheme: Scheme {
        if case .gateway(let gateway) = role, gateway.isSecure { .https } else { .http }
    }

    var isSecure: Bool {
        switch role {
        case .outbound: false
        case .inbound: true
        case .gateway(let gateway): gateway.isSecure
        // TLS may run in it, but it is not ended here.
        case .tcp: false
        }
    }
}

final class OutboundView {
    let caller: Caller
    let namespace: String
    /// `orders`: the services of the caller's own namespace by their short names.
    let shortHosts: ByteTable?

    init(caller: Caller, namespace: String, shortHosts: ByteTable?) {
        self.caller = caller
        self.namespace = namespace
        self.shortHosts = shortHosts
    }
}

/// One port of the node's gateways: the listeners that share it, told apart by hostname.
final class GatewayView {
    let isSecure: Bool
    let listeners: [GatewayListenerView]
    let routes: RouteTableView

    /// The listener whose certificate SNI chose; `nil`: none was asked for.
    func listener(serverName origin: CallOrigin) -> Int? {
        guard isSecure, !origin.serverName.isEmpty else { return nil }
        let name = origin.serverNameBytes
        return routes.table.listener(forHost: name.span)
    }

    init(isSecure: Bool, listeners: [GatewayListenerView], routes: RouteTableView) {
        self.isSecure = isSecure
        self.listeners = listeners
        self.routes = routes
    }
}

final class GatewayListenerView {
    /// Whose identity calls through it carry.
    let caller: Caller
    let trustedProxies: [AddressBlock]
    /// The Gateway's and its own name: the same in each generation.
    let label: Label

    init(caller: Caller, trustedProxies: [AddressBlock], label: Label) {
        self.caller = caller
        self.label = label
        self.trustedProxies = trustedProxies
    }

    func trusts(_ address: IPAddress) -> Bool {
        trustedProxies.contains { $0.contains(high: address.high, low: address.low) }
    }
}
