import Diagnostics

/// What is wrong with files that are kept as configs are, beside the workloads they are for and each other.
enum ProjectionMistakes {
    static func of(_ configs: [Config], in set: ResourceSet) -> [Diagnostic] {
        let all = configs.flatMap { config in config.projections.map { (config: config, projection: $0) } }
        let workloads = set[Workload.self]
        return all.flatMap { item in
            (workloads[item.projection.workload.value].map { mistakes(item.projection, of: $0) } ?? [])
                + uncallable(item.projection, set[Service.self])
        } + taken(all, workloads)
    }

    private static func mistakes(_ projection: ConfigProjection, of workload: Workload) -> [Diagnostic] {
        var found: [Diagnostic] = []
        let name = Diagnostic.quoted("\(workload.metadata.name)")
        if projection.owner == nil, workload.soleUser == nil {
            found.append(
                Diagnostic(
                    .missingField, at: projection.path.position,
                    found: "a file without \"owner\", for Workload \(name), whose selectors do not all name one user",
                    expected: "the user that the file is to belong to", remedy: "add owner"))
        }
        if case .signalProcess(_, let file)? = projection.onChange, workload.selectors.isEmpty {
            found.append(
                Diagnostic(
                    .conflictingFields, at: file.position,
                    found: "pidFile, with Workload \(name), which has no selectors",
                    expected: "selectors, which the process must match to get a signal: any number can stand in a file",
                    remedy: "add selectors to the Workload, or name the unit"))
        }
        return found
    }

    /// A Service that no POST can be sent to.
    private static func uncallable(_ projection: ConfigProjection, _ services: ResourceList<Service>) -> [Diagnostic] {
        guard case .call(let name, _)? = projection.onChange, let service = services[name.value],
            service.protocol == .tcp || service.protocol == .grpc
        else { return [] }
        return [
            Diagnostic(
                .conflictingFields, at: name.position,
                found: "Service \(Diagnostic.quoted("\(name.value)")), of protocol \(service.protocol.rawValue)",
                expected: "a Service of protocol HTTP or HTTP2, which a POST can be sent to",
                remedy: "name another Service, or send a signal")
        ]
    }

    /// Two on one node with the same path.
    private static func taken(
        _ all: [(config: Config, projection: ConfigProjection)], _ workloads: ResourceList<Workload>
    ) -> [Diagnostic] {
        var writers = Writers()
        return all.compactMap { config, projection in
            let path = projection.path
            let node = workloads[projection.workload.value]?.node?.value
            let writer = Writers.Writer(config: config.metadata.name, position: path.position)
            // Within one Config it is told as it is read.
            guard let other = writers.add(writer, of: path.value, on: node), other.config != writer.config else {
                return nil
            }
            return Diagnostic(
                .projectionTaken, at: path.position, found: Diagnostic.quoted(path.value),
                expected: "a file that no other Config writes on the same node",
                remedy: "choose another path: Config \(other.config) writes it, at \(other.position)")
        }
    }

    /// Who writes which file first: on a node, and on any.
    private struct Writers {
        struct Writer {
            let config: ResourceName
            let position: SourcePosition
        }

        private struct Place: Hashable {
            let path: String
            let node: String?
        }

        private var byPlace: [Place: Writer] = [:]
        private var byPath: [String: Writer] = [:]

        /// - Parameter node: `nil`: on all that there are.
        /// - Returns: Who else writes it there.
        mutating func add(_ writer: Writer, of path: String, on node: String?) -> Writer? {
            let place = Place(path: path, node: node)
            let other =
                byPlace[place] ?? (node == nil ? byPath[path] : byPlace[Place(path: path, node: nil)])
            if byPlace[place] == nil { byPlace[place] = writer }
            if byPath[path] == nil { byPath[path] = writer }
            return other
        }
    }
}

extension Workload {
    /// The user that whatever process it is runs as.
    package var soleUser: UserReference? {
        let users = Set(
            selectors.map { selector in
                selector.user.map { UserReference.name($0) } ?? selector.uid.map { UserReference.number($0) }
            })
        return users.count == 1 ? users.first.flatMap { $0 } : nil
    }
}
