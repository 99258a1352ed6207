import SPIFFE
import Testing

@testable import Authorization

@Suite struct CallerTests {
    @Test func `a service account's ID has a namespace and a name`() throws {
        let caller = Caller(try #require(SPIFFEID("spiffe://mesh.local/ns/shop/sa/web")))
        #expect(caller.serviceAccountName?.namespace == "shop")
        #expect(caller.serviceAccountName?.name == "web")
        #expect(caller.principal == Array("spiffe://mesh.local/ns/shop/sa/web".utf8))
        #expect(caller.serviceAccount == Array("shop/web".utf8))
        #expect(caller.trustDomain == Array("mesh.local".utf8))
    }

    @Test(arguments: ["spiffe://mesh.local", "spiffe://mesh.local/vm/7", "spiffe://mesh.local/ns/shop/sa/web/x"])
    func `an ID of another form has neither`(id: String) throws {
        let caller = Caller(try #require(SPIFFEID(id)))
        #expect(caller.serviceAccountName == nil)
        #expect(caller.namespace.isEmpty && caller.serviceAccount.isEmpty)
    }
}
