package import ConfigValues

/// What a layer says of a path.
package struct LayerStatement: Sendable {
    package enum Kind: Sendable {
        case value(ConfigValue)
        /// Null, there or above: it removes what lower layers have.
        case removal
        /// A list, a scalar or a reference above, that has nothing there: it takes the place of what lower layers have.
        case replacement
    }

    package let kind: Kind
    /// Where it is said; its layer is the one that says it.
    package let origin: ValueOrigin
    /// The path itself or, of removals and replacements, one above it.
    package let path: ConfigPath
}

/// All that layers say of one path, from the lowest to the highest.
struct LayerHistory {
    /// What counts: one value, or all the maps or lists that it was merged from; none: nothing is there.
    private(set) var given: [LayerStatement] = []
    /// What does not, since something higher removes it or takes its place.
    private(set) var overridden: [LayerStatement] = []

    /// - Parameter merged: What the layers of the recipe were merged to.
    init(of path: ConfigPath, in recipe: ConfigRecipe, merged: ConfigValue) {
        var walk = Walk(recipe, merged)
        for key in path.keys { walk.descend(to: key) }
        let statements = walk.statements
        guard let last = statements.last, case .value(let value) = last.kind else {
            overridden = statements
            return
        }
        // Lists replace each other with all that is in them.
        let isMerged = !walk.endsInList && (value.map != nil || value.list != nil && walk.endsKeyed)
        let parts = isMerged ? statements.reversed().prefix { $0.shape == value.shape }.count : 1
        given = Array(statements.suffix(parts))
        overridden = statements.dropLast(parts)
    }

    /// The layers at one path after the other, from the root on.
    fileprivate struct Walk {
        /// One layer.
        struct Thread {
            /// What is there; `nil`: it was removed or replaced on the way.
            var value: ConfigValue?
            var statement: LayerStatement
            /// The list on the way that takes the place of all below it.
            var list: LayerStatement?
            /// How lists are merged there.
            var keys: MergeKeys.Node?
        }

        private var threads: [Thread]
        private var path = ConfigPath.root
        private var merged: ConfigValue?

        init(_ recipe: ConfigRecipe, _ merged: ConfigValue) {
            self.merged = merged
            threads = recipe.stack.compactMap(\.tree).map { tree in
                Thread(
                    value: tree, statement: LayerStatement(kind: .value(tree), origin: tree.origin, path: .root),
                    keys: recipe.mergeKeys.root)
            }
        }

        mutating func descend(to key: String) {
            let next = path.appending(key)
            let item = merged?.child(key)
            threads = threads.compactMap { $0.descended(from: path, to: next, key, item) }
            merged = item
            path = next
        }

        /// Whether the highest layer has the place in a list that is not merged.
        var endsInList: Bool { threads.last?.list != nil }

        /// Whether a list that the highest layer has there is merged.
        var endsKeyed: Bool { threads.last?.keys?.key != nil }

        /// Without what ends nothing, as no lower layer has anything there: save null that stands there itself.
        var statements: [LayerStatement] {
            var isAnything = false
            return threads.map(\.statement).filter { statement in
                if case .value = statement.kind {
                    isAnything = true
                    return true
                }
                return isAnything || statement.path == path
            }
        }
    }
}

extension LayerHistory.Walk.Thread {
    /// - Parameter item: What was merged there: which item of a list with a merge key it is, its index does not say in a layer's own list.
    /// - Returns: `nil`: the layer has nothing there, and that is all.
    fileprivate func descended(
        from path: ConfigPath, to next: ConfigPath, _ key: String, _ item: ConfigValue?
    ) -> Self? {
        guard let value else { return self }
        var thread = self
        switch value.content {
        case .map(let map):
            thread.value = map[key]
            thread.keys = keys?.child(key)
            if case .null? = thread.value?.content { return ended(.removal, thread.value ?? value, at: next) }
        case .list(let items):
            if let mergeKey = keys?.key {
                guard let name = item?.map?[mergeKey] else { return nil }
                thread.value = items.first { $0.map?[mergeKey] == name }
            } else {
                thread.keys = nil
                thread.list = list ?? LayerStatement(kind: .replacement, origin: value.origin, path: path)
                thread.value = value.child(key)
            }
        case .null, .boolean, .number, .string:
            guard list == nil else { break }
            return ended(.replacement, value, at: path)
        }
        guard let found = thread.value, value.map != nil || value.list != nil else {
            return thread.list.map { Self(value: nil, statement: $0) }
        }
        thread.statement = LayerStatement(kind: .value(found), origin: found.origin, path: next)
        return thread
    }

    private func ended(_ kind: LayerStatement.Kind, _ by: ConfigValue, at path: ConfigPath) -> Self {
        Self(value: nil, statement: LayerStatement(kind: kind, origin: by.origin, path: path))
    }
}

extension LayerStatement {
    /// `nil`: it is no value.
    fileprivate var shape: ConfigValue.Shape? {
        if case .value(let value) = kind { value.shape } else { nil }
    }
}
