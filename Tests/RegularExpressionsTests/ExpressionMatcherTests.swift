import FuzzKit
import Testing

@testable import RegularExpressions

private func matches(_ expression: String, _ text: String) throws -> Bool {
    try ExpressionMatcher(RegularExpression(expression, for: .wholeName)).matches(Array(text.utf8).span)
}

@Test(arguments: [
    ("a", "a", true), ("a", "b", false), ("a", "", false), ("a", "aa", false), ("", "", true), ("", "a", false),
    ("a*", "", true), ("a*", "aaaa", true), ("a+", "", false), ("a?b", "b", true), ("a|bc", "bc", true),
    ("a|bc", "ac", false), ("(ab)+", "abab", true), ("(ab)+", "aba", false), ("a{2}", "aa", true), ("a{2}", "a", false),
    ("a{2}", "aaa", false), ("a{0}", "", true), ("a{0}b", "b", true), ("a{2,}", "aaaaa", true), ("a{2,}", "a", false),
    ("a{0,}", "", true), ("a{1,3}", "aaa", true), ("a{1,3}", "aaaa", false), ("(a*)*", "aaa", true),
    ("(a|b*)+", "abba", true),
    ("()", "", true), ("a||b", "", true), ("^a$", "a", true), ("^a|b$", "b", true), ("a??b", "ab", true),
    (".", "x", true), (".*", "anything_at.all", true), (".", "é", false), ("[a-c]", "b", true), ("[a-c]", "d", false),
    ("[^a-c]", "d", true), ("[^a-c]", "a", false), ("[]a]", "]", true), ("[a-]", "-", true), (#"[\d.]+"#, "1.2", true),
    (#"\d+"#, "123", true), (#"\D"#, "1", false), (#"\w+"#, "a_9Z", true), (#"\W"#, "-", true), (#"\s"#, " ", true),
    (#"\."#, ".", true), (#"\."#, "a", false), (#"shop\.v[0-9]+\.Orders"#, "shop.v12.Orders", true),
    (#"shop\.v[0-9]+\.Orders"#, "shop.v.Orders", false), ("Get.*", "GetOrder", true), ("Get.*", "get", false),
    ("a{255}", String(repeating: "a", count: 255), true), ("a{255}", String(repeating: "a", count: 254), false),
    ("(a{3}|b){2}", "aaab", true), ("(a{3}|b){2}", "aab", false),
])
func `an expression matches the whole of a name`(expression: String, text: String, isMatch: Bool) throws {
    #expect(try matches(expression, text) == isMatch)
}

/// What takes a backtracking matcher longer than the universe is old.
@Test func `no expression is slow`() throws {
    let text = String(repeating: "a", count: 4_000) + "b"
    for expression in ["(a*)*c", "(a|a)*c", "(a+)+c", "((a*)*)*c", "(.*)(.*)(.*)c"] {
        #expect(try !matches(expression, text))
    }
}

/// The standard library's own engine is the other reading. It goes back and tries again, so that expressions stay small.
@Test(arguments: 0..<8)
func `random expressions match what the standard library says`(seed: Int) throws {
    var random = SplitMix64(seed: UInt64(seed))
    func expression(_ depth: Int) -> String {
        let choice = Int.random(in: 0..<(depth > 1 ? 4 : 9), using: &random)
        switch choice {
        case 0: return "a"
        case 1: return "b"
        case 2: return "."
        case 3: return ["[ab]", "[^a]", "\\w", "\\."].randomElement(using: &random)!
        case 4: return expression(depth + 1) + expression(depth + 1)
        case 5: return "(?:\(expression(depth + 1))|\(expression(depth + 1)))"
        case 6: return "(?:\(expression(depth + 1)))*"
        case 7: return "(?:\(expression(depth + 1)))+"
        default:
            let low = Int.random(in: 0...2, using: &random)
            return "(?:\(expression(depth + 1))){\(low),\(low + Int.random(in: 0...2, using: &random))}"
        }
    }
    for _ in 0..<25 {
        let text = expression(0)
        guard let parsed = try? RegularExpression(text, for: .wholeName) else { continue }  // too long, written out
        let compiled = ExpressionMatcher(parsed)
        let other = try Regex(text)
        for _ in 0..<10 {
            let name = String(
                (0..<Int.random(in: 0...4, using: &random)).map { _ in "ab.".randomElement(using: &random)! })
            let expected = try other.wholeMatch(in: name) != nil
            let isMatch = compiled.matches(Array(name.utf8).span)
            #expect(isMatch == expected, "\(text) of \(name)")
        }
    }
}
