import FuzzKit
import HTTPSemantics
import Testing

@testable import Manifests

private func canonical(_ text: String) -> Result<String, ManifestPath.Refusal> {
    Result { () throws(ManifestPath.Refusal) in try ManifestPath.canonical(text) }
}

@Test(arguments: [
    ("/", "/"), ("/a/b", "/a/b"), ("/a/", "/a/"), ("/%41%7e%2D", "/A~-"), ("/a%2fb", "/a%2Fb"), ("/%c3%bc", "/%C3%BC"),
    ("/ü x", "/%C3%BC%20x"), ("/a;b=1,2@:!$&'()*+", "/a;b=1,2@:!$&'()*+"), ("/..a/b..", "/..a/b.."), ("/%25", "/%25"),
    ("/%0a", "/%0A"), ("/\"<>[]^`{|}", "/%22%3C%3E%5B%5D%5E%60%7B%7C%7D"),
])
func `a path has a canonical form`(text: String, form: String) {
    #expect(canonical(text) == .success(form))
}

@Test(arguments: [
    ("", ManifestPath.Refusal.noSlash), ("a/b", .noSlash), ("*", .noSlash), ("/a?b", .query), ("/a#b", .fragment),
    ("/a\u{0}", .control), ("/a\u{7F}", .control), ("/%00", .control), ("/%", .badEscape),
    ("/%2", .badEscape),
    ("/%zz", .badEscape), ("/a\\b", .backslash), ("//a", .emptySegment), ("/a//b", .emptySegment), ("/.", .dotSegment),
    ("/a/../b", .dotSegment), ("/a/%2e%2E", .dotSegment), ("/./a", .dotSegment),
])
func `what no request can look like is refused`(text: String, refusal: ManifestPath.Refusal) {
    #expect(canonical(text) == .failure(refusal))
}

@Test func `a path of a manifest has the form that the same path has in a request`() throws {
    var random = SplitMix64(seed: 11)
    let pieces =
        Array("/abc.-_~%\"<>[]^`{|}!$&'()*+,;=:@".unicodeScalars).map(String.init) + [
            "%2f", "%5C", "%41", "%7e", "%25", "%c3%bc",
        ]
    var compared = 0
    for _ in 0..<20_000 {
        var text = "/"
        for _ in 0..<random.next(below: 8) { text += pieces[random.next(below: pieces.count)] }
        guard case .success(let form) = canonical(text) else { continue }
        var head = MessageHead()
        try head.setPath(canonicalizing: Array(text.utf8).span)
        #expect(Array(form.utf8) == (0..<head.path.bounds.count).map { head.bytes(head.path)[$0] }, "\(text)")
        compared += 1
    }
    #expect(compared > 5_000)
}
