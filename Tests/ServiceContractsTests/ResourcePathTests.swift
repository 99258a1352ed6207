import HTTPSemantics
import Testing

@testable import ServiceContracts

struct ResourcePathTests {
    private static func path(_ keys: [String]) -> ResourcePath {
        var path = ResourcePath(below: "/values")
        for key in keys { path.append(key) }
        return path
    }

    @Test(arguments: [
        (["database", "host"], "/values/database/host"), ([], "/values"), (["a/b"], "/values/a%2Fb"),
        (["a b", "ü"], "/values/a%20b/%C3%BC"), (["a:b@c+d"], "/values/a:b@c+d"), (["%2F"], "/values/%252F"),
        (["a\\b"], "/values/a%5Cb"), (["A"], "/values/A"), (["..."], "/values/..."), (["?#"], "/values/%3F%23"),
    ])
    func `keys become a path that is in canonical form, and come back from it`(keys: [String], text: String) throws {
        let path = Self.path(keys)
        #expect(path.text == text && path.isPossible)
        var head = MessageHead()
        try head.setPath(canonicalizing: Array(text.utf8).span)
        #expect(head.text(head.path) == text)
        let segments = InMemoryCallerSegments.of(text)
        #expect(segments == ["values"] + keys)
    }

    @Test(arguments: ["", ".", "..", "a\u{0}b"])
    func `what no request can name is nobody's, with all that is below it`(key: String) {
        var path = Self.path(["a", key, "b"])
        #expect(!path.isPossible)
        path.removeLast()
        #expect(!path.isPossible)
        path.removeLast()
        #expect(path.isPossible && path.text == "/values/a")
        path.removeLast()
        path.removeLast()
        #expect(path.text == "/values")
    }
}

/// What a service makes of a request's path.
enum InMemoryCallerSegments {
    static func of(_ path: String) -> [String]? {
        var head = MessageHead()
        guard (try? head.setPath(canonicalizing: Array(path.utf8).span)) != nil else { return nil }
        return LocalRequest(copying: head, hasBody: false, caller: .web).pathSegments()
    }
}
