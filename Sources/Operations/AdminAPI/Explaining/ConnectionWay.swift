import Manifests
import MeshSnapshot
import Routing

/// Where a connection to a TCP service goes before any rule is asked.
struct ConnectionWay {
    enum End {
        /// Straight to the service that was named.
        case service
        case noRoute
        /// Those with a weight above 0.
        case backends([RouteBackend])
    }

    let routes: [RouteExplanation]
    let end: End

    init(_ question: CallQuestion, _ resolved: ResolvedQuestion, in snapshot: MeshSnapshot) throws(CallQuestion.Mistake)
    {
        guard let gateway = resolved.gateway else {
            guard question.host == nil else {
                throw CallQuestion.Mistake(
                    "\(resolved.service) speaks TCP: a connection names no host, so leave it out")
            }
            let table = TCPRouteTable(
                service: resolved.service, calledFrom: resolved.caller?.serviceAccount?.namespace, in: snapshot)
            self.init([table.explainMatch()])
            return
        }
        guard let host = question.host else {
            self.init(routes: [], end: .service)
            return
        }
        let serverName = Array(host.lowercased().utf8)
        let found = gateway.listenersByPort { $0 == .tls }.compactMap { listeners in
            TLSRouteTable(listeners: listeners.map { (gateway: gateway.metadata.name, listener: $0) }, in: snapshot)
                .explainMatch(serverName: serverName.span)
        }
        self.init(Array(found.prefix(1)))
    }

    private init(_ routes: [RouteExplanation]) {
        self.init(
            routes: routes,
            end: routes.first.map { .backends($0.rule.backends.filter { $0.weight > 0 }) } ?? .noRoute)
    }

    private init(routes: [RouteExplanation], end: End) {
        self.routes = routes
        self.end = end
    }
}

extension Gateway {
    /// The listeners of some protocols, those that share a port together.
    func listenersByPort(where isMeant: (ListenerProtocol) -> Bool) -> [[GatewayListener]] {
        var ports: [[GatewayListener]] = []
        for listener in listeners where isMeant(listener.protocol) {
            let index = ports.firstIndex {
                $0[0].address == listener.address && $0[0].port.value == listener.port.value
            }
            if let index { ports[index].append(listener) } else { ports.append([listener]) }
        }
        return ports
    }
}
