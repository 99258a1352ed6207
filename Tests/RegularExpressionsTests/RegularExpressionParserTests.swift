import Testing

@testable import RegularExpressions

@Test(arguments: [
    "a", "", "a|b", "(a|b)c", "(?:a)*", "[a-z]+", "[^a-c_]", "[]a]", "[a-]", #"\."#, #"\d\w\s\D\W\S"#, #"[\d\-x]"#,
    "a{2}",
    "a{2,}", "a{2,3}", "a{0}", "a??", "a+?", "^abc$", "^a|b$", "^a$|^b$", ".*", #"shop\.v[0-9]+\.Orders"#, "()", "a||b",
])
func `what gateways read as an expression is one`(text: String) throws {
    #expect(try RegularExpression(text, for: .wholeName).text == text)
}

@Test(arguments: [
    "(", ")", "a)", "[", "[a", "[z-a]", "*", "a|*", "a**", "a{2", "a{3,2}", "a{256}", "a{x}", "{2}", "a{2}{2}", #"\"#,
    #"\1"#,
    #"\b"#, #"\pL"#, "(?i)a", "(?=a)", "(?<n>a)", "(?P<n>a)", "a^", "$a", "(^a)", "é", "a\tb", "[[:alpha:]]", #"[\q]"#,
    "a++", "[a-\\",
])
func `what cannot be matched in one pass, or was not meant, is refused`(text: String) {
    #expect(throws: RegularExpression.Mistake.self) { try RegularExpression(text, for: .wholeName) }
}

@Test func `an expression has a bound on its characters and on its nesting`() throws {
    _ = try RegularExpression("a{255}", for: .wholeName)
    #expect(throws: RegularExpression.Mistake.self) { try RegularExpression("a{255}b", for: .wholeName) }
    #expect(throws: RegularExpression.Mistake.self) { try RegularExpression("((a{200}){200}){200}", for: .wholeName) }
    #expect(throws: RegularExpression.Mistake.self) {
        try RegularExpression("(((((a*)*){255}){255}){255}){255}", for: .wholeName)
    }
    let deepest = String(repeating: "(", count: 32) + "a" + String(repeating: ")", count: 32)
    _ = try RegularExpression(deepest, for: .wholeName)
    #expect(throws: RegularExpression.Mistake.self) { try RegularExpression("(\(deepest))", for: .wholeName) }
}
