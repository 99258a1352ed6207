import Testing

@testable import Routing

@Test func `an explanation names every candidate and why it is not the one`() {
    let table = serviceTable(
        (
            "r",
            """
            {matches: [{path: {value: /a}, method: POST}], backendRefs: [{name: b}]}, \
            {matches: [{path: {value: /a}, headers: [{name: x, value: "1"}]}], backendRefs: [{name: b}]}, \
            {matches: [{path: {value: /a}, queryParams: [{name: q, value: "1"}]}], backendRefs: [{name: b}]}, \
            {matches: [{path: {value: /a}}], backendRefs: [{name: b}]}, \
            {backendRefs: [{name: b}]}, \
            {matches: [{path: {type: Exact, value: /other}}], backendRefs: [{name: b}]}
            """
        ))
    let head = TestRequest(target: "/a/x").head()
    let explanations = table.explainMatch(head)
    #expect(
        explanations.map { "\($0.rule.index) \($0.reason)" } == [
            "0 path prefix \"/a\", method POST: the method is another",
            "1 path prefix \"/a\", header \"x: 1\": no header \"x: 1\"",
            "2 path prefix \"/a\", query parameter \"q: 1\": no query parameter \"q: 1\"",
            "3 path prefix \"/a\": matches",
            "4 path prefix \"/\": matches too, but comes later in precedence",
            "5 host or path does not match",
        ])
    #expect(explanations.map(\.isChosen) == [false, false, false, true, false, false])
}
