import TestSupport
import Testing

@testable import Forwarding

/// What the caller's node has taken, and made longer, the workload's node takes, too.
struct LongerOnTheWayTests {
    private static let route = """
        ---
        apiVersion: heddle/v1
        kind: HTTPRoute
        metadata: {name: longer, namespace: shop}
        spec:
          parentRefs: [{kind: Service, name: orders}]
          rules:
          - matches: [{path: {type: PathPrefix, value: /p}}]
            filters:
            - type: URLRewrite
              urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /a-longer-prefix}}
            - type: RequestHeaderModifier
              requestHeaderModifier: {add: [\((0..<40).map { "{name: x-added-\($0), value: v}" }.joined(separator: ", "))]}
            backendRefs: [{name: orders}]
          - backendRefs: [{name: orders}]
        """

    @Test(arguments: [
        // As long as it may be, and longer by its new prefix.
        "GET /p/\(String(repeating: "a", count: 8_180)) HTTP/1.1\r\nHost: orders\r\n\r\n",
        // Longer in canonical form.
        "GET /\(String(repeating: "|", count: 4_000)) HTTP/1.1\r\nHost: orders\r\n\r\n",
        // As many fields as there may be, and those of the filter.
        "GET /p HTTP/1.1\r\nHost: orders\r\n\((0..<96).map { "x-\($0): v\r\n" }.joined())\r\n",
    ])
    func `a call whose head has become longer reaches its workload on another node`(request: String) async throws {
        let backend = TestBackend.echo()
        let pair = try await NodePair(orders: backend.port, more: Self.route)
        let client = try RawConnection(port: pair.port)
        client.send(request)
        #expect(client.response().status == 200)
        await pair.a.stop()
        await pair.b.stop()
    }
}
