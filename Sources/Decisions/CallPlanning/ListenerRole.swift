package import Attestation
package import Authorization
package import CommonValues
package import HTTPSemantics
import Manifests
import Routing
package import Telemetry

/// What a listener means to the calls that come there, in one generation: who calls, what they are told, what they speak first, and
/// where a call's service is found. What is trusted of what they say follows from who they are.
package final class ListenerRole {
    /// Who calls.
    package let callers: Callers
    package let directory: Directory
    /// What ends TLS here; none where it may run through to the workload.
    package let security: Security
    /// Callers are told why a call failed. Those of this mesh alone are.
    package let tellsReason: Bool
    package let firstProtocol: FirstProtocol

    package enum Callers {
        /// All with one identity: the workload's whose own listener it is, what it says of a call's way being taken as it is; or that of
        /// a gateway that takes bytes, until SNI has found another one's listener.
        case one(Caller)
        /// Processes of this host, told apart by the kernel; each with the identity of the workload that it is.
        case attested(Admission)
        /// Other nodes, for whom their certificates prove. What they have found out about a call is not found out again.
        case nodes
        /// Nobody who could be named: whoever comes to a port that is named for plain calls.
        case nobody
        /// Anybody. Calls carry the identity of the listener that is found for them, which says what proxies it trusts.
        case anybody
    }

    /// Where the service of a call is found.
    package enum Directory {
        /// By Host, for the workloads of a namespace.
        case hosts(OutboundTable)
        /// The same, for whichever workload it is that calls.
        case hostsOfCaller
        /// By SNI, which names the service itself.
        case serverName
        /// It is this one, whatever Host says.
        case service(ServiceTable)
        /// By a gateway's routes.
        case routes(GatewayTable)
        /// It is one for all that comes, or is found by SNI: what comes is bytes.
        case connections(TCPListenerTable)
    }

    package enum Security {
        case none
        /// Mutual TLS with another node.
        case node
        /// With a gateway's certificates.
        case gateway
    }

    package enum FirstProtocol {
        /// HTTP/1.1, until something else is found out.
        case http
        /// Whatever it is, it begins a connection of bytes.
        case bytes
        /// TLS that is looked into, for the name that it asks for.
        case clientHello
    }

    private init(
        _ callers: Callers, _ directory: Directory, security: Security = .none, tellsReason: Bool = true,
        firstProtocol: FirstProtocol = .http
    ) {
        self.callers = callers
        self.directory = directory
        self.security = security
        self.tellsReason = tellsReason
        self.firstProtocol = firstProtocol
    }

    /// A workload's own.
    /// - Parameter admission: Who may call there; `nil`: whoever reaches it.
    package static func outbound(_ table: OutboundTable, for admission: Admission? = nil) -> ListenerRole {
        ListenerRole(admission.map(Callers.attested) ?? .one(table.caller), .hosts(table))
    }

    /// One for all workloads of a host, told apart by the kernel.
    package static func outbound(for admission: Admission) -> ListenerRole {
        ListenerRole(.attested(admission), .hostsOfCaller)
    }

    /// Other nodes'.
    package static func inbound() -> ListenerRole { ListenerRole(.nodes, .serverName, security: .node) }

    /// A workload's port for plain calls.
    package static func plain(_ service: ServiceTable) -> ListenerRole {
        ListenerRole(.nobody, .service(service), tellsReason: false, firstProtocol: service.isTCP ? .bytes : .http)
    }

    package static func gateway(_ table: GatewayTable) -> ListenerRole {
        ListenerRole(.anybody, .routes(table), security: table.isSecure ? .gateway : .none, tellsReason: false)
    }

    /// Bytes: a workload's own for one service, or a gateway's. TLS may run in it, but it is not ended here.
    /// - Parameter admission: Of a workload's own: who may connect there; `nil`: whoever reaches it.
    package static func tcp(_ table: TCPListenerTable, for admission: Admission? = nil) -> ListenerRole {
        ListenerRole(
            admission.map(Callers.attested) ?? .one(table.callers[0]), .connections(table),
            firstProtocol: table.readsServerName ? .clientHello : .bytes)
    }

    package var isSecure: Bool {
        switch security {
        case .none: false
        case .node, .gateway: true
        }
    }

    /// The scheme of what comes in: a listener's, never a header's. Between nodes the caller's node has seen the scheme.
    package var scheme: Scheme {
        switch security {
        case .none, .node: .http
        case .gateway: .https
        }
    }

    /// Who comes here is another node.
    package var isForNodes: Bool { if case .nodes = callers { true } else { false } }

    /// Calls there are for workloads of this node, and go no further.
    package var endsHere: Bool {
        switch callers {
        case .nodes, .nobody: true
        case .one, .attested, .anybody: false
        }
    }

    /// The service whose port for plain calls it is; `nil`: it is none.
    package var plainService: ServiceTable? {
        if case .nobody = callers, case .service(let service) = directory { service } else { nil }
    }

    /// A call may name no host (HTTP/1.0): it means the address that it comes to, by which nothing else is found.
    package var takesHostless: Bool {
        switch callers {
        case .anybody, .nobody: true
        case .one, .attested, .nodes: false
        }
    }

    /// Whose identity a call carries that begins now.
    package enum Identification {
        /// `nil`: nobody's; of anybody's its listener says so, once it is found.
        case caller(Caller?)
        case workload(Admission.Candidate)
        /// The process that calls is no workload here.
        case notAttested
        /// It is to be found out, first.
        case needs(FactDepth)
    }

    package func identify(_ source: CallSource, in tables: CallTables) -> Identification {
        switch callers {
        case .one(let caller): return .caller(caller)
        case .nodes: return .caller(source.verified)
        case .nobody, .anybody: return .caller(nil)
        case .attested(let admission):
            switch source.verdict(of: admission, in: tables) {
            case .admitted(let index): return .workload(admission.candidates[index])
            case .nobody, .several: return .notAttested
            case .needs(let depth): return .needs(depth)
            }
        }
    }

    /// Calls there are those of processes that are asked for.
    package var admission: Admission? { if case .attested(let admission) = callers { admission } else { nil } }
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
