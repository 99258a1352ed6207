import Diagnostics
import Manifests
import Testing

@testable import MeshSnapshot

@Suite struct HostnameSetTests {
    private static let patterns: [HostnamePattern] = [
        .exact("a.com"), .exact("x.a.com"), .exact("x.y.a.com"), .exact("com"), .exact("b.org"),
        .wildcard(suffix: ".com"), .wildcard(suffix: ".a.com"), .wildcard(suffix: ".y.a.com"),
        .wildcard(suffix: ".org"),
    ]

    @Test func `two hostnames share a host when Gateway API has them intersect`() {
        for one in Self.patterns {
            var set = HostnameSet<Int>()
            set.insert([one], of: 1)
            for other in Self.patterns {
                #expect((set.first(sharing: other) != nil) == one.intersects(other), "\(one) and \(other)")
            }
            #expect(set.first(sharing: nil) == 1)
        }
    }

    @Test func `of several owners the first is found, and every one where somebody has no hostnames`() {
        var set = HostnameSet<Int>()
        #expect(!set.sharesAny(of: []))
        set.insert([.exact("a.com"), .exact("b.org")], of: 1)
        set.insert([.exact("b.org"), .exact("c.org")], of: 2)
        #expect(set.first(sharing: .exact("b.org")) == 1)
        #expect(set.first(sharing: .exact("c.org")) == 2)
        #expect(set.first(sharing: .exact("d.org")) == nil)
        set.insert([], of: 3)
        #expect(set.first(sharing: .exact("d.org")) == 3)
    }
}
