import Testing

@testable import Diagnostics

@Test(arguments: [
    ("оrders", "orders", "its \"о\" (U+043E) only looks like \"o\""),
    ("Sеrvice", "Service", "its \"е\" (U+0435) only looks like \"e\""),
    ("web–api", "web-api", "its \"–\" (U+2013) only looks like \"-\""),
    ("ｗeb", "web", "its \"ｗ\" (U+FF57) only looks like \"w\""),
    ("we\u{200B}b", "web", "it holds U+200B, which cannot be seen"),
])
func `letters that only look like others are named`(text: String, ascii: String, note: String) throws {
    let found = try #require(LookAlikes(in: text))
    #expect(found.ascii == ascii)
    #expect(found.note == note)
}

@Test(arguments: ["orders", "", "заказы", "größe", "orders注文"])
func `other texts have none`(text: String) {
    #expect(LookAlikes(in: text) == nil)
}

@Test func `what cannot be seen at all is not changed to nothing`() throws {
    let found = try #require(LookAlikes(in: "\u{202E}"))
    #expect(found.remedy == "write a text that can be seen: it holds U+202E, which cannot be seen")
}

@Test func `a suggestion says why the name is not what it looks like`() throws {
    let nearest = try #require(NearestName(to: "pаyments", among: ["orders", "payments"]))
    #expect(nearest.remedy == "change it to \"payments\": its \"а\" (U+0430) only looks like \"a\"")
    #expect(nearest.question == "did you mean \"payments\"? Its \"а\" (U+0430) only looks like \"a\"")
    #expect(NearestName(to: "paymets", among: ["payments"])?.remedy == "change it to \"payments\"")
}
