import FuzzKit
import Manifests
import MeshSnapshot
import Testing

@testable import Routing

@Test func `backends are picked by their weights`() throws {
    let table = serviceTable(
        ("r", "{backendRefs: [{name: a, weight: 70}, {name: b, weight: 0}, {name: c, weight: 30}]}"))
    let rule = try #require(table.match(TestRequest())).rule
    var random = SplitMix64(seed: 1)
    var counts = [0, 0, 0]
    for _ in 0..<10_000 { counts[rule.pickBackend(using: &random) ?? 0] += 1 }
    #expect(abs(counts[0] - 7000) < 200)
    #expect(counts[1] == 0)
}

@Test(arguments: ["backendRefs: [{name: a, weight: 0}]", "backendRefs: []"])
func `without a backend that has weight none is picked`(spec: String) throws {
    let rule = try #require(serviceTable(("r", "{\(spec)}")).match(TestRequest())).rule
    var random = SplitMix64(seed: 1)
    #expect(rule.pickBackend(using: &random) == nil)
}

@Test(arguments: [("percent: 20", 2000), ("fraction: {numerator: 25, denominator: 50}", 5000), ("percent: 0", 0)])
func `mirrors are chosen by their share`(share: String, expected: Int) throws {
    let mirror = "{type: RequestMirror, requestMirror: {backendRef: {name: b}, \(share)}}"
    let rule = try #require(
        serviceTable(("r", "{filters: [\(mirror)], backendRefs: [{name: a}]}")).match(TestRequest())
    ).rule
    var random = SplitMix64(seed: 1)
    var count = 0
    for _ in 0..<10_000 where rule.mirrors[0].isChosen(using: &random) { count += 1 }
    #expect(abs(count - expected) < 200)
}

@Test func `timeouts keep what is written apart from what is not`() throws {
    let table = serviceTable(("r", "{timeouts: {request: 0s}, backendRefs: [{name: a}]}"))
    let rule = try #require(table.match(TestRequest())).rule
    #expect(rule.requestTimeout == .zero)
    #expect(rule.backendRequestTimeout == nil)
}

@Test func `an HTTPRoute and a GRPCRoute of one name have labels of their own`() throws {
    let service = ResourceName(namespace: "default", name: "a")
    let labels = try ["HTTPRoute", "GRPCRoute"].map { kind in
        let spec = "parentRefs: [{kind: Service, name: a}], rules: [{backendRefs: [{name: a}]}]"
        let table = RouteTable(service: service, in: snapshot([(kind, "r", spec)], protocol: "GRPC"))
        let rule = try #require(table.match(TestRequest())).rule
        #expect(rule.path == "default/r/0")
        return rule.label.map { String(decoding: $0, as: UTF8.self) } ?? "none"
    }
    #expect(labels == ["HTTPRoute/default/r/0", "GRPCRoute/default/r/0"])
}
