import FuzzKit
import HTTPSemantics
import Manifests
import Testing

@testable import Routing

private func rewritten(_ table: RouteTable, _ request: TestRequest, backend: Int = 0) throws -> TestRequest {
    var head = request.head()
    let match = try #require(table.match(request))
    match.rule.rewrite(&head, prefixByteCount: match.prefixByteCount, backend: backend)
    var result = request
    result.host = head.text(head.host)
    result.hostPort = head.hostPort
    result.target = head.text(head.path) + (head.hasQuery ? "?" + head.text(head.query) : "")
    result.headers = []
    for field in head.fields { result.headers.append((head.text(field.name), head.text(field.value))) }
    return result
}

private func table(prefix: String, filters: String, backendFilters: String = "") -> RouteTable {
    let backend = "{name: b, filters: [\(backendFilters)]}"
    let match = "{path: {type: PathPrefix, value: \"\(prefix)\"}}"
    return serviceTable(("r", "{matches: [\(match)], filters: [\(filters)], backendRefs: [\(backend)]}"))
}

private func prefixRewrite(_ replacement: String) -> String {
    "{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: \"\(replacement)\"}}}"
}

private func fullRewrite(_ path: String) -> String {
    "{type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath, replaceFullPath: \"\(path)\"}}}"
}

private func requestHeaders(_ modifier: String) -> String {
    "{type: RequestHeaderModifier, requestHeaderModifier: {\(modifier)}}"
}

/// The table of Gateway API's documentation, and cases around it. Path, prefix, replacement, result.
@Test(arguments: [
    ("/foo/bar", "/foo", "/xyz", "/xyz/bar"), ("/foo/bar", "/foo", "/xyz/", "/xyz/bar"),
    ("/foo/bar", "/foo/", "/xyz", "/xyz/bar"), ("/foo/bar", "/foo/", "/xyz/", "/xyz/bar"),
    ("/foo", "/foo", "/xyz", "/xyz"), ("/foo/", "/foo", "/xyz", "/xyz/"), ("/foo/bar", "/foo", "/", "/bar"),
    ("/foo/", "/foo", "/", "/"), ("/foo", "/foo", "/", "/"), ("/foo", "/foo", "/xyz/", "/xyz"),
    ("/foo/bar", "/", "/xyz", "/xyz/foo/bar"), ("/", "/", "/xyz", "/xyz/"), ("/", "/", "/", "/"),
    ("/foo/bar?q=1", "/foo", "/xyz", "/xyz/bar?q=1"), ("/foo/a/b/c/", "/foo", "/x/y", "/x/y/a/b/c/"),
    ("*", "/", "/xyz", "*"),
])
func `a prefix is replaced as Gateway API's table says`(
    target: String, prefix: String, replacement: String, expected: String
) throws {
    let table = table(prefix: prefix, filters: prefixRewrite(replacement))
    #expect(try rewritten(table, TestRequest(target: target)).target == expected)
}

@Test func `what a prefix becomes is canonical`() throws {
    var random = SplitMix64(seed: 7)
    let pieces = ["/", "/a", "/b%20c", "/x/y", "/%2Fz"]
    let ends = ["", "/", "/t", "/t/", "/%5C/u"]
    for _ in 0..<500 {
        let prefix = pieces.randomElement(using: &random) ?? "/"
        let replacement = (pieces.randomElement(using: &random) ?? "/") + (Bool.random(using: &random) ? "" : "/")
        let end = ends.randomElement(using: &random) ?? ""
        let target = prefix == "/" ? "/" + end.dropFirst() : prefix + end
        let cleaned = replacement.hasPrefix("//") ? "/" : replacement
        let result = try rewritten(
            table(prefix: prefix, filters: prefixRewrite(cleaned)), TestRequest(target: String(target))
        ).target
        var head = MessageHead()
        try head.setPath(canonicalizing: Array(result.utf8).span)
        let canonical = head.text(head.path)
        #expect(result == canonical)
    }
}

@Test func `a full path replaces all but the query`() throws {
    let table = table(prefix: "/full", filters: fullRewrite("/one"))
    #expect(try rewritten(table, TestRequest(target: "/full/one/two?a=b")).target == "/one?a=b")
}

@Test func `an escaped slash is noticed where a rewrite brings or removes it`() throws {
    for (target, path, expected) in [("/p/x", "/a%2Fb", true), ("/p/%2F", "/a", false)] {
        let table = table(prefix: "/p", filters: fullRewrite(path))
        let request = TestRequest(target: target)
        var head = request.head()
        head.hasEscapedSlash = !expected
        let match = try #require(table.match(request))
        match.rule.rewrite(&head, prefixByteCount: match.prefixByteCount, backend: 0)
        let isEscaped = head.hasEscapedSlash
        #expect(isEscaped == expected)
    }
    let table = table(prefix: "/p", filters: prefixRewrite("/q"))
    let request = TestRequest(target: "/p/a%5Cb")
    var head = request.head()
    let match = try #require(table.match(request))
    match.rule.rewrite(&head, prefixByteCount: match.prefixByteCount, backend: 0)
    let isEscaped = head.hasEscapedSlash
    #expect(isEscaped)
}

