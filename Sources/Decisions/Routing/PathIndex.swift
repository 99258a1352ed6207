import HTTPSemantics
import Manifests

/// The matches of each path, exact or prefix, as tries of whole segments; one trie for each set of routes that share a
/// host, each under a root of its own.
struct PathIndex: Sendable {
    private struct Node: Sendable {
        /// In `lists`; 0 is the empty list.
        var exact: Int32 = 0
        var prefix: Int32 = 0
        /// Bytes of the path from its beginning to this node.
        var byteCount: Int32 = 0
    }

    private var trie = SegmentTrie()
    private var nodes: [Node] = []
    private var lists: [CandidateIndex.List] = []
    private var candidates: CandidateIndex

    /// Collects the matches before their order is known.
    struct Builder {
        private var trie = SegmentTrie()
        private var nodes: [Node] = []
        private var listCount: Int32 = 1
        private var entries: [(list: Int32, precedence: UInt64, match: Int32)] = []

        mutating func addRoot() -> Int32 {
            let root = trie.addRoot()
            nodes.append(Node())
            return root
        }

        /// - Parameter precedence: Among the matches of the same path: the lowest is tried first.
        mutating func insert(_ match: Int32, at path: HTTPRouteMatch.Path, under root: Int32, precedence: UInt64) {
            switch path {
            case .exact(let text):
                let node = node(of: Array(text.utf8), under: root)
                if nodes[node].exact == 0 { nodes[node].exact = newList() }
                entries.append((nodes[node].exact, precedence, match))
            case .prefix(let text):
                var bytes = Array(text.utf8)
                while bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
                let node = node(of: bytes, under: root)
                if nodes[node].prefix == 0 { nodes[node].prefix = newList() }
                entries.append((nodes[node].prefix, precedence, match))
            case .grpcMethod(let method):
                insert(match, at: MethodCondition.compile(method).path, under: root, precedence: precedence)
            }
        }

        private mutating func newList() -> Int32 {
            defer { listCount += 1 }
            return listCount
        }

        private mutating func node(of path: [UInt8], under root: Int32) -> Int {
            var node = root
            var start = 1
            while start <= path.count {
                let end = path[start...].firstIndex(of: UInt8(ascii: "/")) ?? path.count
                node = trie.addChild(of: node, path.span.extracting(start..<end))
                if Int(node) == nodes.count { nodes.append(Node(byteCount: Int32(end))) }
                start = end + 1
            }
            return Int(node)
        }

        consuming func finish(_ conditions: MatchConditions) -> PathIndex {
            entries.sort { ($0.list, $0.precedence) < ($1.list, $1.precedence) }
            var ordered = [[Int32]](repeating: [], count: Int(listCount))
            for entry in entries { ordered[Int(entry.list)].append(entry.match) }
            var lists: [CandidateIndex.List] = []
            let candidates = CandidateIndex(ordered, of: conditions, made: &lists)
            return PathIndex(trie: trie, nodes: nodes, lists: lists, candidates: candidates)
        }
    }

    private init(trie: SegmentTrie, nodes: [Node], lists: [CandidateIndex.List], candidates: CandidateIndex) {
        self.trie = trie
        self.nodes = nodes
        self.lists = lists
        self.candidates = candidates
    }

    struct Found {
        /// Of `MatchConditions`.
        let match: Int32
        let prefixByteCount: Int
        let isExact: Bool
    }

    /// The match that a request belongs to: of an exact path first, then of the longest prefix.
    func first(
        under root: Int32, _ head: borrowing MessageHead, _ conditions: borrowing MatchConditions
    ) -> Found? {
        var (node, isWhole) = deepestNode(of: head.bytes(head.path), under: root)
        if isWhole, nodes[Int(node)].exact != 0 {
            let list = nodes[Int(node)].exact
            if let match = candidates.first(of: lists[Int(list)], number: Int(list), head, conditions) {
                return Found(match: match, prefixByteCount: Int(head.path.count), isExact: true)
            }
        }
        while true {
            let list = nodes[Int(node)].prefix
            if list != 0, let match = candidates.first(of: lists[Int(list)], number: Int(list), head, conditions) {
                return Found(match: match, prefixByteCount: Int(nodes[Int(node)].byteCount), isExact: false)
            }
            let parent = trie.parents[Int(node)]
            guard parent != node else { return nil }
            node = parent
        }
    }

    /// The node of the most of a path's segments, and whether these are all. A slash at the path's end is an empty segment
    /// of its own. What does not begin with `/` (`*`, the nothing of `CONNECT`) is at the root: the prefix `/` matches it.
    private func deepestNode(of path: Span<UInt8>, under root: Int32) -> (node: Int32, isWhole: Bool) {
        guard !path.isEmpty, path[0] == UInt8(ascii: "/") else { return (root, false) }
        var node = root
        var start = 1
        while true {
            var end = start
            while end < path.count, path[end] != UInt8(ascii: "/") { end += 1 }
            guard let child = trie.child(of: node, path, start..<end) else { return (node, false) }
            node = child
            if end == path.count { return (node, true) }
            start = end + 1
        }
    }

    /// Every match of a path under a root, in the order in which they are looked at, with the bytes of the path it covers.
    /// For people: does not stop at the first that holds.
    func all(under root: Int32, path: Span<UInt8>) -> [Found] {
        var (node, isWhole) = deepestNode(of: path, under: root)
        var found: [Found] = []
        if isWhole {
            let byteCount = path.count
            found += candidates.all(of: lists[Int(nodes[Int(node)].exact)]).map {
                Found(match: $0, prefixByteCount: byteCount, isExact: true)
            }
        }
        while true {
            let byteCount = Int(nodes[Int(node)].byteCount)
            found += candidates.all(of: lists[Int(nodes[Int(node)].prefix)]).map {
                Found(match: $0, prefixByteCount: byteCount, isExact: false)
            }
            let parent = trie.parents[Int(node)]
            guard parent != node else { return found }
            node = parent
        }
    }
}
