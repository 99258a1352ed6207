import Diagnostics
package import LocalAttestation

/// Manifests to begin with: what listens on a host, each as a service that nobody may call yet.
package struct FirstMesh {
    package struct File: Hashable, Sendable {
        package let name: String
        package let text: String
    }

    /// The Mesh, the Node if there is one, then a file for each service.
    package let files: [File]
    /// What was found, a line for each service.
    package let summary: [String]
    /// Ports that there was no room for.
    package let leftOut: Int

    /// Services of one mesh that anybody would read.
    package static let serviceLimit = 2_000
    /// Where workloads send their calls to, from here on.
    private static let firstOutbound = 15_101

    /// - Parameters:
    ///   - node: The Node that this host is to be; `nil`: it is a mesh of its own.
    ///   - user: A user's name, by number; `nil`: it has none.
    package init(of ports: [OpenPort], node: FirstNode? = nil, user: (UInt32) -> String?) {
        let services = FoundService.all(ports, limit: Self.serviceLimit)
        leftOut = max(0, Set(ports.map(\.port)).subtracting(services.map(\.port)).count)
        let taken = Set(ports.map(\.port))
        var outbounds = Self.outbounds(past: taken)[...]
        let nodePort = node.map { $0.outboundPort(past: taken) }
        // One process has one place to send its calls to.
        var callers: [FoundService.Owner: String] = [:]
        var files = [File(name: "mesh.yaml", text: Self.mesh)]
        if let node { files.append(File(name: "node.yaml", text: node.text(past: taken))) }
        var summary: [String] = []
        for service in services {
            let account = user(service.owner.uid)
            let calls: ServiceText.Calls =
                if let other = callers[service.owner] {
                    .sameAs(other)
                } else if let nodePort {
                    .node(nodePort)
                } else {
                    outbounds.popFirst().map(ServiceText.Calls.port) ?? .nowhere
                }
            if service.owner.isTold, callers[service.owner] == nil, calls != .nowhere {
                callers[service.owner] = service.name
            }
            let text = ServiceText(service, user: account, node: node?.name, calls: calls)
            files.append(File(name: "\(service.name).yaml", text: text.text))
            summary.append("\(service.name): \(ServiceText.described(service, user: account))")
        }
        self.files = files
        self.summary = summary
    }

    /// Ports that nobody has.
    private static func outbounds(past taken: Set<UInt16>) -> [UInt16] {
        (firstOutbound...32_767).compactMap { UInt16(exactly: $0) }.filter { !taken.contains($0) }
    }

    private static let mesh = """
        # Made by "heddle init". Every call is denied until a rule allows it; see "heddle check" and "heddle explain".
        apiVersion: heddle/v1
        kind: Mesh
        metadata:
          name: mesh
        spec:
          # Whose identities these are: spiffe://mesh.local/ns/NAMESPACE/sa/ACCOUNT. The same on every node.
          trustDomain: mesh.local
          authorization:
            # What becomes of a call that no AuthorizationPolicy decides.
            defaultAction: Deny
          identity:
            # A Workload that calls says which processes it is, and the kernel is asked whose calls they are.
            requireSelectors: true

        """
}
