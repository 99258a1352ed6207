import Cryptography
import Testing
import TransportSecurity

@Test func `exact names win over wildcards, longer wildcards over shorter, and those over the rest`() throws {
    let mesh = try TestMesh()
    func fresh() throws -> TLSCredentials { try mesh.identity(TestMesh.web).credentials }
    let entries: [(String?, TLSCredentials)] = [
        ("*.example.com", try fresh()), ("*.shop.example.com", try fresh()), ("a.shop.example.com", try fresh()),
    ]
    var table = ServerCredentials()
    for (name, credentials) in entries { table.add(credentials, for: name) }
    func pick(_ name: String?) -> Int? {
        guard let leaf = table.credentials(for: name)?.leaf else { return nil }
        return entries.firstIndex { $0.1.leaf == leaf }
    }
    #expect(pick("a.shop.example.com") == 2)
    #expect(pick("b.shop.example.com") == 1)
    #expect(pick("x.b.shop.example.com") == 1)
    #expect(pick("shop.example.com") == 0)
    #expect(pick("example.com") == nil)
    #expect(pick(".example.com") == nil)
    #expect(pick("evilexample.com") == nil)
    #expect(pick(nil) == nil)
    table.add(entries[0].1, for: nil)
    #expect(pick(nil) == 0)
    #expect(pick("elsewhere.org") == 0)
    // What is withheld is shown nothing else instead.
    table.withhold("a.shop.example.com")
    #expect(pick("a.shop.example.com") == nil)
    table.withhold("*.shop.example.com")
    #expect(pick("b.shop.example.com") == nil)
    #expect(pick("b.example.com") == 0)
    table.withhold(nil)
    #expect(pick("elsewhere.org") == nil)
    table.add(entries[2].1, for: "a.shop.example.com")
    #expect(pick("a.shop.example.com") == 2)
}
