import Manifests
import MeshFixtures
import MeshSnapshot
import Routing
import TestSupport
import Testing

@testable import Explaining

/// Gateways, and a Gateway and a Workload, may bear the same service account.
struct SharedAccountTests {
    private let snapshot: MeshSnapshot

    init() throws {
        snapshot = try MeshSnapshot(
            """
            \(manifest("Service", "orders", "{protocol: HTTP, endpoints: [{address: \"10.0.0.1:80\"}]}"))
            ---
            \(manifest("Service", "db", "{protocol: TCP, endpoints: [{address: \"10.0.0.2:5432\"}]}"))
            ---
            \(manifest("Gateway", "edge", "{listeners: [{name: http, port: 8080, protocol: HTTP}]}"))
            ---
            apiVersion: heddle/v1
            kind: Gateway
            metadata: {name: inner, namespace: shop}
            spec:
              serviceAccount: edge
              listeners:
              - {name: http, port: 8081, protocol: HTTP, hostname: inner.example.org}
              - {name: bytes, port: 5432, protocol: TCP}
            ---
            apiVersion: heddle/v1
            kind: Gateway
            metadata: {name: beside, namespace: shop}
            spec: {serviceAccount: web, listeners: [{name: http, port: 8082, protocol: HTTP}]}
            ---
            \(manifest("Service", "web", "{protocol: HTTP}"))
            ---
            \(manifest("Workload", "web-1", "{service: web, outbound: {listen: \"127.0.0.1:15001\"}}"))
            ---
            apiVersion: heddle/v1
            kind: HTTPRoute
            metadata: {name: inner, namespace: shop}
            spec:
              parentRefs: [{name: inner}]
              hostnames: [inner.example.org]
              rules: [{backendRefs: [{name: orders}]}]
            ---
            apiVersion: heddle/v1
            kind: HTTPRoute
            metadata: {name: beside, namespace: shop}
            spec:
              parentRefs: [{name: beside}]
              hostnames: [beside.example.org]
              rules: [{backendRefs: [{name: orders}]}]
            ---
            apiVersion: heddle/v1
            kind: TCPRoute
            metadata: {name: bytes, namespace: shop}
            spec: {parentRefs: [{name: inner, sectionName: bytes}], rules: [{backendRefs: [{name: db}]}]}
            ---
            apiVersion: heddle/v1
            kind: AuthorizationPolicy
            metadata: {name: all, namespace: shop}
            spec: {rules: [{from: [{source: {serviceAccounts: [shop/edge, shop/web]}}]}]}
            """)
    }

    private func explain(
        _ caller: String, to service: String = "shop/orders", host: String? = nil, port: UInt16? = nil
    ) throws -> CallExplanation {
        var question = CallQuestion(from: caller, to: service)
        question.host = host
        question.port = port
        return try CallExplanation(question, in: snapshot)
    }

    @Test(arguments: [nil, 8081])
    func `a call that another gateway of the account takes is explained there`(port: UInt16?) throws {
        #expect(try explain("shop/edge", host: "inner.example.org", port: port).isAllowed)
    }

    @Test func `a connection that another gateway of the account takes is explained there`() throws {
        #expect(try explain("shop/edge", to: "shop/db").isAllowed)
        #expect(try explain("shop/edge", to: "shop/db", port: 5432).isAllowed)
    }

    @Test func `a port that no gateway of the account has is told with the names of all`() {
        #expect(
            throws: CallQuestion.Mistake(
                "Gateway shop/edge or shop/inner has no listener on port 9 that takes calls")
        ) { try explain("shop/edge", host: "inner.example.org", port: 9) }
    }

    @Test func `an account of a workload and a gateway calls from both`() throws {
        let outbound = try explain("shop/web")
        #expect(outbound.isAllowed && outbound.notes.allSatisfy { !$0.contains("gateway") })
        for port in [nil, 8082] as [UInt16?] {
            let routed = try explain("shop/web", host: "beside.example.org", port: port)
            #expect(routed.isAllowed)
            #expect(routed.routes.contains { $0.isChosen && $0.rule.route?.name == "beside" })
        }
    }
}
