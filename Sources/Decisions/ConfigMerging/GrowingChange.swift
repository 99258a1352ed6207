import ConfigValues

/// A change of a tree to which paths are added, one after the other: many, where many texts refer to what changed.
struct GrowingChange {
    private final class Node {
        var isWhole = false
        var children: [Key: Node] = [:]

        var change: TreeChange {
            if isWhole { return .whole }
            let keys = children.map { (key: $0.key.text, change: $0.value.change) }
            return .keys(keys.sorted { ConfigMap.isOrdered($0.key, $1.key) })
        }
    }

    private struct Key: Hashable {
        let text: String

        static func == (left: Self, right: Self) -> Bool { left.text.hasSameBytes(as: right.text) }

        func hash(into hasher: inout Hasher) { text.hashBytes(into: &hasher) }
    }

    private let base: TreeChange?
    private let root = Node()
    private var isAdded = false

    init(_ base: TreeChange?) { self.base = base }

    mutating func add(_ path: ConfigPath) {
        isAdded = true
        var node = root
        for key in path.keys {
            let next = node.children[Key(text: key)] ?? Node()
            node.children[Key(text: key)] = next
            node = next
        }
        node.isWhole = true
    }

    func touches(_ path: ConfigPath) -> Bool {
        if let base, base.touches(path) { return true }
        guard isAdded else { return false }
        var node = root
        for key in path.keys {
            if node.isWhole { return true }
            guard let next = node.children[Key(text: key)] else { return false }
            node = next
        }
        return true
    }

    /// All of it.
    var change: TreeChange? { isAdded ? .union(base, root.change) : base }
}
