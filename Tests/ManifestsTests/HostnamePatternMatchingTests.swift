import Manifests
import Testing

@Test(arguments: [
    ("very.specific.com", "very.specific.com", true), ("*.wildcard.io", "foo.wildcard.io", true),
    ("*.wildcard.io", "foo.bar.wildcard.io", true), ("*.wildcard.io", "wildcard.io", false),
    ("very.specific.com", "*.specific.com", true), ("*.a.io", "*.b.a.io", true), ("*.a.io", "*.ba.io", false),
    ("a.io", "b.io", false),
])
func `hostnames intersect as Gateway API says`(left: String, right: String, expected: Bool) throws {
    let first = try #require(HostnamePattern(left))
    let second = try #require(HostnamePattern(right))
    #expect(first.intersects(second) == expected)
    #expect(second.intersects(first) == expected)
    #expect(first.intersects(nil))
}

@Test(arguments: [("a.x.com", true), ("a.b.x.com", true), ("x.com", false), (".x.com", false), ("ax.com", false)])
func `a wildcard stands for one label or more`(host: String, expected: Bool) {
    #expect(HostnamePattern.wildcard(suffix: ".x.com").matches(host) == expected)
}
