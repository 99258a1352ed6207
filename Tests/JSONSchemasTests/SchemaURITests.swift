import Testing

@testable import JSONSchemas

/// RFC 3986 § 5.4.
@Test(arguments: [
    ("g:h", "g:h"), ("g", "http://a/b/c/g"), ("./g", "http://a/b/c/g"), ("g/", "http://a/b/c/g/"), ("/g", "http://a/g"),
    ("//g", "http://g"), ("?y", "http://a/b/c/d;p?y"), ("g?y", "http://a/b/c/g?y"), ("#s", "http://a/b/c/d;p?q#s"),
    ("g#s", "http://a/b/c/g#s"), ("g?y#s", "http://a/b/c/g?y#s"), (";x", "http://a/b/c/;x"),
    ("g;x", "http://a/b/c/g;x"),
    ("g;x?y#s", "http://a/b/c/g;x?y#s"), ("", "http://a/b/c/d;p?q"), (".", "http://a/b/c/"), ("./", "http://a/b/c/"),
    ("..", "http://a/b/"), ("../", "http://a/b/"), ("../g", "http://a/b/g"), ("../..", "http://a/"),
    ("../../", "http://a/"), ("../../g", "http://a/g"), ("../../../g", "http://a/g"), ("../../../../g", "http://a/g"),
    ("/./g", "http://a/g"), ("/../g", "http://a/g"), ("g.", "http://a/b/c/g."), (".g", "http://a/b/c/.g"),
    ("g..", "http://a/b/c/g.."), ("..g", "http://a/b/c/..g"), ("./../g", "http://a/b/g"), ("./g/.", "http://a/b/c/g/"),
    ("g/./h", "http://a/b/c/g/h"), ("g/../h", "http://a/b/c/h"), ("g;x=1/./y", "http://a/b/c/g;x=1/y"),
    ("g;x=1/../y", "http://a/b/c/y"), ("g?y/./x", "http://a/b/c/g?y/./x"), ("g#s/../x", "http://a/b/c/g#s/../x"),
    ("http:g", "http:g"),
])
func `references are resolved as the standard's examples are`(reference: String, target: String) {
    #expect(SchemaURI(reference).resolved(against: SchemaURI("http://a/b/c/d;p?q")).text == target)
}

@Test(arguments: [
    ("b.json", "a.json", "b.json"), ("b.json", "folder/a.json", "folder/b.json"),
    ("../b.json", "folder/a.json", "b.json"),
    ("../../../etc/passwd", "folder/a.json", "etc/passwd"), ("#x", "folder/a.json", "folder/a.json#x"),
    ("b.json", "", "b.json"), ("b", "http://host", "http://host/b"), ("#x", "urn:a:b", "urn:a:b#x"),
    ("größe", "", "gr%C3%B6%C3%9Fe"),
    ("HTTP://a", "", "http://a"),
])
func `references are resolved against paths, too, and none leads out`(reference: String, base: String, target: String) {
    #expect(SchemaURI(reference).resolved(against: SchemaURI(base)).text == target)
}

@Test(arguments: [
    ("#", []), ("#/", [""]), ("#/a/b", ["a", "b"]), ("#/a~1b/~0c", ["a/b", "~c"]), ("#/a%25b%22", ["a%b\""]),
    ("#/~01", ["~1"]),
    ("#/%C3%A9", ["é"]), ("#//", ["", ""]),
])
func `a fragment is a pointer`(text: String, tokens: [String]) {
    #expect(SchemaURI(text).pointer == tokens)
}

@Test(arguments: ["a", "#a", "#/%", "#/%4", "#/%GG", "#/%FF"])
func `a fragment that is no pointer is none`(text: String) {
    #expect(SchemaURI(text).pointer == nil)
}
