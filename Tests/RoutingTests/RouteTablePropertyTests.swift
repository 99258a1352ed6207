import FuzzKit
import HTTPSemantics
import Manifests
import MeshSnapshot
import Testing

@testable import Routing

/// Random manifests and requests from a small alphabet, so that they often meet.
private struct RandomMesh {
    var random: SplitMix64

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    private mutating func pick(_ choices: [String]) -> String { choices.randomElement(using: &random) ?? "" }
    private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

    private mutating func host() -> String { pick(["a.com", "b.com", "x.a.com", "y.x.a.com", "com", "z.org"]) }
    private mutating func pattern() -> String {
        chance(50) ? host() : pick(["\"*.com\"", "\"*.a.com\"", "\"*.x.a.com\"", "\"*.org\""])
    }
    private mutating func path() -> String { pick(["/", "/a", "/a/", "/a/b", "/a/b/c", "/b", "/ab", "/b/a/"]) }

    private mutating func pairs(_ names: [String]) -> String {
        names.shuffled(using: &random).prefix(Int.random(in: 0...2, using: &random))
            .map { name in "{name: \(name), value: v\(Int.random(in: 0...2, using: &random))}" }.joined(separator: ", ")
    }

    private mutating func match() -> String {
        let type = chance(40) ? "Exact" : "PathPrefix"
        var text = "{path: {type: \(type), value: \(path())}"
        if chance(30) { text += ", method: \(pick(["GET", "POST"]))" }
        if chance(50) { text += ", headers: [\(pairs(["X-One", "x-two", "x-three"]))]" }
        if chance(40) { text += ", queryParams: [\(pairs(["p", "q", "r"]))]" }
        return text + "}"
    }

    mutating func listeners() -> [String] {
        var listeners = ["name: l0"]
        for (number, hostname) in ["\"*.com\"", "\"*.a.com\"", "x.a.com"].enumerated() where chance(40) {
            listeners.append("name: l\(number + 1), hostname: \(hostname)")
        }
        return listeners
    }

    mutating func route(listeners: Int, matches: ClosedRange<Int>) -> String {
        let section = chance(30) ? ", sectionName: l0" : ""
        var text = "parentRefs: [{name: edge\(section)}], "
        if chance(60) {
            let hostnames = (0..<Int.random(in: 1...3, using: &random)).map { _ in pattern() }
            text += "hostnames: [\(Set(hostnames).sorted().joined(separator: ", "))], "
        }
        let rules = (0..<Int.random(in: 1...3, using: &random)).map { _ in
            let matches = (0..<Int.random(in: matches, using: &random)).map { _ in match() }
            return "{matches: [\(matches.joined(separator: ", "))], backendRefs: [{name: b}]}"
        }
        return text + "rules: [\(rules.joined(separator: ", "))]"
    }

    mutating func request() -> TestRequest {
        var request = TestRequest(method: pick(["GET", "POST", "PUT"]), host: host())
        request.target = path() + pick(["", "", "x", "/d"])
        request.target = request.target.replacing("//", with: "/")
        for name in ["x-one", "x-two", "x-three"] where chance(60) {
            request.headers.append((name, "v\(Int.random(in: 0...2, using: &random))"))
            if chance(20) { request.headers.append((name, "v\(Int.random(in: 0...2, using: &random))")) }
        }
        if chance(60) {
            let parameters = ["p", "q", "r"].shuffled(using: &random).map { name in
                "\(name)=v\(Int.random(in: 0...2, using: &random))"
            }
            request.target += "?" + parameters.joined(separator: "&")
        }
        return request
    }
}

/// 100 meshes of 200 requests each; those with many matches a rule make lists long enough to be indexed.
@Test(arguments: 0..<100)
func `the compiled table agrees with a naive reading of Gateway API`(seed: Int) throws {
    var mesh = RandomMesh(seed: UInt64(seed))
    let listeners = mesh.listeners()
    let isLarge = seed.isMultiple(of: 4)
    let routes = (0..<(isLarge ? 20 : 6)).map { number in
        ("r\(number)", mesh.route(listeners: listeners.count, matches: isLarge ? 5...20 : 1...4))
    }
    let list = listeners.map { "{protocol: HTTP, port: 80, \($0)}" }.joined(separator: ", ")
    let snapshot = snapshot(
        [("Gateway", "edge", "listeners: [\(list)]")] + routes.map { ("HTTPRoute", $0.0, $0.1) })
    let gateway = snapshot.gateways[0]
    let table = RouteTable(listeners: gateway.listeners.map { (gateway.metadata.name, $0) }, in: snapshot)
    let naive = NaiveMatcher(
        listeners: gateway.listeners, gateway: gateway.metadata.name, routes: snapshot.resources[HTTPRoute.self].all)
    for _ in 0..<200 {
        let request = mesh.request()
        let found = table.match(request)
        let answer = found.flatMap { match in
            match.rule.route.map { NaiveMatcher.Answer(route: $0, rule: match.rule.index) }
        }
        let expected = naive.match(request)
        #expect(answer == expected, "\(request)")
        let head = request.head()
        let chosen = table.explainMatch(head).filter(\.isChosen).map(\.rule.id)
        #expect(chosen == (found.map { [$0.rule.id] } ?? []), "\(request)")
    }
}
