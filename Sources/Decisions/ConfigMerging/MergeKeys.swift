package import ConfigValues

/// Lists whose items are maps that are told apart by one of their keys, and merged item by item.
///
/// A path does not name items: `servers.ports` are the ports of each server, where `servers` itself has a merge key.
package struct MergeKeys: Sendable {
    package struct Rule: Sendable, Equatable {
        package let path: ConfigPath
        package let key: String

        package init(path: ConfigPath, key: String) {
            self.path = path
            self.key = key
        }

        package static func == (left: Self, right: Self) -> Bool {
            left.path == right.path && left.key.hasSameBytes(as: right.key)
        }
    }

    struct Node: Sendable {
        fileprivate(set) var key: String?
        private var children: [(key: String, node: Node)] = []

        func child(_ key: String) -> Node? { children.first { $0.key.hasSameBytes(as: key) }?.node }

        fileprivate mutating func add(_ rule: Rule, at depth: Int) {
            guard depth < rule.path.keys.count else {
                key = rule.key
                return
            }
            let next = rule.path.keys[depth]
            let index = children.firstIndex { $0.key.hasSameBytes(as: next) } ?? children.count
            if index == children.count { children.append((next, Node())) }
            children[index].node.add(rule, at: depth + 1)
        }
    }

    package let rules: [Rule]
    let root: Node

    package init(_ rules: [Rule] = []) {
        self.rules = rules
        var root = Node()
        for rule in rules { root.add(rule, at: 0) }
        self.root = root
    }
}
