import Authorization
import CommonValues
import HTTPSemantics
import Manifests
import MeshFixtures
import MeshSnapshot
import SPIFFE
import Telemetry
import Testing

@testable import CallPlanning

/// Names of what Heddle answers for itself, and who may call it.
struct InnerServiceTests {
    private static let service = """
        apiVersion: heddle/v1
        kind: Service
        metadata: {name: orders, namespace: shop}
        spec: {protocol: HTTP}
        """

    private let tables: CallTables

    init() throws {
        var compiler = TableCompiler(labels: LabelRegistry())
        let snapshot = try MeshSnapshot(Self.service)
        tables = compiler.compile(
            snapshot.services.map { ServiceRules($0, in: snapshot) }, inner: [.config], in: snapshot)
    }

    @Test func `it is found by its host, and by no server name`() throws {
        let caller = SPIFFEID(trustDomain: TrustDomain("mesh.local")!, namespace: "shop", serviceAccount: "web")
        let hosts = OutboundTable(
            caller: Caller(caller), namespace: "mesh", shortHosts: TableCompiler.shortHosts(tables)["mesh"])
        #expect(tables.service(host: Array("config.mesh".utf8).span, from: hosts)?.inner == .config)
        for host in ["config", "config.mesh.mesh", "store.mesh"] {
            #expect(tables.service(host: Array(host.utf8).span, from: hosts) == nil)
        }
        #expect(tables.service(host: Array("orders.shop".utf8).span, from: hosts)?.inner == nil)
        #expect(tables.index(serverName: "config.mesh") == nil && tables.index(serverName: "config.mesh.mesh") == nil)
        #expect(tables.index(serverName: "orders.shop.mesh") != nil)
    }

    @Test func `it is open to whoever has an identity, and to nobody else`() throws {
        let service = try #require(tables.services.last)
        #expect(service.inner == .config && service.name == InnerService.config.name && service.keepsEscapedSlashes)
        #expect(service.takesCalls(withIdentity: true) && !service.takesCalls(withIdentity: false))
        var head = MessageHead()
        head.setMethod(KnownMethod.get.name.bytes)
        try head.setPath(canonicalizing: Array("/v1/x".utf8).span)
        let id = SPIFFEID(trustDomain: TrustDomain("mesh.local")!, namespace: "pay", serviceAccount: "any")
        let known = CallFacts(caller: Caller(id), peerAddress: .unspecified)
        #expect(service.program.decide(head, known).isAllowed)
        let nobody = CallFacts(caller: nil, peerAddress: .unspecified)
        #expect(!service.program.decide(head, nobody).isAllowed)
        #expect(service.program.policies[0].name == InnerService.config.name)
    }
}
