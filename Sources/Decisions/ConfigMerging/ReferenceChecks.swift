import ConfigValues

/// A reference that stands over something else: what it leads to must be of that one's type.
struct ReferenceCheck: Sendable {
    let path: ConfigPath
    let shape: ConfigValue.Shape
    /// Of what has that type.
    let origin: ValueOrigin
}

/// All of a merged tree, by path.
struct ReferenceChecks: Sendable {
    private let checks: [ReferenceCheck]

    init(_ checks: [ReferenceCheck]) {
        self.checks = checks.sorted { ConfigPath.comparison($0.path.keys[...], $1.path.keys[...]) < 0 }
    }

    /// - Parameters:
    ///   - change: Of the layers, where it is said anew what is to be checked.
    ///   - new: What is.
    func changed(_ change: TreeChange, _ new: [ReferenceCheck]) -> ReferenceChecks {
        let isAnyGone = checks.contains { change.covers($0.path) }
        guard isAnyGone || !new.isEmpty else { return self }
        return ReferenceChecks((isAnyGone ? checks.filter { !change.covers($0.path) } : checks) + new)
    }

    subscript(path: ConfigPath) -> ReferenceCheck? {
        var (low, high) = (0, checks.count)
        while low < high {
            let middle = (low + high) / 2
            let order = ConfigPath.comparison(checks[middle].path.keys[...], path.keys[...])
            if order == 0 { return checks[middle] }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return nil
    }
}
