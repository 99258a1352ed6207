import FuzzKit
import Testing

@testable import RegularExpressions

private func finds(_ expression: String, _ text: String) throws -> Bool {
    try ExpressionMatcher(RegularExpression(expression, for: .search)).matches(text.utf8Span.span)
}

@Test(arguments: [
    ("a", "xay", true), ("a", "xy", false), ("", "", true), ("", "x", true), ("a*", "b", true), ("^a", "ab", true),
    ("^a", "ba", false), ("a$", "ba", true), ("a$", "ab", false), ("^a$", "a", true), ("^a$", "aa", false),
    ("^$", "", true), ("^$", "a", false), ("^", "a", true), ("$", "a", true), ("^|b", "a", true), ("^^a$$", "a", true),
    ("a^", "a", false), ("$a", "a", false), ("a^b", "ab", false), ("(^a|b)c", "ac", true), ("(^a|b)c", "xac", false),
    ("(^a|b)c", "xbc", true), ("a(b|$)", "xa", true), ("a(b|$)", "xac", false), ("(^|x)a", "ba", false),
    ("(^|x)a", "xa", true), ("(^|x)a", "a", true), ("(a|$)+b", "ab", true), ("(^)*a", "ba", true),
    ("(^)+a", "ba", false),
    ("(^a)*b", "ab", true), ("(^a)+b", "aab", false), ("(^a$)?", "x", true), ("(?:^a$)|b", "cb", true),
    ("^(a(^)?b)$", "ab", true), ("^(a(^)b)$", "ab", false), ("^a{0}$", "", true), (".", "\n", false),
    (".", "\r", false),
    (".", "\u{2028}", false), (".", "é", true), ("^.$", "😀", true), ("^..$", "e\u{301}", true), ("é", "café", true),
    ("[é-ü]", "ö", true), ("[é-ü]", "e", false), ("[^é]", "é", false), ("[^a]", "é", true), (#"\d"#, "٣", false),
    (#"\D"#, "٣", true), (#"\w"#, "é", false), (#"\W"#, "é", true), (#"\s"#, "\u{A0}", true),
    (#"\s"#, "\u{FEFF}", true),
    (#"\S"#, "\u{A0}", false), (#"\S"#, "é", true), (#"[\s\S]"#, "é", true), (#"[^\s]"#, "\u{3000}", false),
    (#"^\p{Letter}+$"#, "Hellöπ", true), (#"^\p{Letter}+$"#, "a1", false), (#"\p{L}"#, "1", false),
    (#"\p{Lu}"#, "É", true),
    (#"\p{Lu}"#, "é", false), (#"\P{L}"#, "é", false), (#"\P{L}"#, "!", true), (#"\p{gc=Nd}"#, "٣", true),
    (#"[\p{L}\d_]"#, "ß", true), (#"[^\p{L}é]"#, "٣", true), (#"[^\p{L}٣]"#, "٣", false), (#"[^\p{L}٣]"#, "ß", false),
    (#"[\P{L}]"#, "ß", false), (#"\t\n"#, "\t\n", true), (#"\x41\u0042\u{1F600}"#, "AB😀", true),
    (#"\uD83D\uDE00"#, "😀", true), (#"\0"#, "\0", true), (#"\/\-"#, "/-", true), ("(?<year>[0-9]{4})", "in 2026", true),
    ("a+?b", "aab", true), (#"^\S(|(.|\n)*\S)$"#, "a b\nc", true), (#"^\S(|(.|\n)*\S)$"#, "a ", false),
    ("^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", "my-host", true), ("^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", "-host", false),
])
func `an expression is found anywhere, unless it says where`(expression: String, text: String, isFound: Bool) throws {
    #expect(try finds(expression, text) == isFound)
}

@Test(arguments: [
    "(", ")", "[", "[]", "[^]", "[]a]", "[b-a]", "*", "^*", "$+", "a**", "a{2", "a{256}", #"\"#, #"\1"#, #"\b"#, #"\B"#,
    #"\p"#, #"\pL"#, #"\p{}"#, #"\p{Greek}"#, #"\p{L"#, #"\k<n>"#, "(?=a)", "(?!a)", "(?<=a)", "(?<!a)", "(?i)a",
    "(?<1>a)",
    "(?<n", #"\x4"#, #"\u12"#, #"\u{}"#, #"\u{110000}"#, #"\uD800"#, #"\uD83D\u0041"#, #"\q"#, #"\é"#, "[[:alpha:]]",
    #"[a-\d]"#,
])
func `what a search cannot have is refused`(text: String) {
    #expect(throws: RegularExpression.Mistake.self) { try RegularExpression(text, for: .search) }
}

@Test func `an expression's text has a bound`() throws {
    let set = "[" + String(repeating: "a", count: RegularExpression.maximumByteCount - 2) + "]"
    _ = try RegularExpression(set, for: .search)
    #expect(throws: RegularExpression.Mistake.self) { try RegularExpression(set + "b", for: .search) }
}

/// Of a text, and of pieces of it, that are no UTF-8.
@Test func `bytes that are no text do no harm`() throws {
    let matcher = try ExpressionMatcher(RegularExpression(#"^(\p{L}|[^a])+é$"#, for: .search))
    for lead in UInt8.min...UInt8.max {
        for bytes: [UInt8] in [
            [lead], [lead, 0x80], [lead, 0xBF, 0xBF, 0xBF, 0xBF, 0xBF, 0xBF], [lead, 0x61], [0xC3, lead],
        ] {
            _ = matcher.matches(bytes.span)
        }
    }
}

/// The standard library's own engine is the other reading.
@Test(arguments: 0..<8)
func `random expressions are found where the standard library finds them`(seed: Int) throws {
    var random = SplitMix64(seed: UInt64(seed))
    func expression(_ depth: Int) -> String {
        switch Int.random(in: 0..<(depth > 1 ? 6 : 11), using: &random) {
        case 0: return "a"
        case 1: return "b"
        case 2: return "."
        case 3: return ["[ab]", "[^a]", "\\w", "é", "[é-ü]"].randomElement(using: &random)!
        case 4: return "^"
        case 5: return "$"
        case 6: return expression(depth + 1) + expression(depth + 1)
        case 7: return "(?:\(expression(depth + 1))|\(expression(depth + 1)))"
        case 8: return "(?:\(expression(depth + 1)))*"
        case 9: return "(?:\(expression(depth + 1)))+"
        default:
            let low = Int.random(in: 0...2, using: &random)
            return "(?:\(expression(depth + 1))){\(low),\(low + Int.random(in: 0...2, using: &random))}"
        }
    }
    for _ in 0..<40 {
        let text = expression(0)
        let matcher = try ExpressionMatcher(RegularExpression(text, for: .search))
        let other = try Regex(text).matchingSemantics(.unicodeScalar).asciiOnlyWordCharacters()
        for _ in 0..<10 {
            let word = String(
                (0..<Int.random(in: 0...4, using: &random)).map { _ in "abé.".randomElement(using: &random)! })
            #expect(
                try matcher.matches(word.utf8Span.span) == (other.firstMatch(in: word) != nil), "\(text) in \(word)")
        }
    }
}
