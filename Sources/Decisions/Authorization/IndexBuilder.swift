/// The keys that clauses are filed under, by dimension.
struct ClauseKeys {
    /// What a branch can tell clauses apart by.
    enum Dimension: Hashable {
        case caller, path, host, method, serverName
        case header(UInt32)
    }

    /// A dimension's keys, clause after clause.
    struct Column {
        var clauses: [Int32] = []
        /// Where each of `clauses`' keys end in `keys`.
        var ends: [Int32] = []
        var keys: [IndexKey] = []
    }

    /// More dimensions would make the index slower to build than it makes decisions fast; rules that ask for further
    /// header fields are found by their other attributes.
    static let headerLimit = 8

    private(set) var columns: [Dimension: Column] = [:]
    private var clause: Int32 = -1
    private var headerCount = 0

    mutating func beginClause() { clause += 1 }

    /// - Parameter keys: `nil`: the clause does not ask for anything that the dimension could look up. A second call for
    ///   one dimension of a clause changes nothing: either set of keys finds the clause.
    mutating func add(_ dimension: Dimension, _ keys: [IndexKey]?) {
        guard let keys else { return }
        if case .header = dimension, columns[dimension] == nil {
            guard headerCount < Self.headerLimit else { return }
            headerCount += 1
        }
        columns[dimension, default: Column()].add(keys, of: clause)
    }
}

extension ClauseKeys.Column {
    fileprivate mutating func add(_ added: [IndexKey], of clause: Int32) {
        guard clauses.last != clause else { return }
        clauses.append(clause)
        keys.append(contentsOf: added)
        ends.append(Int32(keys.count))
    }
}

/// Builds the tree that `walk(below:)` takes.
struct IndexBuilder {
    /// A leaf this short is read faster than a branch is taken.
    static let leafSize = 3

    private(set) var nodes: [IndexNode] = []
    private(set) var probes: [IndexProbe] = []
    private(set) var probeLengths: [UInt32] = []
    private(set) var candidates: [Int32] = []
    private var entries: [IndexEntry] = []

    /// One dimension's keys, found by clause.
    private struct Dimension {
        /// Where each clause's keys begin, one more than there are clauses; a clause without keys is in `isFiled` false.
        var starts: [Int32]
        var isFiled: [Bool]
        var keys: [IndexKey]
    }

    private struct Filing {
        let hash: UInt64
        let clause: Int32
        let key: Int32
    }

    private let dimensions: [Dimension]
    /// Bounds the memory of an index whose rules have many values in several dimensions: past it, leaves stay long.
    private var entryBudget: Int

    init(_ keys: ClauseKeys, clauseCount: Int, for callProtocol: CallProtocol) {
        var dimensions: [Dimension] = []
        var keyCount = 0
        for (name, column) in keys.columns.sorted(by: { $0.key.order < $1.key.order }) {
            // A DENY that asks for HTTP matches TCP without it, so it must not be filed under what TCP lacks.
            guard callProtocol == .http || !name.isOfHTTP else { continue }
            dimensions.append(Self.dimension(column, clauseCount: clauseCount))
            keyCount += column.keys.count
        }
        self.dimensions = dimensions
        entryBudget = 4 * keyCount + 1024
    }

    /// Entries for a table with open addressing: a power of two, at least half of them free.
    func table() -> [IndexEntry] {
        var capacity = 2
        while capacity < entries.count * 2 { capacity *= 2 }
        var table = [IndexEntry](repeating: .free, count: capacity)
        for entry in entries {
            var slot = Int(truncatingIfNeeded: entry.key) & (capacity - 1)
            while table[slot].node != IndexNode.none { slot = (slot + 1) & (capacity - 1) }
            table[slot] = entry
        }
        return table
    }

    /// - Parameter clauses: ascending.
    /// - Returns: the node that leads to them.
    mutating func add(_ clauses: [Int32]) -> Int32 {
        add(clauses[...], among: Array(dimensions.indices))
    }

    private mutating func add(_ clauses: ArraySlice<Int32>, among open: [Int]) -> Int32 {
        guard clauses.count > Self.leafSize, let choice = choose(for: clauses, among: open) else {
            return addLeaf(clauses)
        }
        entryBudget -= choice.filings.count
        let node = Int32(nodes.count)
        nodes.append(IndexNode(clauses: .empty, probes: .empty, residual: IndexNode.none))
        let rest = open.filter { $0 != choice.dimension }
        let branchProbes = addProbes(choice)
        var start = 0
        while start < choice.filings.count {
            var end = start
            var bucket: [Int32] = []
            while end < choice.filings.count, choice.filings[end].hash == choice.filings[start].hash {
                if bucket.last != choice.filings[end].clause { bucket.append(choice.filings[end].clause) }
                end += 1
            }
            let child = add(bucket[...], among: rest)
            entries.append(IndexEntry(key: IndexKey.hash(choice.filings[start].hash, below: node), node: child))
            start = end
        }
        let residual = choice.residual.isEmpty ? IndexNode.none : add(choice.residual[...], among: rest)
        nodes[Int(node)] = IndexNode(clauses: .empty, probes: branchProbes, residual: residual)
        return node
    }

