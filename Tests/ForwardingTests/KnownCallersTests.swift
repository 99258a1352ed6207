import Authorization
import Diagnostics
import SPIFFE
import Testing

@testable import Forwarding

@Test func `a caller is made once, and the table of callers is bounded`() {
    let domain = TrustDomain("mesh.local")!
    func id(_ number: Int) -> SPIFFEID {
        SPIFFEID(trustDomain: domain, namespace: "shop", serviceAccount: "web-\(number)")
    }
    var known = KnownCallers()
    let first = known.caller(id(0))
    let again = known.caller(id(0))
    for number in 1...1024 { _ = known.caller(id(number)) }
    let later = known.caller(id(0))
    #expect(first === again)
    #expect(first !== later)
    #expect(later.id == id(0))
}
