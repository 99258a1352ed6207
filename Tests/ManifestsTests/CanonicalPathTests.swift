import Testing

@testable import Manifests

private func canonical(_ text: String) -> Result<String, CanonicalPath.Refusal> {
    Result { () throws(CanonicalPath.Refusal) in try CanonicalPath.canonical(text) }
}

@Test(arguments: [
    ("/", "/"), ("/a/b", "/a/b"), ("/a/", "/a/"), ("/%41%7e%2D", "/A~-"), ("/a%2fb", "/a%2Fb"), ("/%c3%bc", "/%C3%BC"),
    ("/ü x", "/%C3%BC%20x"), ("/a;b=1,2@:!$&'()*+", "/a;b=1,2@:!$&'()*+"), ("/..a/b..", "/..a/b.."), ("/%25", "/%25"),
])
func `a path has a canonical form`(text: String, form: String) {
    #expect(canonical(text) == .success(form))
}

@Test(arguments: [
    ("", CanonicalPath.Refusal.noSlash), ("a/b", .noSlash), ("*", .noSlash), ("/a?b", .query), ("/a#b", .fragment),
    ("/a\u{0}", .control), ("/a\u{7F}", .control), ("/%00", .control), ("/%0a", .control), ("/%", .badEscape),
    ("/%2", .badEscape),
    ("/%zz", .badEscape), ("/a\\b", .backslash), ("//a", .emptySegment), ("/a//b", .emptySegment), ("/.", .dotSegment),
    ("/a/../b", .dotSegment), ("/a/%2e%2E", .dotSegment), ("/./a", .dotSegment),
])
func `what no request can look like is refused`(text: String, refusal: CanonicalPath.Refusal) {
    #expect(canonical(text) == .failure(refusal))
}
