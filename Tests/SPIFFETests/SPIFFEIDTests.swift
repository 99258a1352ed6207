import Foundation
import Testing

@testable import SPIFFE

@Test func `a SPIFFE ID has a trust domain and a path`() throws {
    let id = try #require(SPIFFEID("spiffe://mesh.local/ns/shop/sa/web"))
    #expect(id.trustDomain.name == "mesh.local")
    #expect(id.path == "/ns/shop/sa/web")
    #expect(id.description == "spiffe://mesh.local/ns/shop/sa/web")
    #expect(id.serviceAccount?.namespace == "shop")
    #expect(id.serviceAccount?.name == "web")
}

@Test func `the ID of a service account reads back`() throws {
    let domain = try #require(TrustDomain("mesh.local"))
    let id = SPIFFEID(trustDomain: domain, namespace: "shop", serviceAccount: "web")
    #expect(SPIFFEID(id.description) == id)
}

@Test(arguments: ["spiffe://td", "spiffe://td/ns/shop", "spiffe://td/ns/shop/sa/web/x", "spiffe://td/sa/web/ns/shop"])
func `another path is no service account`(text: String) throws {
    let id = try #require(SPIFFEID(text))
    #expect(id.serviceAccount == nil)
}

@Test func `an ID has 2048 bytes at most`() {
    let longest = "spiffe://td/" + String(repeating: "a", count: 2048 - 12)
    #expect(SPIFFEID(longest) != nil)
    #expect(SPIFFEID(longest + "a") == nil)
}

@Test(arguments: [
    "spiffe://td/a\u{0}b", "spiffe://td/a%2Fb", "spiffe://td/é", "spiffe://td?x", "spiffe://td#x", "spiffe://u@td/a",
    "spiffe://td:1/a", "SPIFFE://td/a", "spiffe://TD/a", "spiffe://td/a ", " spiffe://td/a", "spiffe://td\u{0}.evil/a",
    "http://td/a",
])
func `what is not a SPIFFE ID is refused`(text: String) {
    #expect(SPIFFEID(text) == nil)
}

/// IDs and trust domains of the published suites of go-spiffe and java-spiffe, where they are at hand.
private struct Conformance: Decodable {
    struct ID: Decodable {
        let id: String
        let valid: Bool
        let trustDomain: String?
        let path: String?
        let note: String?

        /// Upper case in scheme or trust domain: go-spiffe refuses it, java-spiffe lower-cases it. So do we refuse, because
        /// two spellings of one identity are one too many.
        var isContested: Bool { note?.hasPrefix("contested") == true }
    }

    struct Domain: Decodable {
        /// A trust domain's name, or an ID whose trust domain is meant.
        let `in`: String
        let valid: Bool
        let trustDomain: String?
    }

    let trustDomains: [Domain]
    let ids: [ID]

    static let path: String =
        (ProcessInfo.processInfo.environment["HEDDLE_CONFORMANCE"]
            ?? URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../shared/conformance")
            .path())
        + "/spiffe-ids.json"

    static let isAtHand = FileManager.default.fileExists(atPath: path)
}

@Test(.enabled(if: Conformance.isAtHand, "the conformance data is not at hand"))
func `every ID of the published suites is judged right`() throws {
    let data = try Data(contentsOf: URL(filePath: Conformance.path))
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let cases = try decoder.decode(Conformance.self, from: data)
    #expect(cases.ids.count >= 564)
    for entry in cases.ids {
        let id = SPIFFEID(entry.id)
        #expect((id != nil) == (entry.valid && !entry.isContested), "\(entry.id.debugDescription)")
        if let id, let domain = entry.trustDomain { #expect(id.trustDomain.name == domain) }
        if let id, let path = entry.path { #expect(id.path == path) }
    }
    for entry in cases.trustDomains {
        let domain = entry.in.contains("/") ? SPIFFEID(entry.in)?.trustDomain : TrustDomain(entry.in)
        #expect((domain != nil) == entry.valid, "\(entry.in.debugDescription)")
        #expect(domain?.name == entry.trustDomain)
    }
}
