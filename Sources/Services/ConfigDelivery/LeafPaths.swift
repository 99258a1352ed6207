import ConfigMerging
package import ConfigValues

/// Which paths a reader must be allowed to read for each value: its own, and those that references and fallbacks made it of.
package struct LeafPaths: Sendable, Equatable {
    /// By path: those beside the path itself. Only where there are any.
    private let others: [ConfigPath: [ConfigPath]]

    init(_ evaluated: EvaluatedConfig) {
        guard evaluated.hasCopies else {
            others = [:]
            return
        }
        var others: [ConfigPath: [ConfigPath]] = [:]
        evaluated.value.forEachLeaf { path, _ in
            let behind = evaluated.paths(behind: path).filter { $0 != path }
            if !behind.isEmpty { others[path] = behind }
        }
        self.others = others
    }

    package func behind(_ path: ConfigPath) -> [ConfigPath] { others[path] ?? [] }
}

extension EvaluatedConfig {
    /// Whether any value may be made of others.
    fileprivate var hasCopies: Bool {
        !recipe.fallbacks.isEmpty
            || (recipe.layers + [recipe.defaults].compactMap { $0 }).contains { $0.tree?.holdsReference ?? false }
    }
}

extension ConfigValue {
    fileprivate var holdsReference: Bool {
        switch content {
        case .string(let text): text.contains("${")
        case .list(let items): items.contains(where: \.holdsReference)
        case .map(let map): map.entries.contains { $0.value.holdsReference }
        case .null, .boolean, .number: false
        }
    }

    /// All that is judged by itself: scalars, maps with nothing in them, and lists, with all that is in them.
    func forEachLeaf(_ body: (ConfigPath, ConfigValue) -> Void) { forEachLeaf(at: .root, body) }

    private func forEachLeaf(at path: ConfigPath, _ body: (ConfigPath, ConfigValue) -> Void) {
        switch content {
        case .map(let map) where !map.isEmpty:
            for entry in map.entries { entry.value.forEachLeaf(at: path.appending(entry.key), body) }
        case .list(let items):
            body(path, self)
            for index in items.indices { items[index].forEachLeaf(at: path.appending(String(index)), body) }
        default: body(path, self)
        }
    }
}
