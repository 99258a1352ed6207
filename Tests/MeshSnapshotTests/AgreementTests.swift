import Diagnostics
import FuzzKit
import Manifests
import MeshSnapshot
import Testing

/// What is said of routes and listeners against a reading that compares each route with each listener.
private struct NaiveReading {
    /// What an error is of, and where.
    struct Finding: Equatable {
        let code: Diagnostic.Code
        let position: SourcePosition
        /// Of an error about two routes of it.
        var listener: String?
    }

    let file: ManifestFile
    let isNew: (SourcePosition) -> Bool

    private var gateways: [Gateway] { named(Gateway.self) }

    /// In the order of names.
    private func named<Value: Resource>(_ type: Value.Type) -> [Value] {
        file.resources.compactMap { $0 as? Value }.sorted { $0.metadata.name < $1.metadata.name }
    }

    // MARK: ParentRefs

    var ofParents: [Finding] {
        file.resources.compactMap { $0 as? any Route }.flatMap { route in
            route.parentRefs.compactMap { parent in
                gateways.first { $0.metadata.name == parent.name.value }.flatMap { finding(route, parent, $0) }
            }
        }
    }

    private func finding(_ route: any Route, _ parent: ParentRef, _ gateway: Gateway) -> Finding? {
        let selected = gateway.listeners.filter { parent.selects($0, of: gateway.metadata.name) }
        let fitting = selected.filter { type(of: route).listenerProtocols.contains($0.protocol) }
        if selected.isEmpty {
            let isKnown = gateway.listeners.contains { $0.name.value == parent.sectionName?.value }
            let section = isKnown ? nil : parent.sectionName?.position
            return (section ?? parent.port?.position).map { Finding(code: .unknownListener, position: $0) }
        }
        if fitting.isEmpty {
            return Finding(
                code: .wrongProtocol,
                position: parent.sectionName?.position ?? parent.port?.position ?? parent.name.position)
        }
        let isServed = fitting.contains { listener in
            route.hostnames.contains { $0.value.intersects(listener.hostname?.value) }
        }
        guard let first = route.hostnames.first, !isServed else { return nil }
        return Finding(code: .routeWithoutHost, position: first.position)
    }

    // MARK: Conflicts

    var conflicts: [Finding] {
        gateways.flatMap { gateway in
            gateway.listeners.flatMap { listener -> [Finding] in
                switch listener.protocol {
                case .http, .https: mixed(gateway, listener)
                case .tcp: connections(gateway, listener)
                case .tls: serverNames(gateway, listener)
                }
            }
        }
    }

    private func attached<Value: Route>(
        _ type: Value.Type, _ gateway: Gateway, _ listener: GatewayListener
    ) -> [Value] {
        let routes = named(type).filter { $0.parentRefs.contains { $0.selects(listener, of: gateway.metadata.name) } }
        return routes.filter { !isNew($0.metadata.position) } + routes.filter { isNew($0.metadata.position) }
    }

    private func finding(
        _ route: some Route, _ hostname: Int?, _ gateway: Gateway, _ listener: GatewayListener
    ) -> Finding {
        let parent = route.parentRefs.first { $0.selects(listener, of: gateway.metadata.name) }
        let hostname = hostname.flatMap { route.hostnames.isEmpty ? nil : route.hostnames[$0].position }
        return Finding(
            code: .conflictingRoutes, position: hostname ?? parent?.name.position ?? route.metadata.position,
            listener: listener.name.value)
    }

    private func mixed(_ gateway: Gateway, _ listener: GatewayListener) -> [Finding] {
        let https = attached(HTTPRoute.self, gateway, listener).sorted { $0.metadata.name < $1.metadata.name }
        let grpcs = attached(GRPCRoute.self, gateway, listener).sorted { $0.metadata.name < $1.metadata.name }
        let areOthersAtFault =
            https.contains { isNew($0.metadata.position) } && !grpcs.contains { isNew($0.metadata.position) }
        return areOthersAtFault
            ? sharing(https, with: grpcs, gateway, listener) : sharing(grpcs, with: https, gateway, listener)
    }

    private func sharing(
        _ routes: [some Route], with former: [some Route], _ gateway: Gateway, _ listener: GatewayListener
    ) -> [Finding] {
        func isShared(_ hostname: HostnamePattern?) -> Bool {
            former.contains { other in
                other.hostnames.isEmpty
                    || other.hostnames.contains {
                        $0.value.intersects(listener.hostname?.value) && $0.value.intersects(hostname)
                    }
            }
        }
        return routes.compactMap { route -> Finding? in
            let hostnames: [HostnamePattern?] = route.hostnames.isEmpty ? [nil] : route.hostnames.map(\.value)
            let first = hostnames.firstIndex { hostname in
                hostname?.intersects(listener.hostname?.value) ?? true && isShared(hostname)
            }
            return first.map { finding(route, $0, gateway, listener) }
        }
    }

    private func connections(_ gateway: Gateway, _ listener: GatewayListener) -> [Finding] {
        attached(TCPRoute.self, gateway, listener).dropFirst().map { finding($0, nil, gateway, listener) }
    }

    private func serverNames(_ gateway: Gateway, _ listener: GatewayListener) -> [Finding] {
        var owners: [HostnamePattern?: ResourceName] = [:]
        return attached(TLSRoute.self, gateway, listener).compactMap { route -> Finding? in
            let hostnames: [HostnamePattern?] = route.hostnames.isEmpty ? [nil] : route.hostnames.map(\.value)
            for (number, hostname) in hostnames.enumerated() {
                if let owner = owners[hostname], owner != route.metadata.name {
                    return finding(route, number, gateway, listener)
                }
                owners[hostname] = route.metadata.name
            }
            return nil
        }
    }
}

