import CommonValues
import Diagnostics
import Testing

@testable import Manifests

@Test(arguments: [
    ("127.0.0.1:8080", "127.0.0.1:8080"), ("[::1]:80", "[::1]:80"), ("[2001:DB8:0::1]:443", "[2001:db8::1]:443"),
    ("Host.Example.org:1", "host.example.org:1"), ("localhost:65535", "localhost:65535"),
    ("unix:/run/x.sock", "unix:/run/x.sock"), ("[::ffff:192.0.2.1]:80", "192.0.2.1:80"),
])
func `an address has a canonical form`(text: String, canonical: String) {
    #expect(SocketAddress(text)?.description == canonical)
}

@Test(arguments: [
    "", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:080", "127.0.0.1:+8", "::1:80",
    "[::1]",
    "[127.0.0.1]:80", "::ffff:127.0.0.1:80", "256.0.0.1:80", "1.2.3:80", "a_b:80", "-a:80", "http://a:80", "a:80/",
    "unix:", "unix:x", "unix:/",
    "[::1%eth0]:80", "[::1]x:80", "127.0.0.1\u{0}:80", "unix:/a\u{0}b", "a b:80", "é:80",
])
func `what is no address is refused`(text: String) {
    #expect(SocketAddress(text) == nil)
}

@Test(arguments: [
    ("::1:80", "put the address in brackets: \"[::1]:80\" if 80 is the port, or \"[::1:80]:8080\""),
    ("2001:db8::1", "add the port: \"[2001:db8::1]:8080\""), ("::1", "add the port: \"[::1]:8080\""),
    ("fe80::1:99999", "write a DNS name or an IP address, \":\" and a port from 1 to 65535"),
])
func `an address of IPv6 without brackets is not made another one`(text: String, remedy: String) {
    let service = manifest("Service", "endpoints: [{address: \"\(text)\"}]")
    let file = ManifestDecoder.decode(Array(service.utf8), path: "f.yaml")
    #expect(file.diagnostics.map(\.remedy) == [remedy])
}

@Test func `a Unix socket's path has 107 bytes at most`() {
    #expect(SocketAddress("unix:/" + String(repeating: "a", count: 106)) != nil)
    #expect(SocketAddress("unix:/" + String(repeating: "a", count: 107)) == nil)
}

@Test(arguments: ["Example.org", "a", "*.example.org", "xn--bcher-kva.example", "1a.b"])
func `a hostname is a DNS name or a wildcard before one`(text: String) {
    #expect(HostnamePattern(text)?.description == text.lowercased())
}

@Test(arguments: [
    "", "*", "*.", "a.*", "*a.b", "a..b", ".a", "a.", "10.0.0.1", "a:80", "a_b", "*.*.a", "é",
    String(repeating: "a", count: 64),
])
func `what is no hostname is refused`(text: String) {
    #expect(HostnamePattern(text) == nil)
}

private func block(_ text: String) -> AddressBlock? {
    let policy = manifest("AuthorizationPolicy", "rules: [{from: [{source: {ipBlocks: [\"\(text)\"]}}]}]")
    let file = ManifestDecoder.decode(Array(policy.utf8), path: "f.yaml")
    guard file.diagnostics.isEmpty, let policy = file.resources.first as? AuthorizationPolicy else { return nil }
    return policy.rules.first?.from.first?.ipBlocks.values.first?.value
}

@Test func `a block holds its addresses`() throws {
    let ten = try #require(block("10.0.0.0/8"))
    #expect(ten.prefixLength == 104)
    for (text, isIn) in [("10.1.2.3", true), ("11.0.0.0", false), ("::ffff:10.0.0.1", true), ("::1", false)] {
        let address = try #require(IPAddress(text))
        #expect(ten.contains(high: address.high, low: address.low) == isIn, "\(text)")
    }
    #expect(block("192.0.2.7")?.prefixLength == 128)
    #expect(block("2001:db8::/32")?.prefixLength == 32)
    #expect(block("0.0.0.0/0")?.prefixLength == 96)
    #expect(block("::/0")?.prefixLength == 0)
}

@Test(arguments: [
    "10.0.0.1/8", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/08", "10.0.0.0/a", "10.0.0", "2001:db8::1/32", "a/8",
    "10.0.0.0/-1",
])
func `what is no block is refused`(text: String) {
    #expect(block(text) == nil)
}
