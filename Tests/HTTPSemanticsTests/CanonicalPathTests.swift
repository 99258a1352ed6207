import FuzzKit
import Testing
import WireChecks

@testable import HTTPSemantics

/// The canonical path of some text, with its query; the error's name where there is none.
private func canonical(_ text: String) -> String {
    var head = MessageHead()
    do {
        try head.setPath(canonicalizing: Array(text.utf8).span)
    } catch {
        return String(describing: error.name)
    }
    return head.text(head.path) + (head.hasQuery ? "?" + head.text(head.query) : "")
}

@Test(arguments: [
    // As it should be.
    ("/", "/"), ("/a/b", "/a/b"), ("/a/", "/a/"), ("/a;b=1,2@:!$&'()*+-._~", "/a;b=1,2@:!$&'()*+-._~"),
    // Escapes: unreserved bytes once, others in upper case.
    ("/%61%7e%2D", "/a~-"), ("/%2561", "/%2561"), ("/%c3%bc", "/%C3%BC"), ("/a%20b%0d%0A%09", "/a%20b%0D%0A%09"),
    ("/%2f%5c", "/%2F%5C"), ("/%3f%23", "/%3F%23"),
    // Slashes and dots.
    ("//admin", "/admin"), ("/a///b//", "/a/b/"), ("\\a\\b", "/a/b"), ("/a\\..\\b", "/b"), ("/a/./b", "/a/b"),
    ("/a/../b", "/b"), ("/a/b/..", "/a/"), ("/a/.", "/a/"), ("/..", "/"), ("/../../a", "/a"), ("/a//../b", "/b"),
    ("/%2e%2E/a/%2e", "/a/"), ("/.%2e/a", "/a"), ("/...", "/..."), ("/..a/b../.c", "/..a/b../.c"),
    ("/a/..%2fb", "/a/..%2Fb"),
    // What people send and no path may hold.
    ("/a|b\"c<d>e^f`g{h}i[j]", "/a%7Cb%22c%3Cd%3Ee%5Ef%60g%7Bh%7Di%5Bj%5D"),
    // The query stays as it is.
    ("/?", "/?"), ("/a?b", "/a?b"), ("/a/../b?c/../d?%zz|\\", "/b?c/../d?%zz|\\"), ("//?//", "/?//"),
])
func `a path has one form`(text: String, form: String) {
    #expect(canonical(text) == form)
    #expect(canonical(form) == form)
}

@Test(arguments: [
    ("", "invalid-target"), ("a", "invalid-target"), ("*", "invalid-target"), ("?a", "invalid-target"),
    ("%2fa", "invalid-target"), ("/a#b", "fragment"), ("/a?b#c", "fragment"), ("/a b", "invalid-path-byte"),
    ("/a\u{0}", "invalid-path-byte"), ("/a\r\n", "invalid-path-byte"), ("/ü", "invalid-path-byte"),
    ("/a\u{7F}", "invalid-path-byte"), ("/a?b c", "invalid-query-byte"), ("/a?\n", "invalid-query-byte"),
    ("/%", "invalid-escape"), ("/%2", "invalid-escape"), ("/%zz", "invalid-escape"), ("/%2?2", "invalid-escape"),
    ("/%+1", "invalid-escape"), ("/%00", "escaped-nul"), ("/a/%00/..", "escaped-nul"),
])
func `what has no form is refused`(text: String, name: String) {
    #expect(canonical(text) == name)
}

@Test(arguments: [
    ("/a/b", false), ("/a%2Fb", true), ("/a%5cb", true), ("/a%2", false), ("/a?%2f", false), ("/%252f", false),
    ("/a%2f/../b", false),
])
func `an escaped slash is marked`(text: String, isMarked: Bool) {
    var head = MessageHead()
    try? head.setPath(canonicalizing: Array(text.utf8).span)
    let hasEscapedSlash = head.hasEscapedSlash
    #expect(hasEscapedSlash == isMarked)
}

@Test func `a rewritten path is brought to the same form and keeps its query`() throws {
    var head = MessageHead()
    try head.setPath(canonicalizing: Array("/a/b?c".utf8).span)
    let range = head.append("/x/../%7e%2f".utf8)
    try head.replacePath(canonicalizing: range)
    #expect(head.text(head.path) == "/~%2F")
    #expect(head.text(head.query) == "c")
    let isMarked = head.hasEscapedSlash
    #expect(isMarked)
    let question = head.append("/x?y".utf8)
    #expect(throws: MalformedRequest.invalidPathByte) { try head.replacePath(canonicalizing: question) }
}

@Test(arguments: Files.list(Files.fuzzingFolder + "/Corpus/canonical-request"))
func `every input of the corpus has one form or none`(path: String) throws {
    _ = CanonicalRequestChecks.check(try #require(Files.read(path)))
}

@Test func `random paths and hosts have one form or none`() {
    var mutator = Mutator(
        seed: 7, dictionary: ["/", "..", "%2e", "%2F", "\\", "//", ".", "?", ":", "[", "\n"].map { Array($0.utf8) },
        maximumByteCount: 64)
    for _ in 0..<20_000 { _ = CanonicalRequestChecks.check(mutator.mutate(pool: [Array("/a/b/../%7e\na.b:80".utf8)])) }
}