private func resource(_ kind: String, _ name: String, _ spec: String) -> String {
    "---\napiVersion: heddle/v1\nkind: \(kind)\nmetadata: {name: \(name)}\nspec: {\(spec)}\n"
}

/// Gateways and routes out of words so few that they meet all the time.
private struct RandomRoutes {
    var random: SplitMix64

    mutating func yaml() -> String {
        let services =
            service("calls", "protocol: GRPC, endpoints: [{address: \"192.0.2.1:80\"}]")
            + service("db", "protocol: TCP, endpoints: [{address: \"192.0.2.1:81\"}]")
        let gateways = ["edge", "side"].map { name in
            let listeners = list(upTo: 5, from: 1) { random, number in random.listener(number) }
            return resource("Gateway", name, "listeners: [\(listeners)]")
        }
        let routes = (0..<Int.random(in: 0...8, using: &random)).map { number in
            let kind = pick(["HTTPRoute", "HTTPRoute", "GRPCRoute", "GRPCRoute", "TCPRoute", "TLSRoute"])
            let parents = list(upTo: 3, from: 1) { random, _ in random.parent() }
            let hostnames = kind == "TCPRoute" ? "" : list(upTo: 2) { random, _ in random.hostname() }
            let backend = kind == "TCPRoute" || kind == "TLSRoute" ? "db" : "calls"
            return resource(
                kind, "r\(number)",
                "parentRefs: [\(parents)]" + (hostnames.isEmpty ? "" : ", hostnames: [\(hostnames)]")
                    + ", rules: [{backendRefs: [{name: \(backend)}]}]")
        }
        return services + gateways.joined() + routes.joined()
    }

    private mutating func list(
        upTo most: Int, from least: Int = 0, _ item: (inout RandomRoutes, Int) -> String
    ) -> String {
        let count = Int.random(in: least...most, using: &random)
        var items: [String] = []
        for number in 0..<count { items.append(item(&self, number)) }
        return items.joined(separator: ", ")
    }

    private mutating func listener(_ number: Int) -> String {
        let rest = pick([
            "protocol: HTTP", "protocol: HTTP", "protocol: HTTP, hostname: \"*.a.com\"",
            "protocol: HTTP, hostname: a.com", "protocol: TCP", "protocol: TLS, tls: {mode: Passthrough}",
            "protocol: TLS, tls: {mode: Passthrough}, hostname: \"*.com\"",
        ])
        let port = pick(["80", "81", "82"])
        return "{name: l\(number), port: \(port), \(rest)}"
    }

    private mutating func parent() -> String {
        let gateway = pick(["edge", "edge", "side"])
        let section = pick(["", ", sectionName: l0", ", sectionName: l1", ", sectionName: l2", ", sectionName: x"])
        let port = pick(["", "", ", port: 80", ", port: 81"])
        return "{name: \(gateway)\(section)\(port)}"
    }

    private mutating func hostname() -> String {
        pick(["a.com", "x.a.com", "y.a.com", "b.org", "\"*.a.com\"", "\"*.com\"", "\"*.x.a.com\""])
    }

    mutating func pick<Word>(_ words: [Word]) -> Word { words[Int.random(in: 0..<words.count, using: &random)] }
}

@Suite struct AgreementTests {
    /// What a check says of some codes, in its order.
    private func findings(_ resolution: Resolution, _ codes: Set<Diagnostic.Code>) -> [NaiveReading.Finding] {
        resolution.diagnostics.filter { codes.contains($0.code) }.map { diagnostic in
            let text = diagnostic.found + diagnostic.expected
            let rest = text.split(separator: "listener \"").dropFirst().last
            return NaiveReading.Finding(
                code: diagnostic.code, position: diagnostic.position,
                listener: diagnostic.code == .conflictingRoutes ? rest.map { String($0.prefix { $0 != "\"" }) } : nil)
        }
    }

    /// In the order of a check's.
    private func sorted(_ findings: [NaiveReading.Finding]) -> [NaiveReading.Finding] {
        findings.enumerated().sorted {
            ($0.element.position, $0.offset) < ($1.element.position, $1.offset)
        }.map(\.element)
    }

    @Test func `routes and listeners meet as a reading that compares each with each says`() {
        var generator = RandomRoutes(random: SplitMix64(seed: 0x4EDD_1E03))
        var ofParents = 0
        var conflicts = 0
        for _ in 0..<600 {
            let yaml = generator.yaml()
            let file = ManifestDecoder.decode(Array(yaml.utf8), path: "mesh.yaml")
            let news = Set(
                file.resources.map(\.metadata.position).filter { _ in generator.pick([false, false, true]) })
            let resolution = Resolution([file], node: nil) { news.contains($0) }
            let naive = NaiveReading(file: file) { news.contains($0) }
            #expect(findings(resolution, [.conflictingRoutes]) == sorted(naive.conflicts), "\(yaml)")
            let codes: Set<Diagnostic.Code> = [.unknownListener, .wrongProtocol, .routeWithoutHost]
            let said = findings(resolution, codes)
            let expected = naive.ofParents
            #expect(said.count == expected.count && said.allSatisfy { expected.contains($0) }, "\(yaml)")
            ofParents += expected.count
            conflicts += naive.conflicts.count
        }
        // Samples that all end alike would prove little.
        #expect(ofParents > 600 && conflicts > 100)
    }
}
