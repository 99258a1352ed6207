import Diagnostics
import Manifests
import MeshSnapshot
import Testing

private func http(_ name: String, _ rest: String) -> String { "name: \(name), protocol: HTTP, \(rest)" }
private func https(_ name: String, _ rest: String) -> String {
    "name: \(name), protocol: HTTPS, tls: {certificateFile: a, keyFile: b}, \(rest)"
}
private func tcp(_ name: String, _ rest: String) -> String { "name: \(name), protocol: TCP, \(rest)" }
private func tls(_ name: String, _ rest: String) -> String {
    "name: \(name), protocol: TLS, tls: {mode: Passthrough}, \(rest)"
}
private let twoNodes = filesAuthority + node("a", "192.0.2.1:15008") + node("b", "192.0.2.2:15008")
private func outbound(_ name: String, _ listen: String, node: String? = nil) -> String {
    workload(name, "serviceAccount: s, outbound: {listen: \"\(listen)\"}" + (node.map { ", node: \($0)" } ?? ""))
}

@Test(arguments: [
    outbound("w1", "127.0.0.1:15001") + outbound("w2", "127.0.0.1:15001"),
    outbound("w1", "unix:/run/a.sock") + outbound("w2", "unix:/run/a.sock"),
    outbound("w1", "127.0.0.1:80") + gateway("g", http("a", "port: 80")),
    outbound("w1", "[::1]:80") + gateway("g", http("a", "port: 80, address: \"::\"")),
    outbound("w1", "127.0.0.1:80") + gateway("g", http("a", "port: 80, address: \"::\"")),
    outbound("w1", "[::1]:80") + gateway("g", http("a", "port: 80, address: \"::\", ipv6Only: true")),
    gateway(
        "g", http("a", "port: 80, address: \"::\", hostname: x.com"),
        http("b", "port: 80, address: \"::\", ipv6Only: true, hostname: y.com")),
    outbound("w1", "127.0.0.1:80")
        + gateway("g", http("a", "port: 80, address: \"::\", ipv6Only: true"), http("b", "port: 80")),
    gateway("g", http("a", "port: 80")) + gateway("h", http("b", "port: 80, address: 192.0.2.1")),
    gateway("g", http("a", "port: 80"), https("b", "port: 80, hostname: x.com")),
    gateway("g", http("a", "port: 80"), http("b", "port: 80")),
    gateway("g", tcp("a", "port: 80"), tcp("b", "port: 80")), gateway("g", tcp("a", "port: 80"), http("b", "port: 80")),
    gateway("g", tls("a", "port: 80"), https("b", "port: 80, hostname: x.com")),
    gateway("g", tls("a", "port: 80"), tls("b", "port: 80")),
    gateway("g", tcp("a", "port: 80")) + outbound("w1", "127.0.0.1:80"),
    gateway("g", http("a", "port: 80, hostname: x.com")) + gateway("h", http("b", "port: 80, hostname: x.com")),
    filesAuthority.replacing("spec: {", with: "spec: {telemetry: {listen: \"127.0.0.1:9090\"}, ")
        + outbound("w1", "127.0.0.1:9090"),
    service("s") + workload("w", "service: s, address: \"127.0.0.1:80\"") + gateway("g", http("a", "port: 80")),
    service("s") + workload("w", "service: s, address: \"192.0.2.1:80\"")
        + gateway("g", http("a", "port: 80, address: 192.0.2.1")),
    service("s") + workload("w", "service: s, address: \"unix:/run/a.sock\"") + outbound("v", "unix:/run/a.sock"),
])
func `two that would take the same calls are an error`(yaml: String) {
    #expect(resolve(yaml).errors.map(\.code) == [.overlappingListeners])
}