    private mutating func addLeaf(_ clauses: ArraySlice<Int32>) -> Int32 {
        nodes.append(
            IndexNode(
                clauses: TableRange(candidates.count, clauses.count), probes: .empty, residual: IndexNode.none))
        candidates.append(contentsOf: clauses)
        return Int32(nodes.count - 1)
    }

    private struct Choice {
        let dimension: Int
        /// By hash, then by clause.
        let filings: [Filing]
        let residual: [Int32]
    }

    /// The dimension that leaves the fewest clauses to a call that finds a bucket; `nil` if none is worth a branch.
    private func choose(for clauses: ArraySlice<Int32>, among open: [Int]) -> Choice? {
        var best: Choice?
        // A branch has to leave out at least a quarter.
        var bestCost = Double(clauses.count) * 0.75
        for index in open {
            let dimension = dimensions[index]
            var filings: [Filing] = []
            var residual: [Int32] = []
            for clause in clauses {
                guard dimension.isFiled[Int(clause)] else {
                    residual.append(clause)
                    continue
                }
                for key in dimension.starts[Int(clause)]..<dimension.starts[Int(clause) + 1] {
                    filings.append(Filing(hash: dimension.keys[Int(key)].hash, clause: clause, key: key))
                }
            }
            guard !filings.isEmpty, filings.count <= entryBudget, Double(residual.count) < bestCost else { continue }
            filings.sort { ($0.hash, $0.clause) < ($1.hash, $1.clause) }
            let cost = Double(residual.count) + Self.expectedBucket(filings)
            if cost < bestCost {
                bestCost = cost
                best = Choice(dimension: index, filings: filings, residual: residual)
            }
        }
        return best
    }

    /// How many clauses share a key with one picked at random.
    private static func expectedBucket(_ filings: [Filing]) -> Double {
        var squares = 0.0
        var run = 0.0
        for index in filings.indices {
            run = index > 0 && filings[index].hash == filings[index - 1].hash ? run + 1 : 1
            squares += 2 * run - 1
        }
        return squares / Double(filings.count)
    }

    private mutating func addProbes(_ choice: Choice) -> TableRange {
        struct Group: Hashable {
            let attribute: Attribute
            let headerName: UInt32
        }
        var hasExact: [Group: Bool] = [:]
        var prefixes: [Group: Set<UInt32>] = [:]
        var suffixes: [Group: Set<UInt32>] = [:]
        var order: [Group] = []
        for filing in choice.filings {
            let key = dimensions[choice.dimension].keys[Int(filing.key)]
            let group = Group(attribute: key.attribute, headerName: key.headerName)
            if hasExact[group] == nil {
                hasExact[group] = false
                order.append(group)
            }
            switch key.kind {
            case .exact: hasExact[group] = true
            case .prefix: prefixes[group, default: []].insert(key.length)
            case .suffix: suffixes[group, default: []].insert(key.length)
            }
        }
        let start = probes.count
        for group in order {
            let prefixLengths = addLengths(prefixes[group] ?? [])
            probes.append(
                IndexProbe(
                    attribute: group.attribute, headerName: group.headerName, hasExact: hasExact[group] ?? false,
                    prefixLengths: prefixLengths, suffixLengths: addLengths(suffixes[group] ?? [])))
        }
        return TableRange(start, probes.count - start)
    }

    private mutating func addLengths(_ lengths: Set<UInt32>) -> TableRange {
        let range = TableRange(probeLengths.count, lengths.count)
        probeLengths.append(contentsOf: lengths.sorted())
        return range
    }

    private static func dimension(_ column: ClauseKeys.Column, clauseCount: Int) -> Dimension {
        var starts: [Int32] = []
        starts.reserveCapacity(clauseCount + 1)
        var isFiled = [Bool](repeating: false, count: clauseCount)
        var next = 0
        var end: Int32 = 0
        for clause in 0..<clauseCount {
            starts.append(end)
            if next < column.clauses.count, Int(column.clauses[next]) == clause {
                isFiled[clause] = true
                end = column.ends[next]
                next += 1
            }
        }
        starts.append(end)
        return Dimension(starts: starts, isFiled: isFiled, keys: column.keys)
    }
}

extension ClauseKeys.Dimension {
    fileprivate var isOfHTTP: Bool {
        switch self {
        case .caller, .serverName: false
        case .path, .host, .method, .header: true
        }
    }

    /// Which of two dimensions that serve equally well is taken.
    fileprivate var order: Int {
        switch self {
        case .caller: 0
        case .path: 1
        case .host: 2
        case .serverName: 3
        case .method: 4
        case .header(let index): 5 + Int(index)
        }
    }
}
