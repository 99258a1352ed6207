import ConfigMerging
package import ConfigValues

/// Which paths a reader must be allowed to read for each value: its own, and those that references and fallbacks made it of, or looked at for it.
package struct LeafPaths: Sendable, Equatable {
    /// By path: those beside the path itself. Only where there are any.
    private let others: [ConfigPath: [ConfigPath]]
    /// Where nothing stands these say why.
    private let trials: [FallbackTrial]

    init(_ evaluated: EvaluatedConfig) {
        trials = evaluated.trials
        guard evaluated.hasDependencies else {
            others = [:]
            return
        }
        var others: [ConfigPath: [ConfigPath]] = [:]
        evaluated.value.forEachLeaf { path in
            let behind = evaluated.paths(behind: path).filter { $0 != path }
            if !behind.isEmpty { others[path] = behind }
        }
        self.others = others
    }

    package func behind(_ path: ConfigPath) -> [ConfigPath] { others[path] ?? [] }
}