@Test(arguments: [
    outbound("w1", "127.0.0.1:15001") + outbound("w2", "127.0.0.1:15002") + outbound("w3", "127.0.0.2:15001"),
    outbound("w1", "[::1]:80") + gateway("g", http("a", "port: 80")),
    outbound("w1", "127.0.0.1:80") + gateway("g", http("a", "port: 80, address: \"::\", ipv6Only: true")),
    gateway("g", http("a", "port: 80, address: \"::\""), http("b", "port: 80")),
    gateway("g", http("a", "port: 80"), https("b", "port: 80, address: \"::\"")),
    gateway(
        "g", http("a", "port: 80, hostname: x.com"), http("b", "port: 80, hostname: \"*.com\""), http("c", "port: 80")),
    gateway("g", https("a", "port: 443, hostname: x.com")) + gateway("h", https("b", "port: 443, hostname: y.com")),
    gateway("g", tls("a", "port: 443, hostname: x.com"), tls("b", "port: 443, hostname: \"*.com\"")),
    gateway("g", tcp("a", "port: 80")) + gateway("h", tcp("b", "port: 81")),
    gateway("g", http("a", "port: 80, address: 192.0.2.1")) + gateway("h", http("b", "port: 80, address: 192.0.2.2")),
    service("s") + workload("w", "service: s, address: \"172.17.0.2:80\"") + gateway("g", http("a", "port: 80")),
])
func `what does not meet is no error`(yaml: String) {
    #expect(resolve(yaml).errors.isEmpty)
}

@Test(arguments: [
    outbound("w1", "127.0.0.1:15001", node: "a") + outbound("w2", "127.0.0.1:15001", node: "a"),
    gateway("g", node: "a", http("a", "port: 80")) + outbound("w", "127.0.0.1:80", node: "a"),
    gateway("g", http("a", "port: 80")) + outbound("w", "127.0.0.1:80", node: "b"),
    gateway("g", node: "b", http("a", "port: 15008")),
    service("s") + workload("w", "service: s, node: a, address: \"192.0.2.1:80\"")
        + gateway("g", node: "a", http("a", "port: 80")),
    node("c", "192.0.2.1:15008"),
])
func `on a node, what is on it and what is on every node count`(yaml: String) {
    #expect(resolve(twoNodes + yaml, node: "a").errors.map(\.code) == [.overlappingListeners])
}

@Test func `different nodes share nothing`() {
    let yaml =
        outbound("w1", "127.0.0.1:15001", node: "a") + outbound("w2", "127.0.0.1:15001", node: "b")
        + gateway("g", node: "a", http("a", "port: 80")) + gateway("h", node: "b", http("a", "port: 80"))
    #expect(resolve(twoNodes + yaml, node: "a").errors.isEmpty)
}

@Test func `an overlap names what is in the way and where`() throws {
    let yaml = gateway("g", http("a", "port: 80")) + outbound("w", "127.0.0.1:80")
    let error = try #require(resolve(yaml).errors.first)
    #expect(error.position.line == 10)
    #expect(error.found == "outbound.listen of Workload \"w\" at 127.0.0.1:80")
    #expect(error.remedy.hasPrefix("choose another: listener \"a\" of Gateway \"g\" at mesh.yaml:5:"))
}

@Test(arguments: [
    (
        gateway("g", http("a", "port: 80")) + outbound("w", "127.0.0.1:80"), 5,
        "listener \"a\" of Gateway \"g\" at 0.0.0.0:80"
    ),
    (
        gateway("g", http("a", "port: 80, hostname: x.com")) + gateway("h", http("b", "port: 80, hostname: x.com")), 5,
        "listener \"a\" of Gateway \"g\" at 0.0.0.0:80 with hostname \"x.com\""
    ),
])
func `of two that overlap the one that is handed in is at fault`(yaml: String, line: Int, found: String) throws {
    let file = ManifestDecoder.decode(Array(yaml.utf8), path: "mesh.yaml")
    let resolution = Resolution([file], node: nil) { $0.line == line }
    #expect(resolution.errors.map(\.position.line) == [line])
    #expect(resolution.errors.map(\.found) == [found])
    #expect(Resolution([file], node: nil) { _ in true }.errors.first?.position.line != line)
}
