import CommonValues
import Testing

@testable import CallPlanning
@testable import HTTPSemantics

@Suite struct ClientAddressTests {
    private static func client(_ lines: String..., trusting: Set<String> = ["10.0.0.1", "10.0.0.2"]) -> ClientAddress {
        var head = MessageHead()
        for line in lines {
            head.addField(name: Array("X-Forwarded-For".utf8).span, value: Array(line.utf8).span)
            head.addField(name: Array("x-other".utf8).span, value: Array("1.1.1.1".utf8).span)
        }
        return ClientAddress(forwardedTo: head) { trusting.contains("\($0)") }
    }

    private static func reported(_ text: String) -> ClientAddress { .reported(IPAddress(text)!) }

    @Test(arguments: [
        ("203.0.113.9", "203.0.113.9"), ("203.0.113.9:49152", "203.0.113.9"), ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"), ("[2001:db8::1]:49152", "2001:db8::1"),
        ("\"203.0.113.9:49152\"", "203.0.113.9"), ("\"[2001:db8::1]:1\"", "2001:db8::1"),
        ("\"2001:db8::1\"", "2001:db8::1"), ("::ffff:203.0.113.9", "203.0.113.9"),
        ("[::ffff:203.0.113.9]:1", "203.0.113.9"),
    ])
    func `an address is read in every form that proxies write it in`(text: String, address: String) {
        #expect(Self.client(text) == Self.reported(address))
        #expect(Self.client("evil, \(text) ,\t10.0.0.2,10.0.0.1") == Self.reported(address))
    }

    @Test(arguments: [
        "unknown", "_hidden", "203.0.113.9:port", "203.0.113.9:", "203.0.113.9:123456", "203.0.113", "[203.0.113.9]",
        "[203.0.113.9]:1", "[2001:db8::1", "2001:db8::1]", "[2001:db8::1]x", "fe80::1%eth0", "\"", "\"\"",
        "\"203.0.113.9",
        "203.0.113.9 203.0.113.8", "example.com", "0203.0.113.9", String(repeating: "1", count: 100),
    ])
    func `what cannot be read is nobody's address, least of all the proxy's`(text: String) {
        #expect(Self.client(text) == .unreadable)
        #expect(Self.client("203.0.113.7, \(text), 10.0.0.1") == .unreadable)
        // Whoever stands before one that is not trusted may have said anything.
        #expect(Self.client("\(text), 203.0.113.7, 10.0.0.1") == Self.reported("203.0.113.7"))
    }

    @Test func `the last address that is no trusted proxy's is the client's, over all lines of the field`() {
        #expect(Self.client("203.0.113.9") == Self.reported("203.0.113.9"))
        #expect(Self.client("203.0.113.9, 10.0.0.1") == Self.reported("203.0.113.9"))
        #expect(Self.client("203.0.113.9, 192.0.2.1, 10.0.0.1") == Self.reported("192.0.2.1"))
        // A proxy that adds a line of its own: what the client wrote stands in the first.
        #expect(Self.client("198.51.100.1", "203.0.113.9") == Self.reported("203.0.113.9"))
        #expect(Self.client("203.0.113.9", "10.0.0.1, 10.0.0.2") == Self.reported("203.0.113.9"))
    }

    @Test func `a list of trusted proxies alone comes from the first of them`() {
        #expect(Self.client("10.0.0.2, 10.0.0.1") == Self.reported("10.0.0.2"))
    }

    @Test func `without an item the peer is the client`() {
        #expect(Self.client() == .peer)
        #expect(Self.client("") == .peer)
        #expect(Self.client(" , ,") == .peer)
        #expect(Self.client(", 203.0.113.9 ,,") == Self.reported("203.0.113.9"))
    }
}
