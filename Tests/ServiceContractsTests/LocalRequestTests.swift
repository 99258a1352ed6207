import Authorization
import HTTPSemantics
import SPIFFE
import Testing

@testable import ServiceContracts

extension Caller {
    /// `shop/web`.
    static var web: Caller {
        Caller(SPIFFEID(trustDomain: TrustDomain("mesh.local")!, namespace: "shop", serviceAccount: "web"))
    }
}

struct LocalRequestTests {
    @Test func `a service reads what it is asked`() throws {
        var head = MessageHead()
        head.setMethod("PUT".utf8Span.span)
        try head.setPath(canonicalizing: Array("/v1/x/%C3%BC?wait=60s&a=%2F".utf8).span)
        head.addField(name: Array("If-None-Match".utf8).span, value: Array("\"a\"".utf8).span)
        let request = LocalRequest(copying: head, hasBody: true, caller: .web)
        #expect(request.method == .put && request.hasBody)
        #expect(request.pathSegments() == ["v1", "x", "ü"])
        #expect(request.query() == "wait=60s&a=%2F")
        #expect(request.field("if-none-match") == "\"a\"" && request.field("accept") == nil)
    }

    @Test func `a path that is no text names nothing`() throws {
        #expect(InMemoryCallerSegments.of("/v1/%FF") == nil)
        #expect(InMemoryCallerSegments.of("/v1/%C3%A9/") == ["v1", "é", ""])
        #expect(InMemoryCallerSegments.of("/") == [""])
    }
}
