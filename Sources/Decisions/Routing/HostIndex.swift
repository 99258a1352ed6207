import HTTPSemantics
import Manifests

/// Which of several hostname patterns a host matches, the most specific first: its exact name, then the longest wildcard,
/// then the pattern of every host. Several sets of patterns share one index, each under a root of its own.
struct HostIndex: Sendable {
    private var trie = SegmentTrie()
    /// The value of a node's exact name, -1 where there is none.
    private var exact: [Int32] = []
    /// The value of the wildcard before a node's name, -1 where there is none; a root's is that of every host.
    private var wildcard: [Int32] = []

    mutating func addRoot() -> Int32 {
        let root = trie.addRoot()
        makeRoom()
        return root
    }

    /// Gives a pattern (`nil`: every host) a value, unless it has one.
    /// - Returns: The value it has now.
    mutating func insert(_ pattern: HostnamePattern?, under root: Int32, value: () -> Int32) -> Int32 {
        switch pattern {
        case .exact(let name):
            let node = insert(name, under: root)
            if exact[node] < 0 { exact[node] = value() }
            return exact[node]
        case .wildcard(let suffix):
            let node = insert(String(suffix.dropFirst()), under: root)
            if wildcard[node] < 0 { wildcard[node] = value() }
            return wildcard[node]
        case nil:
            if wildcard[Int(root)] < 0 { wildcard[Int(root)] = value() }
            return wildcard[Int(root)]
        }
    }

    private mutating func insert(_ name: String, under root: Int32) -> Int {
        var node = root
        for label in name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).reversed() {
            node = trie.addChild(of: node, Array(label).span)
        }
        makeRoom()
        return Int(node)
    }

    private mutating func makeRoom() {
        let missing = trie.parents.count - exact.count
        exact.append(contentsOf: repeatElement(-1, count: missing))
        wildcard.append(contentsOf: repeatElement(-1, count: missing))
    }

    /// The patterns that one host matches, one after the other.
    struct Matches {
        fileprivate var node: Int32
        fileprivate var exact: Int32
        fileprivate var isAtEnd = false
    }

    func matches(_ host: Span<UInt8>, under root: Int32) -> Matches {
        var node = root
        var end = host.count
        while end > 0 {
            var start = end
            while start > 0, host[start - 1] != UInt8(ascii: ".") { start -= 1 }
            guard let child = trie.child(of: node, host, start..<end) else { return Matches(node: node, exact: -1) }
            node = child
            if start == 0 {
                // A wildcard stands for one label at least: the node's own one does not match its own name.
                return Matches(node: trie.parents[Int(node)], exact: exact[Int(node)])
            }
            end = start - 1
        }
        return Matches(node: node, exact: -1)
    }

    /// The value of the next, less specific pattern.
    func next(_ matches: inout Matches) -> Int32? {
        if matches.exact >= 0 {
            defer { matches.exact = -1 }
            return matches.exact
        }
        while !matches.isAtEnd {
            let node = matches.node
            matches.node = trie.parents[Int(node)]
            matches.isAtEnd = matches.node == node
            if wildcard[Int(node)] >= 0 { return wildcard[Int(node)] }
        }
        return nil
    }
}
