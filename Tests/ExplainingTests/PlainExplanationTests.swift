import Diagnostics
import Manifests
import MeshFixtures
import MeshSnapshot
import TestSupport
import Testing

@testable import Explaining

/// Calls in plain, of which nobody says who makes them.
struct PlainExplanationTests {
    private static func snapshot(_ peers: String, rule: String = "{}", protocol name: String = "HTTP") throws
        -> MeshSnapshot
    {
        try MeshSnapshot(
            [
                manifest("Service", "orders", "{protocol: \(name), endpoints: [{address: \"192.0.2.9:80\"}]}"),
                manifest(
                    "Workload", "orders-1",
                    "{service: orders, address: \"127.0.0.1:81\", inbound: {plain: \"0.0.0.0:80\"}}"),
                manifest("AuthorizationPolicy", "rule", "{rules: [\(rule)]}"), peers,
            ].joined(separator: "\n---\n"), file: "shop.yaml")
    }

    private static let permissive = manifest("PeerAuthentication", "moving", "{mtls: {mode: PERMISSIVE}}")
    private static let strict = manifest("PeerAuthentication", "moved", "{mtls: {mode: STRICT}}")

    private func explain(
        _ snapshot: MeshSnapshot, from: String? = nil, _ change: (inout CallQuestion) -> Void = { _ in }
    )
        throws -> CallExplanation
    {
        var question = CallQuestion(from: from, to: "shop/orders")
        change(&question)
        return try CallExplanation(question, in: snapshot)
    }

    @Test(arguments: [(permissive, true), (strict, false), ("# none", false)], ["HTTP", "TCP"])
    func `nobody is let in where the service is PERMISSIVE alone`(
        peers: (text: String, isOpen: Bool), protocolName: String
    ) throws {
        let snapshot = try Self.snapshot(peers.text, protocol: protocolName)
        let explanation = try explain(snapshot)
        #expect(explanation.isAllowed == peers.isOpen)
        if peers.isOpen {
            #expect(explanation.text.contains("note: it calls in plain, at 0.0.0.0:80 (Workload shop/orders-1)"))
            #expect(explanation.text.contains("ALLOWED by ALLOW shop/rule, rule 0"))
            // Endpoints outside are not to be had by that port.
            #expect(explanation.json.rendered().contains(#""endpoints":["127.0.0.1:81"]"#))
        } else {
            let why = peers.text == Self.strict ? "PeerAuthentication shop/moved, shop.yaml:" : "the default"
            #expect(explanation.text.contains("shop/orders is called with an identity alone: STRICT (\(why)"))
            #expect(explanation.text.contains(protocolName == "TCP" ? "CLOSED: " : "REFUSED with 403: "))
        }
        #expect(try explain(snapshot, from: "shop/web").isAllowed)
    }

    @Test func `rules are asked about nobody`() throws {
        let named = try Self.snapshot(Self.permissive, rule: "{from: [{source: {namespaces: [shop]}}]}")
        #expect(try !explain(named).isAllowed)
        let near = try Self.snapshot(Self.permissive, rule: "{from: [{source: {ipBlocks: [10.0.0.0/8]}}]}")
        #expect(try explain(near) { $0.fromAddress = "10.1.1.1" }.isAllowed)
        #expect(try !explain(near) { $0.fromAddress = "192.0.2.1" }.isAllowed)
    }

    @Test func `the host names no other service there`() throws {
        let explanation = try explain(Self.snapshot(Self.permissive)) { $0.host = "anything.example" }
        #expect(explanation.isAllowed && explanation.request?.host == "anything.example")
    }

    @Test func `that no port is named is said`() throws {
        let snapshot = try MeshSnapshot(
            [
                manifest("Service", "orders", "{endpoints: [{address: \"192.0.2.9:80\"}]}"),
                manifest("AuthorizationPolicy", "rule", "{rules: [{}]}"), Self.permissive,
            ].joined(separator: "\n---\n"))
        let explanation = try explain(snapshot)
        #expect(explanation.text.contains("no Workload of it has inbound.plain: nobody comes to it in plain"))
        #expect(!explanation.isServed)
    }
}
