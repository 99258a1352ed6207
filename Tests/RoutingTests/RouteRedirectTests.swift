import HTTPSemantics
import Manifests
import Testing

@testable import Routing

private func location(_ redirect: String, prefix: String = "/", port: UInt16, _ request: TestRequest) throws -> String {
    let filter = "{type: RequestRedirect, requestRedirect: {\(redirect)}}"
    let match = "{path: {type: PathPrefix, value: \"\(prefix)\"}}"
    let table = serviceTable(("r", "{matches: [\(match)], filters: [\(filter)]}"))
    let found = try #require(table.match(request))
    let redirect = try #require(found.rule.redirect)
    let head = request.head()
    var bytes = Array("Location: ".utf8)
    redirect.appendLocation(for: head, prefixByteCount: found.prefixByteCount, listenerPort: port, to: &bytes)
    return String(String(decoding: bytes, as: UTF8.self).dropFirst("Location: ".count))
}

/// Filter, scheme of the request, port of the listener, Location.
@Test(arguments: [
    ("hostname: example.org", Scheme.http, UInt16(80), "http://example.org/x"),
    ("hostname: example.org", .http, 8080, "http://example.org:8080/x"),
    ("hostname: example.org", .https, 443, "https://example.org/x"),
    ("port: 8083", .http, 80, "http://a.com:8083/x"),
    ("port: 80", .http, 8080, "http://a.com/x"),
    ("port: 443", .http, 8080, "http://a.com:443/x"),
    ("scheme: https", .http, 8080, "https://a.com/x"),
    ("scheme: http", .https, 8443, "http://a.com/x"),
    ("scheme: https, port: 443", .http, 80, "https://a.com/x"),
    ("scheme: https, port: 8443", .http, 80, "https://a.com:8443/x"),
    ("scheme: http, port: 443", .http, 80, "http://a.com:443/x"),
    ("statusCode: 301", .http, 0, "http://a.com/x"),
    ("hostname: example.org, port: 65535", .https, 443, "https://example.org:65535/x"),
])
func `scheme, hostname and port follow Gateway API`(
    filter: String, scheme: Scheme, port: UInt16, expected: String
) throws {
    #expect(try location(filter, port: port, TestRequest(host: "a.com", target: "/x", scheme: scheme)) == expected)
}

@Test(arguments: [
    ("/original/lemon", "/original", "type: ReplacePrefixMatch, replacePrefixMatch: /new", "/new/lemon"),
    ("/original", "/original", "type: ReplacePrefixMatch, replacePrefixMatch: /new", "/new"),
    ("/original", "/original", "type: ReplacePrefixMatch, replacePrefixMatch: /", "/"),
    ("/original/", "/original", "type: ReplacePrefixMatch, replacePrefixMatch: /", "/"),
    ("/full/path?q=1", "/full", "type: ReplaceFullPath, replaceFullPath: /all", "/all?q=1"),
])
func `a redirect's path is made like a rewritten one, and keeps the query`(
    target: String, prefix: String, path: String, expected: String
) throws {
    let result = try location("path: {\(path)}", prefix: prefix, port: 80, TestRequest(host: "a.com", target: target))
    #expect(result == "http://a.com" + expected)
}

@Test func `a request without a path is redirected to the root`() throws {
    let request = TestRequest(method: "OPTIONS", host: "a.com", target: "*")
    #expect(try location("scheme: https", port: 80, request) == "https://a.com/")
}

@Test(arguments: [
    ("", 302), ("statusCode: 301", 301), ("statusCode: 303", 303), ("statusCode: 307", 307), ("statusCode: 308", 308),
])
func `the status is the filter's, 302 by default`(filter: String, status: Int) throws {
    let table = serviceTable(("r", "{filters: [{type: RequestRedirect, requestRedirect: {\(filter)}}]}"))
    let redirect = try #require(table.match(TestRequest())).rule.redirect
    #expect(redirect?.status == UInt16(status))
}
