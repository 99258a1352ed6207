import CommonValues
import Cryptography
import SPIFFE
import TransportSecurity

@testable import Forwarding

/// The certificates of a mesh that a test makes itself.
struct TestIdentities: Sendable {
    static let domain = TrustDomain("mesh.local")!
    static let orders = "orders.shop.mesh"

    /// One for all tests: it never changes.
    static let shared = Result { try TestIdentities() }

    private let authority: SigningAuthority
    private let bundle: TrustBundle
    let web: X509SVID
    let client: TLSContext
    /// Answers as `orders`, or as the service account named instead.
    private let servers: [String: TLSContext]
    let gateway: TLSContext

    private init() throws {
        authority = try SigningAuthority.makeRoot(for: Self.domain, at: .now)
        bundle = try TrustBundle(trustDomain: Self.domain, roots: [authority.certificate])
        web = try authority.issue(Self.id("web"), lifetime: .seconds(3600), at: .now)
        client = try .meshClient(bundle: bundle)
        var servers: [String: TLSContext] = [:]
        for account in ["orders", "payments"] {
            let svid = try authority.issue(Self.id(account), lifetime: .seconds(3600), at: .now)
            servers[account] = try .meshServer(
                identities: [Self.orders: svid, "ledger.shop.mesh": svid], bundle: bundle)
        }
        self.servers = servers
        var certificates = ServerCredentials()
        certificates.add(
            try authority.issue(Self.id("orders"), lifetime: .seconds(3600), at: .now).credentials, for: nil)
        gateway = try .gatewayServer(certificates: certificates, applicationProtocols: ["h2", "http/1.1"])
    }

    static func id(_ account: String) -> SPIFFEID {
        SPIFFEID(trustDomain: domain, namespace: "shop", serviceAccount: account)
    }

    func server(_ account: String = "orders") -> TLSContext { servers[account]! }

    /// What a node's data plane has.
    /// - Parameter account: As whom it answers other nodes.
    func material(account: String = "orders") -> TLSMaterial {
        TLSMaterial(svids: [web.id: web], meshServer: server(account), meshClient: client)
    }

    /// What a node's data plane has that answers for these services of the shop.
    /// - Parameter callers: Who calls from it, besides `web`.
    func material(serving services: [String], callers: [SPIFFEID] = []) throws -> TLSMaterial {
        var svids = [web.id: web]
        for id in callers { svids[id] = try authority.issue(id, lifetime: .seconds(3600), at: .now) }
        let orders = try authority.issue(Self.id("orders"), lifetime: .seconds(3600), at: .now)
        let identities = Dictionary(uniqueKeysWithValues: services.map { ("\($0).shop.mesh", orders) })
        return TLSMaterial(
            svids: svids, meshServer: try .meshServer(identities: identities, bundle: bundle),
            meshClient: client)
    }

    /// New certificates, of this mesh and so long.
    func material(lasting lifetime: Duration, account: String = "orders") throws -> TLSMaterial {
        let web = try authority.issue(web.id, lifetime: lifetime, at: .now)
        let orders = try authority.issue(Self.id(account), lifetime: lifetime, at: .now)
        return TLSMaterial(
            svids: [web.id: web], meshServer: try .meshServer(identities: [Self.orders: orders], bundle: bundle),
            meshClient: client)
    }

    /// What a node's data plane has whose own certificates are of another root, while it takes those of this mesh.
    func materialOfAnotherRoot() throws -> TLSMaterial {
        let other = try SigningAuthority.makeRoot(for: Self.domain, at: .now)
        let web = try other.issue(web.id, lifetime: .seconds(3600), at: .now)
        return TLSMaterial(svids: [web.id: web], meshServer: server(), meshClient: client)
    }

    /// A caller's context that offers `protocolName` alone.
    func client(offering protocolName: String) throws -> TLSContext {
        try .meshClient(bundle: bundle, applicationProtocols: [protocolName])
    }
}
