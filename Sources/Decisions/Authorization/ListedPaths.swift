import Manifests

/// The `paths` of one operation, to ask whether they take a path that another of them leaves out. Made once an operation:
/// an answer takes time in proportion to the path that is asked for, not to the paths that are listed.
struct ListedPaths {
    /// Beginnings of templates that fit one path and are followed together. Templates with `{*}` and with names in the
    /// same places can double them with each segment. Past it a path counts as taken: no warning is given.
    static let maximumReadings = 64

    /// What templates have after the same beginning.
    private struct Node {
        var next: [PathPattern.Segment: Int] = [:]
        /// A template ends here.
        var isEnd = false
        /// A template has its `{**}` here.
        var isRest = false
    }

    private var takesAll = false
    private var exact: Set<String> = []
    /// In byte order; none is a prefix of another, so that only the last one not after a text can be its prefix.
    private var prefixes: [[UInt8]] = []
    /// The first is the root.
    private var nodes = [Node()]

    init(_ patterns: some Sequence<PathPattern>) {
        var prefixes: [[UInt8]] = []
        for pattern in patterns {
            switch pattern {
            case .string(.present): takesAll = true
            case .string(.exact(let text)): exact.insert(text)
            case .string(.prefix(let text)): prefixes.append(Array(text.utf8))
            case .string(.suffix): break
            case .template(let segments, let matchesRest): add(segments, matchesRest: matchesRest)
            }
        }
        for prefix in prefixes.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            if let last = self.prefixes.last, prefix.starts(with: last) { continue }
            self.prefixes.append(prefix)
        }
    }

    private mutating func add(_ segments: [PathPattern.Segment], matchesRest: Bool) {
        var node = 0
        for segment in segments {
            if let next = nodes[node].next[segment] {
                node = next
            } else {
                nodes[node].next[segment] = nodes.count
                node = nodes.count
                nodes.append(Node())
            }
        }
        if matchesRest { nodes[node].isRest = true } else { nodes[node].isEnd = true }
    }

    /// Whether every path of a template without `{**}` is one of these, as far as the texts show it.
    func takes(_ base: [PathPattern.Segment]) -> Bool {
        takesAll || exact.contains(base.text) || hasPrefix(of: base) || hasTemplate(for: base)
    }

    private func hasPrefix(of base: [PathPattern.Segment]) -> Bool {
        guard !prefixes.isEmpty else { return false }
        let names = base.prefix { $0 != .any }
        // What `{*}` stands for comes after a slash.
        let start = Array((names.text + (names.count == base.count ? "" : "/")).utf8)
        var (low, high) = (0, prefixes.count)
        while low < high {
            let middle = (low + high) / 2
            if start.lexicographicallyPrecedes(prefixes[middle]) { high = middle } else { low = middle + 1 }
        }
        return low > 0 && start.starts(with: prefixes[low - 1])
    }

    private func hasTemplate(for base: [PathPattern.Segment]) -> Bool {
        var readings = [0]
        for segment in base {
            if readings.contains(where: { nodes[$0].isRest }) { return true }
            readings = readings.flatMap { nodes[$0].next.taking(segment) }
            if readings.count > Self.maximumReadings { return true }
        }
        return readings.contains { nodes[$0].isEnd }
    }
}

extension [PathPattern.Segment: Int] {
    /// What follows a segment that takes all that this one takes.
    fileprivate func taking(_ segment: PathPattern.Segment) -> [Int] {
        let any = self[.any]
        let same = segment == .any ? nil : self[segment]
        return [any, same].compactMap(\.self)
    }
}

extension Collection<PathPattern.Segment> {
    /// As people write them.
    var text: String {
        map { segment -> String in
            switch segment {
            case .literal(let text): "/\(text)"
            case .any: "/{*}"
            }
        }.joined()
    }
}
