import HTTPSemantics

/// A tree that leads a call to the clauses which may match it. A branch tells clauses apart by one attribute, or by the
/// caller's four: each clause stands below the keys that it asks for, or below `residual` if it asks for none.
struct IndexNode {
    static let none: Int32 = -1

    /// Of a leaf: clauses, ascending.
    let clauses: TableRange
    /// Of a branch.
    let probes: TableRange
    /// Of a branch: the node for clauses that its attribute does not tell apart; `none` if there are none.
    let residual: Int32
}

/// How a branch looks one attribute up.
struct IndexProbe {
    let attribute: Attribute
    let headerName: UInt32
    let hasExact: Bool
    /// Lengths of the prefixes to look up, ascending.
    let prefixLengths: TableRange
    /// Lengths of the suffixes to look up, ascending.
    let suffixLengths: TableRange

    /// A hash of the whole value, made beforehand, is then all it takes.
    var isExactOnly: Bool { hasExact && prefixLengths.isEmpty && suffixLengths.isEmpty }
}

/// An entry of the hash table of all branches.
struct IndexEntry {
    var key: UInt64
    /// `IndexNode.none`: free.
    var node: Int32

    static let free = IndexEntry(key: 0, node: IndexNode.none)
}

/// What a clause is filed under.
struct IndexKey {
    enum Kind: UInt8 { case exact, prefix, suffix }

    let attribute: Attribute
    let headerName: UInt32
    let kind: Kind
    /// Bytes that the hash covers.
    let length: UInt32
    let hash: UInt64

    static func hash(_ hash: UInt64, _ attribute: Attribute, _ headerName: UInt32, _ kind: Kind) -> UInt64 {
        RollingHash.mixed(
            hash, with: UInt64(attribute.rawValue) | UInt64(kind.rawValue) << 8 | UInt64(headerName) << 16 | 1 << 40)
    }

    /// Tells the same key below different branches apart.
    static func hash(_ hash: UInt64, below node: Int32) -> UInt64 {
        RollingHash.mixed(hash, with: UInt64(UInt32(bitPattern: node)))
    }
}

extension AuthorizationProgram {
    /// Leads a search to all clauses below `node` that may match.
    func walk<Search: ClauseSearch>(
        below node: Int32, _ search: inout Search, _ head: borrowing MessageHead, _ call: borrowing CallFacts
    ) {
        let branch = nodes[Int(node)]
        search.look(at: branch.clauses, of: self, head, call)
        if branch.residual != IndexNode.none { walk(below: branch.residual, &search, head, call) }
        for index in branch.probes.indices { walk(by: probes[index], below: node, &search, head, call) }
    }

    private func walk<Search: ClauseSearch>(
        by probe: IndexProbe, below node: Int32, _ search: inout Search, _ head: borrowing MessageHead,
        _ call: borrowing CallFacts
    ) {
        switch probe.attribute {
        case .principal:
            guard let caller = call.caller else { return }
            if probe.isExactOnly {
                return walk(under: caller.principalHash, .exact, probe, node, &search, head, call)
            }
            let value = caller.principal
            descend(probe, node, value.span, &search, head, call)
        case .trustDomain:
            guard let caller = call.caller else { return }
            if probe.isExactOnly {
                return walk(under: caller.trustDomainHash, .exact, probe, node, &search, head, call)
            }
            let value = caller.trustDomain
            descend(probe, node, value.span, &search, head, call)
        case .namespace:
            guard let caller = call.caller else { return }
            if probe.isExactOnly {
                return walk(under: caller.namespaceHash, .exact, probe, node, &search, head, call)
            }
            let value = caller.namespace
            descend(probe, node, value.span, &search, head, call)
        case .serviceAccount:
            guard let caller = call.caller else { return }
            if probe.isExactOnly {
                return walk(under: caller.serviceAccountHash, .exact, probe, node, &search, head, call)
            }
            let value = caller.serviceAccount
            descend(probe, node, value.span, &search, head, call)
        case .serverName:
            descend(probe, node, call.serverNameIndication.span, &search, head, call)
        case .host:
            descend(probe, node, head.bytes(head.host), &search, head, call)
        case .method:
            descend(probe, node, head.bytes(head.method), &search, head, call)
        case .path:
            descend(probe, node, head.bytes(head.path), &search, head, call)
        case .header:
            for field in 0..<head.fieldCount where isHeader(probe.headerName, field, head) {
                descend(probe, node, head.bytes(head.fields[field].value), &search, head, call)
            }
        case .requestPrincipal, .peerAddress, .remoteAddress, .destinationAddress, .destinationPort:
            // No clause is filed under these.
            return
        }
    }

    private func descend<Search: ClauseSearch>(
        _ probe: IndexProbe, _ node: Int32, _ value: Span<UInt8>, _ search: inout Search,
        _ head: borrowing MessageHead, _ call: borrowing CallFacts
    ) {
        var hash = RollingHash.seed
        var position = 0
        for index in probe.prefixLengths.indices {
            let length = Int(probeLengths[index])
            if length > value.count { break }
            while position < length {
                hash = RollingHash.extended(hash, by: value[position])
                position &+= 1
            }
            walk(under: hash, .prefix, probe, node, &search, head, call)
        }
        if probe.hasExact {
            while position < value.count {
                hash = RollingHash.extended(hash, by: value[position])
                position &+= 1
            }
            walk(under: hash, .exact, probe, node, &search, head, call)
        }
        hash = RollingHash.seed
        position = 0
        for index in probe.suffixLengths.indices {
            let length = Int(probeLengths[index])
            if length > value.count { break }
            while position < length {
                hash = RollingHash.extended(hash, by: value[value.count &- 1 &- position])
                position &+= 1
            }
            walk(under: hash, .suffix, probe, node, &search, head, call)
        }
    }

    private func walk<Search: ClauseSearch>(
        under hash: UInt64, _ kind: IndexKey.Kind, _ probe: IndexProbe, _ node: Int32, _ search: inout Search,
        _ head: borrowing MessageHead, _ call: borrowing CallFacts
    ) {
        let key = IndexKey.hash(IndexKey.hash(hash, probe.attribute, probe.headerName, kind), below: node)
        var slot = Int(truncatingIfNeeded: key) & (entries.count &- 1)
        while entries[slot].node != IndexNode.none {
            if entries[slot].key == key { return walk(below: entries[slot].node, &search, head, call) }
            slot = (slot &+ 1) & (entries.count &- 1)
        }
    }
}
