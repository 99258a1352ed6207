import CommonValues
import Testing

@Test(arguments: [
    ("127.0.0.1", "127.0.0.1"), ("2001:DB8:0:0::1", "2001:db8::1"), ("::", "::"), ("::ffff:192.0.2.1", "192.0.2.1"),
])
func `an address prints in its canonical form`(text: String, canonical: String) {
    #expect(IPAddress(text)?.description == canonical)
}

@Test(arguments: ["", "1.2.3", "256.0.0.1", "[::1]", "::1%eth0", "::1:80:x", "127.0.0.1\u{0}", "127.0.0.1:80", "a"])
func `what is no address is refused`(text: String) {
    #expect(IPAddress(text) == nil)
}

@Test func `an IPv4 address and its mapped form are the same`() {
    #expect(IPAddress("::ffff:10.0.0.1") == IPAddress("10.0.0.1"))
    #expect(IPAddress("10.0.0.1") == IPAddress(v4: 0x0A00_0001))
    #expect(IPAddress("10.0.0.1")?.v4 == 0x0A00_0001)
    #expect(IPAddress("::1")?.v4 == nil)
}

@Test(arguments: [
    ("127.0.0.1", true), ("127.255.0.9", true), ("::1", true), ("128.0.0.1", false), ("::2", false), ("0.0.0.0", false),
])
func `loopback is told`(text: String, isLoopback: Bool) {
    #expect(IPAddress(text)?.isLoopback == isLoopback)
}
