import Testing

@testable import HTTPSemantics

private func canonical(_ text: String) -> String {
    var head = MessageHead()
    do {
        try head.setHost(canonicalizing: Array(text.utf8).span)
    } catch {
        return String(describing: error.name)
    }
    return head.text(head.host) + (head.hostPort == 0 ? "" : " \(head.hostPort)")
}

@Test(arguments: [
    ("orders", "orders"), ("Orders.Shop", "orders.shop"), ("orders.shop.", "orders.shop"), ("orders:80", "orders 80"),
    ("orders.:80", "orders 80"), ("orders:", "orders"), ("orders:65535", "orders 65535"), ("orders:080", "orders 80"),
    ("1.2.3.4", "1.2.3.4"), ("a_b-c~d", "a_b-c~d"), ("0.0.0.0=5000", "0.0.0.0=5000"), ("[::1]", "[::1]"),
    ("[2001:DB8::A]:443", "[2001:db8::a] 443"), ("[::ffff:1.2.3.4]", "[::ffff:1.2.3.4]"),
    ("[1:2:3:4:5:6:7:8]", "[1:2:3:4:5:6:7:8]"),
    ("[1:2:3:4:5:6:1.2.3.4]", "[1:2:3:4:5:6:1.2.3.4]"), ("[::]", "[::]"), ("[1::]", "[1::]"),
    ("[1:2::7:8]", "[1:2::7:8]"),
])
func `a host has one form`(text: String, form: String) {
    #expect(canonical(text) == form)
}

@Test(arguments: [
    ("", "invalid-host"), (".", "invalid-host"), ("a..", "invalid-host"), ("a..b", "invalid-host"),
    (".a", "invalid-host"),
    (":80", "invalid-host"), ("a b", "invalid-host"), ("a/b", "invalid-host"), ("user@a", "invalid-host"),
    ("a%41", "invalid-host"), ("a,b", "invalid-host"), ("a;b", "invalid-host"), ("ü", "invalid-host"),
    ("a\u{0}b", "invalid-host"),
    ("a:0", "invalid-port"), ("a:65536", "invalid-port"), ("a:-1", "invalid-port"), ("a:8080808", "invalid-port"),
    ("a:80:80", "invalid-port"), ("[::1", "invalid-host"), ("[]", "invalid-host"), ("[::1]a", "invalid-host"),
    ("::1", "invalid-port"),
    ("[:::]", "invalid-host"), ("[1::2::3]", "invalid-host"), ("[12345::]", "invalid-host"),
    ("[1:2:3:4:5:6:7]", "invalid-host"),
    ("[1:2:3:4:5:6:7:8:9]", "invalid-host"), ("[1:2:3:4:5:6:7::8]", "invalid-host"), ("[:1]", "invalid-host"),
    ("[1:]", "invalid-host"),
    ("[fe80::1%25eth0]", "invalid-host"), ("[v1.x]", "invalid-host"), ("[::1.2.3]", "invalid-host"),
    ("[::1.2.3.256]", "invalid-host"),
    ("[::01.2.3.4]", "invalid-host"), ("[1:2:3:4:5:6:7:1.2.3.4]", "invalid-host"),
])
func `what is no host is refused`(text: String, name: String) {
    // "::1" reads as an empty name with a port.
    #expect(canonical(text) == name)
}

@Test func `a host longer than DNS knows is refused`() {
    let label = String(repeating: "a", count: 63) + "."
    #expect(canonical(String(repeating: label, count: 4)) == String(repeating: label, count: 4).dropLast())
    #expect(canonical(String(repeating: label, count: 4) + "b") == "invalid-host")
}
