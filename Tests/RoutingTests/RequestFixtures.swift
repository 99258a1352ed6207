import HTTPSemantics
import Manifests
import MeshFixtures
import MeshSnapshot

@testable import Routing

/// A request in canonical form, made to be matched.
struct TestRequest: Sendable, CustomStringConvertible {
    var method = "GET"
    var host = "example.com"
    var hostPort: UInt16 = 0
    /// With its query.
    var target = "/"
    var scheme = Scheme.http
    /// Names in lower case.
    var headers: [(name: String, value: String)] = []

    var path: String { String(target.prefix { $0 != "?" }) }
    var query: String? { target.contains("?") ? String(target.drop { $0 != "?" }.dropFirst()) : nil }
    var description: String { "\(method) \(host) \(target) \(headers)" }

    func head() -> MessageHead {
        var head = MessageHead()
        head.method = head.append(method.utf8)
        head.host = head.append(host.utf8)
        head.hostPort = hostPort
        head.path = head.append(path.utf8)
        head.scheme = scheme
        if let query {
            head.query = head.append(query.utf8)
            head.hasQuery = true
        }
        for (name, value) in headers {
            head.addField(name: Array(name.utf8).span, value: Array(value.utf8).span)
        }
        return head
    }
}

extension MessageHead {
    func text(_ range: ByteRange) -> String { String(decoding: storage.array[range.bounds], as: UTF8.self) }

    /// `name: value` of every field, in order.
    var fieldLines: [String] { fields.map { "\(text($0.name)): \(text($0.value))" } }
}

extension RouteTable {
    func match(_ request: TestRequest) -> RouteMatch? {
        let head = request.head()
        return match(head)
    }

    /// What the rule is called that a request belongs to.
    func rulePath(_ request: TestRequest) -> String? { match(request)?.rule.path }
}

/// Resolves manifests, each the kind, name and inside of `spec`; every Service that is named is there.
func snapshot(
    _ resources: [(kind: String, name: String, spec: String)], services: [String] = ["a", "b", "c"],
    protocol: String = "HTTP"
) -> MeshSnapshot {
    var yaml = ""
    for service in services {
        yaml += "---\napiVersion: heddle/v1\nkind: Service\nmetadata: {name: \(service)}\n"
        yaml += "spec: {protocol: \(`protocol`), endpoints: [{address: \"192.0.2.1:80\"}]}\n"
    }
    for (kind, name, spec) in resources {
        yaml += "---\napiVersion: heddle/v1\nkind: \(kind)\nmetadata: {name: \(name)}\nspec: {\(spec)}\n"
    }
    do { return try MeshSnapshot(yaml) } catch { preconditionFailure("\(error)") }
}

/// The table of a service `a` with routes given as (name, rules).
func serviceTable(_ routes: (name: String, rules: String)...) -> RouteTable {
    let snapshot = snapshot(
        routes.map { ("HTTPRoute", $0.name, "parentRefs: [{kind: Service, name: a}], rules: [\($0.rules)]") })
    return RouteTable(service: ResourceName(namespace: "default", name: "a"), in: snapshot)
}

/// The table of a gateway `edge`, whose listeners and routes are the insides of mappings.
func gatewayTable(listeners: [String], routes: [(name: String, spec: String)]) -> RouteTable {
    let list = listeners.map { "{protocol: HTTP, port: 80, \($0)}" }.joined(separator: ", ")
    let snapshot = snapshot(
        [("Gateway", "edge", "listeners: [\(list)]")] + routes.map { ("HTTPRoute", $0.name, $0.spec) })
    let gateway = snapshot.gateways[0]
    return RouteTable(listeners: gateway.listeners.map { (gateway.metadata.name, $0) }, in: snapshot)
}
