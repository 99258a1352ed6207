import Testing

@testable import SPIFFE

@Test(arguments: ["mesh.local", "a", "1-2_3.b", String(repeating: "a", count: 255)])
func `a trust domain is lower-case letters, digits, dots, hyphens and underscores`(name: String) {
    #expect(TrustDomain(name)?.name == name)
}

@Test(arguments: ["", "Mesh", "a/b", "a b", "a:1", "é", "a\u{0}", "a%2e", String(repeating: "a", count: 256)])
func `any other name is refused`(name: String) {
    #expect(TrustDomain(name) == nil)
}
