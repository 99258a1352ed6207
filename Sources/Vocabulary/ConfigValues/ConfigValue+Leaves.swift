extension ConfigValue {
    /// All that is judged, and comes from somewhere, by itself: scalars, maps with nothing in them, and lists, as well as all that is in
    /// them.
    /// - Parameter path: Of the value itself.
    package func forEachLeaf(at path: ConfigPath = .root, _ body: (ConfigPath) -> Void) {
        switch content {
        case .map(let map) where !map.isEmpty:
            for entry in map.entries { entry.value.forEachLeaf(at: path.appending(entry.key), body) }
        case .list(let items):
            body(path)
            for index in items.indices { items[index].forEachLeaf(at: path.appending(String(index)), body) }
        default: body(path)
        }
    }
}
