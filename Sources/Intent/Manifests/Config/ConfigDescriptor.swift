package import Diagnostics

extension Config {
    /// Of references: those that are read.
    static let sourcesField = "sources"

    package var references: [Reference] {
        sources.map { Reference(Self.sourcesField, to: .configSource, $0, .unknownConfigSource) }
            + projections.flatMap(\.references)
    }

    package var files: [String] {
        guard case .file(let path)? = schema else { return [] }
        return [path.value]
    }

    static let descriptor = KindDescriptor(
        Config.self, short: ["cfg"], decode: Config.init,
        columns: [
            Column("SOURCES") { config in
                config.sources.map { $0.value.text(in: config.metadata.name.namespace) }.joined(separator: ",")
            },
            Column("SCHEMA") { config in
                switch config.schema {
                case .inline?: "inline"
                case .file(let path)?: path.value
                case nil: ""
                }
            },
            Column("POLICIES") { config, set in String(config.policies(in: set).count) },
            Column("FILES") { String($0.projections.count) },
            Column("PINNED") { $0.pinnedRevision.map { String($0.value.prefix(12)) } ?? "" },
        ],
        sections: { config, set in
            [
                DescriptionSection(
                    key: "policies", name: "Policies",
                    lines: config.policies(in: set)
                        .map { "\($0.effect) \($0.metadata.name) (\($0.metadata.position))" })
            ]
        },
        mistakes: { set in ProjectionMistakes.of(set[Config.self].all, in: set) })

    private func policies(in set: ResourceSet) -> [AuthorizationPolicy] {
        set[AuthorizationPolicy.self].within(metadata.name.namespace)
            .filter { $0.targets(Self.kind, metadata.name) }
    }
}

extension ConfigProjection {
    fileprivate var references: [Reference] {
        let workload = Reference("project", to: .workload, workload, .unknownWorkload)
        guard case .call(let service, _)? = onChange else { return [workload] }
        return [workload, Reference("project", to: .service, service, .unknownService)]
    }
}

extension Diagnostic.Code {
    /// A policy names a Config that is not there.
    package static let unknownConfig = Self("manifest.unknown-config")
    /// Two projections that would write the same file.
    package static let projectionTaken = Self("manifest.projection-taken")
}
