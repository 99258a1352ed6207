import HTTPSemantics
import Testing

@testable import Manifests

/// What stands within `rules: [{…}]` on line 6, whose first column is 12.
@Test(
    arguments: ["HTTPRoute", "GRPCRoute"],
    [
        ("retry: {attempts: 2}", "not-available 6:12"),
        ("sessionPersistence: {}", "not-available 6:12"),
        ("matches: [{headers: [{type: RegularExpression, name: a, value: b}]}]", "not-available 6:40"),
        ("filters: [{type: ExtensionRef, extensionRef: {}}]", "not-available 6:29"),
        ("filters: [{type: CORS, cors: {}}]", "not-available 6:29"),
        ("matches: [{headers: [{name: 'a b', value: c}]}]", "invalid-value 6:40"),
        ("matches: [{headers: [{name: a, value: b}, {name: A, value: c}]}]", "duplicate-item 6:55"),
        ("matches: [{headers: [{name: a, value: \"b\\r\\nc: d\"}]}]", "invalid-value 6:50"),
        ("backendRefs: [{name: a, weight: 1000001}]", "out-of-range 6:44"),
        ("backendRefs: [{name: a, weight: -1}]", "out-of-range 6:44"),
        ("backendRefs: [{name: a, kind: Gateway}]", "invalid-value 6:42"),
        ("backendRefs: [{name: a, group: apps}]", "invalid-value 6:43"),
        ("backendRefs: [{port: 80}]", "missing-field 6:27"),
        ("timeouts: {request: 1s, backendRequest: 2s}", "conflicting-fields 6:36"),
        ("timeouts: {request: 1d}", "wrong-type 6:32"),
        ("timeouts: {request: 0}", "wrong-type 6:32"),
        ("filters: [{type: RequestMirror, requestMirror: {backendRef: {name: a}, percent: 101}}]", "out-of-range 6:92"),
        (
            "filters: [{type: RequestMirror, requestMirror: {backendRef: {name: a}, percent: 1, fraction: {numerator: 1}}}]",
            "conflicting-fields 6:95"
        ),
        (
            "filters: [{type: RequestMirror, requestMirror: {backendRef: {name: a}, fraction: {numerator: 101}}}]",
            "out-of-range 6:94"
        ),
        (
            "filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: Host, value: a}]}}]",
            "protected-header 6:89"
        ),
        (
            "filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [X-Heddle-Caller]}}]",
            "protected-header 6:85"
        ),
        ("filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [a, A]}}]", "duplicate-item 6:88"),
        ("filter: []", "unknown-field 6:12"),
    ])
func `a mistake in what rules of calls have in common is an error at its place`(kind: String, item: (String, String)) {
    #expect(mistakes(manifest(kind, "parentRefs: [{name: a}]\nrules: [{\(item.0)}]")) == ["manifest.\(item.1)"])
}

/// Rules whose filters touch a header in every way that there is, and the column of its name within `rules: [{…}]`.
private func modifiers(_ name: String) -> [(rule: String, column: Int)] {
    ["request", "response"].flatMap { direction in
        let type = direction == "request" ? "RequestHeaderModifier" : "ResponseHeaderModifier"
        let start = "filters: [{type: \(type), \(direction)HeaderModifier: {"
        return ["set: [{name: ", "add: [{name: ", "remove: ["].map { list in
            let end = list.hasPrefix("remove") ? "]}}]" : ", value: v}]}}]"
            return (start + list + name + end, 12 + (start + list).utf8.count)
        }
    }
}

@Test(
    arguments: KnownField.allCases.filter(\.isHopByHop).map(\.name.description) + [
        "host", "content-length", "trailer", "x-forwarded-client-cert", "x-heddle-caller", "x-heddle-anything",
        "x_heddle_caller", "x-heddle_reason", "X_Heddle-Hops", "x_forwarded_client_cert", "x_forwarded_for",
        "x-forwarded_proto", "x_real_ip",
    ])
func `what frames a message, ends at each hop or is Heddle's, with _ for - too, no filter touches`(name: String) {
    for (rule, column) in modifiers(name) {
        #expect(
            mistakes(manifest("HTTPRoute", "parentRefs: [{name: a}]\nrules: [{\(rule)}]"))
                == ["manifest.protected-header 6:\(column)"], "\(rule)")
    }
}

@Test(arguments: [
    "x-mine", "x_mine", "x-heddles", "x-request-id", "X-Forwarded-For", "x-forwarded-prefix", "forwarded",
])
func `all other headers, those that say where a call came from among them, filters may touch`(name: String) {
    for (rule, _) in modifiers(name) {
        #expect(mistakes(manifest("HTTPRoute", "parentRefs: [{name: a}]\nrules: [{\(rule)}]")) == [], "\(rule)")
    }
}

@Test(
    arguments: ["HTTPRoute", "GRPCRoute"],
    [
        ("{}", "missing-field 5:3"),
        ("parentRefs: []", "invalid-value 5:15"),
        ("parentRefs: [{name: a, kind: Mesh}]", "invalid-value 5:32"),
        ("parentRefs: [{name: a, kind: Route}]", "invalid-value 5:32"),
        ("parentRefs: [{name: a, kind: Service, sectionName: b}]", "conflicting-fields 5:41"),
        ("parentRefs: [{name: a}]\nhostnames: [10.0.0.1]", "invalid-value 6:15"),
        ("parentRefs: [{name: a}]\nhostnames: ['*']", "invalid-value 6:15"),
        ("parentRefs: [{name: a}]\nuseDefaultGateways: All", "not-available 6:3"),
        ("parentRefs: [{name: a}]\nhostname: a.b", "unknown-field 6:3"),
    ])
func `a mistake in what routes of calls have in common is an error at its place`(kind: String, item: (String, String)) {
    #expect(mistakes(manifest(kind, item.0)) == ["manifest.\(item.1)"])
}
