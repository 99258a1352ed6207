import Authorization
import CommonValues
import HTTPSemantics
import Manifests
import MeshFixtures
import MeshSnapshot
import Routing
import SPIFFE
import Testing

@testable import CallPlanning

/// Each kind of listener, by what it says of itself.
struct ListenerRoleTests {
    private let caller: Caller
    private let other: Caller
    private let outbound, inbound, plainGateway, secureGateway, bytes, hello: ListenerRole

    init() throws {
        let snapshot = try MeshSnapshot(Samples.shop)
        func caller(_ name: String) -> Caller {
            Caller(SPIFFEID(trustDomain: snapshot.mesh.trustDomain, namespace: "shop", serviceAccount: name))
        }
        func gateway(isSecure: Bool) -> ListenerRole {
            let routes = BoundRoutes(table: RouteTable(listeners: [], in: snapshot), rules: [])
            return .gateway(GatewayTable(isSecure: isSecure, listeners: [], routes: routes))
        }
        self.caller = caller("web")
        other = caller("other")
        outbound = .outbound(OutboundTable(caller: self.caller, namespace: "shop", shortHosts: nil))
        inbound = .inbound()
        plainGateway = gateway(isSecure: false)
        secureGateway = gateway(isSecure: true)
        bytes = .tcp(TCPListenerTable(routes: .one(nil), callers: [self.caller]))
        hello = .tcp(
            TCPListenerTable(
                routes: .byServerName(TLSRouteTable(listeners: [], in: snapshot), rules: []),
                callers: [self.caller, other]))
    }

    private var all: [ListenerRole] { [outbound, inbound, plainGateway, secureGateway, bytes, hello] }

    @Test func `calls carry the identity of whose listener it is, or of whom a certificate proves`() {
        func caller(at role: ListenerRole, verified: Caller?) -> Caller? {
            let source = CallSource(peer: .unspecified, verified: verified, listenerPort: 0)
            guard case .caller(let caller) = role.identify(source, in: .empty) else { return nil }
            return caller
        }
        let callers = all.map { caller(at: $0, verified: other) }
        let expected = [self.caller, other, nil, nil, self.caller, self.caller]
        for (found, wanted) in zip(callers, expected) { #expect(found === wanted) }
        #expect(caller(at: inbound, verified: nil) == nil)
        #expect(all.map(\.isForNodes) == [false, true, false, false, false, false])
    }

    @Test func `those who come to a gateway's HTTP are told no reasons`() {
        #expect(all.map(\.tellsReason) == [true, true, false, false, true, true])
    }

    @Test func `TLS is ended where nodes meet and at secure gateways, and the latter's scheme alone is https`() {
        #expect(all.map(\.security) == [.none, .node, .none, .gateway, .none, .none])
        #expect(all.map(\.isSecure) == [false, true, false, true, false, false])
        #expect(all.map(\.scheme) == [.http, .http, .http, .https, .http, .http])
    }

    @Test func `what takes bytes reads none of them but the name that TLS asks for`() {
        #expect(all.map(\.firstProtocol) == [.http, .http, .http, .http, .bytes, .clientHello])
    }
}