@Test func `a hostname replaces host, port and the Host field`() throws {
    let table = table(prefix: "/", filters: "{type: URLRewrite, urlRewrite: {hostname: one.example.org}}")
    let request = TestRequest(host: "a.com", hostPort: 8080, headers: [("host", "a.com:8080"), ("x", "1")])
    let result = try rewritten(table, request)
    #expect(result.host == "one.example.org")
    #expect(result.hostPort == 0)
    #expect(result.headers.map(\.value) == ["one.example.org", "1"])
}

@Test func `the backend's path and hostname win over the rule's`() throws {
    let table = table(prefix: "/p", filters: prefixRewrite("/rule"), backendFilters: prefixRewrite("/backend"))
    #expect(try rewritten(table, TestRequest(target: "/p/x")).target == "/backend/x")
}

@Test func `headers are set, added and removed by name whatever its case`() throws {
    let modifier = """
        set: [{name: X-Header-Set, value: header-set}, {name: X-New, value: new}], \
        add: [{name: X-Header-Add, value: header-add}], remove: [X-Header-Remove, absent]
        """
    let request = TestRequest(
        headers: [
            ("another-header", "v"), ("x-header-add", "original"), ("x-header-remove", "1"), ("x-header-set", "1"),
            ("x-header-remove", "2"), ("x-header-set", "2"), ("last", "l"),
        ])
    let result = try rewritten(table(prefix: "/", filters: requestHeaders(modifier)), request)
    #expect(
        result.headers.map { "\($0.name)=\($0.value)" } == [
            "another-header=v", "x-header-add=original", "x-header-set=header-set", "last=l", "x-new=new",
            "x-header-add=header-add",
        ])
}

@Test func `interned headers can be changed too`() throws {
    let table = table(
        prefix: "/", filters: requestHeaders("set: [{name: Cookie, value: a=b}], remove: [content-type]"))
    let request = TestRequest(headers: [("cookie", "x"), ("content-type", "text/plain"), ("cookie", "y")])
    let result = try rewritten(table, request)
    #expect(result.headers.map { "\($0.name)=\($0.value)" } == ["cookie=a=b"])
}

@Test func `the rule's headers come before the backend's`() throws {
    let table = table(
        prefix: "/", filters: requestHeaders("set: [{name: x, value: rule}, {name: y, value: rule}]"),
        backendFilters: requestHeaders("set: [{name: x, value: backend}]"))
    #expect(try rewritten(table, TestRequest()).headers.map { "\($0.name)=\($0.value)" } == ["x=backend", "y=rule"])
}

@Test func `a mirror gets the rule's changes, not a backend's`() throws {
    let table = table(
        prefix: "/p", filters: requestHeaders("set: [{name: x, value: rule}]") + ", " + prefixRewrite("/rule"),
        backendFilters: requestHeaders("set: [{name: y, value: backend}]") + ", " + prefixRewrite("/backend"))
    let request = TestRequest(target: "/p/x")
    var head = request.head()
    let match = try #require(table.match(request))
    match.rule.rewriteForMirror(&head, prefixByteCount: match.prefixByteCount)
    let (path, lines) = (head.text(head.path), head.fieldLines)
    #expect(path == "/rule/x")
    #expect(lines == ["x: rule"])
}

@Test func `response headers change by the backend's filters, then the rule's`() throws {
    let modifier = { (value: String) in
        "{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: x, value: \(value)}], remove: [server]}}"
    }
    let table = table(prefix: "/", filters: modifier("rule"), backendFilters: modifier("backend"))
    let rule = try #require(table.match(TestRequest())).rule
    var response = TestRequest(headers: [("server", "s"), ("y", "1")]).head()
    rule.modifyResponse(&response, backend: 0)
    let lines = response.fieldLines
    #expect(lines == ["y: 1", "x: rule"])
    var own = MessageHead()
    rule.modifyResponse(&own, backend: nil)
    let ownLines = own.fieldLines
    #expect(ownLines == ["x: rule"])
}

@Test func `every character stands in a manifest's path as in a request's canonical one`() throws {
    for value in UInt8(0x21)..<0x7F where !"?#%\\/\"".utf8.contains(value) {
        let path = "/a" + String(UnicodeScalar(value)) + "b"
        let table = serviceTable(
            (
                "r",
                "{matches: [{path: {type: Exact, value: '\(path.replacing("'", with: "''"))'}}], backendRefs: [{name: b}]}"
            ))
        var head = MessageHead()
        head.method = head.append("GET".utf8)
        try head.setPath(canonicalizing: Array(path.utf8).span)
        let matches = table.match(head) != nil
        #expect(matches, "\(path)")
    }
}
