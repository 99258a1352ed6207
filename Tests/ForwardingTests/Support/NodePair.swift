import TestSupport

@testable import Forwarding

/// Two nodes, where `a` finds `b` at another address than `b` has: what stands there is between them.
struct NodePair {
    let a: TestMesh
    let b: TestMesh
    /// Where `web` calls, or a gateway listens.
    let port: UInt16
    /// Where `b` takes other nodes' calls.
    let inbound: UInt16
    /// What `b` serves where the Service has this one rule.
    private let manifests: @Sendable (_ rule: String) -> String

    /// All calls, as each of them logs them.
    struct Logs {
        let a = TestLog()
        let b = TestLog()
    }

    init(
        orders: UInt16, protocolName: String = "HTTP", isGateway: Bool = false, rule: String = "{}",
        more: String = "", callingWith material: TLSMaterial? = nil, answeringWith calleesMaterial: TLSMaterial? = nil,
        peerTerms: PeerTerm.Limits = PeerTerm.Limits(), events: EventSink = EventSink { _ in }, logs: Logs? = nil,
        reaching address: (_ b: UInt16) -> UInt16 = { $0 }
    ) async throws {
        let identities = try TestIdentities.shared.get()
        let (port, inbound) = (TestPort.free(), TestPort.free())
        let logging = logs == nil ? "None" : "All"
        let manifests = { @Sendable (address: UInt16, rule: String) in
            """
            \(TwoNodeMesh.manifests(b: address, proxy: "accessLog: \(logging), timeouts: {connect: 1s}"))
            ---
            \(manifest("Service", "orders", "{protocol: \(protocolName)}"))
            ---
            \(manifest("Workload", "orders-1", "{service: orders, address: \"127.0.0.1:\(orders)\", node: b}"))
            ---
            \(PolicyTable.policy("ALLOW", rule))
            ---
            \(isGateway ? Self.gateway(port, protocolName) : Self.workload(port, protocolName))
            \(more)
            """
        }
        b = try await TestMesh(
            manifests(inbound, rule), node: "b", tls: calleesMaterial ?? identities.material(), peerTerms: peerTerms,
            accessLog: logs?.b.sink)
        a = try await TestMesh(
            manifests(address(inbound), rule), node: "a", tls: material ?? identities.material(),
            peerTerms: peerTerms, accessLog: logs?.a.sink, events: events)
        self.port = port
        self.inbound = inbound
        self.manifests = { manifests(inbound, $0) }
    }

    /// Whom nobody allows anything.
    static let nobody = "{from: [{source: {serviceAccounts: [shop/nobody]}}]}"

    /// The callee's node takes up that nobody may call any more.
    func deny() async throws {
        try await b.serve(manifests(Self.nobody), tls: TestIdentities.shared.get().material())
    }

    private static func workload(_ port: UInt16, _ protocolName: String) -> String {
        let tcp = #"tcp: [{service: orders, listen: "127.0.0.1:\#(port)"}]"#
        let outbound = protocolName == "TCP" ? tcp : #"listen: "127.0.0.1:\#(port)""#
        return manifest("Workload", "web-1", "{serviceAccount: web, outbound: {\(outbound)}, node: a}")
    }

    private static func gateway(_ port: UInt16, _ protocolName: String) -> String {
        let kind = ["GRPC": "GRPCRoute", "TCP": "TCPRoute"][protocolName] ?? "HTTPRoute"
        return """
            apiVersion: heddle/v1
            kind: Gateway
            metadata: {name: edge, namespace: shop}
            spec:
              serviceAccount: web
              node: a
              listeners: [{name: http, address: 127.0.0.1, port: \(port), protocol: \(protocolName == "TCP" ? "TCP" : "HTTP")}]
            ---
            apiVersion: heddle/v1
            kind: \(kind)
            metadata: {name: orders, namespace: shop}
            spec:
              parentRefs: [{kind: Gateway, name: edge}]
              rules: [{backendRefs: [{name: orders}]}]
            """
    }

    func stop() async {
        await a.stop()
        await b.stop()
    }
}
