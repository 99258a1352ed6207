import Testing

@testable import Diagnostics

@Test(arguments: [
    ("paymets", "payments"), ("Payments", "payments"), ("hostanmes", "hostnames"), ("rule", "rules"),
    ("orders", "orders"),
])
func `a mistyped name finds what was meant`(typed: String, meant: String) {
    #expect(NearestName.of(typed, among: ["cart", "hostnames", "rules", "payments", "orders"]) == meant)
}

@Test(arguments: ["", "zebra", "x", String(repeating: "a", count: 1_000)])
func `a name close to nothing finds nothing`(typed: String) {
    #expect(NearestName.of(typed, among: ["payments", "orders", String(repeating: "a", count: 999)]) == nil)
}

@Test(arguments: [
    ("shop/nix", nil), ("spiffe://mesh.local/ns/shop/sa/nix", nil), ("shop/gx", "shop/gg"), ("shpo/gg", "shop/gg"),
    ("spiffe://mesh.local/ns/shop/sa/gx", "spiffe://mesh.local/ns/shop/sa/gg"), ("shopgg", "shop/gg"),
    ("shop/\(String(repeating: "a", count: 65))", nil),
])
func `what names with slashes have in common brings them no nearer`(typed: String, meant: String?) {
    let known = ["shop/gg", "spiffe://mesh.local/ns/shop/sa/gg", "shop/\(String(repeating: "a", count: 66))"]
    #expect(NearestName.of(typed, among: known) == meant)
}

@Test(arguments: [("", "", 0), ("abc", "", 3), ("abc", "acb", 1), ("kitten", "sitting", 3), ("ab", "ba", 1)])
func `edits are counted`(left: String, right: String, distance: Int) {
    #expect(NearestName.editDistance(Array(left.utf8), Array(right.utf8)) == distance)
}
