/// What a predicate reads of a call. A field of `from` and `to` and a key of `when` that mean the same are one attribute.
enum Attribute: UInt8 {
    case principal, serviceAccount, namespace, trustDomain, requestPrincipal
    case peerAddress, remoteAddress, destinationAddress, destinationPort, serverName
    case host, method, path, header

    /// Absent on a TCP connection.
    var isOfHTTP: Bool {
        switch self {
        case .requestPrincipal, .host, .method, .path, .header: true
        case .principal, .serviceAccount, .namespace, .trustDomain: false
        case .peerAddress, .remoteAddress, .destinationAddress, .destinationPort, .serverName: false
        }
    }
}

/// A stretch of one of a program's tables.
struct TableRange: Hashable {
    let start: UInt32
    let count: UInt32

    init(_ start: Int, _ count: Int) {
        self.start = UInt32(start)
        self.count = UInt32(count)
    }

    static let empty = TableRange(0, 0)

    var isEmpty: Bool { count == 0 }
    var indices: Range<Int> { Int(start)..<(Int(start) + Int(count)) }
}

/// One field of a rule: an attribute, and the sets that its value must and must not be in.
struct Predicate {
    let attribute: Attribute
    /// Index of the field name, for `.header`.
    let headerName: UInt32
    /// None: anything will do.
    let values: SetIndex
    /// None: nothing is excluded.
    let notValues: SetIndex
}

/// Which of the sets of an attribute's kind, if any: in four bytes, where an optional takes eight of each of many.
struct SetIndex {
    static let none = SetIndex(raw: -1)
    private let raw: Int32

    private init(raw: Int32) { self.raw = raw }
    init(_ index: Int) { self.init(raw: Int32(index)) }

    var index: Int32? { raw < 0 ? nil : raw }
    var isNone: Bool { raw < 0 }
}

/// Where a predicate was written.
struct PredicateOrigin {
    enum Part { case from, to, when }

    let part: Part
    let position: Int32
}

/// A conjunction: one of the sources, and one of the operations, and all conditions. A rule is one clause, or several
/// that are ORed: one for each item of the longer of its lists, so that the index can tell the items apart.
struct Clause {
    /// Items; empty: any source.
    let sources: TableRange
    /// Items; empty: any operation.
    let operations: TableRange
    /// Predicates.
    let conditions: TableRange
    /// Index into the program's rules.
    let rule: Int32
    /// How what cannot be seen is read: as what shuts a door, or keeps one from being opened. Of AUDIT as of DENY, for one call too
    /// many that is told of does less harm than one too few.
    let isDeny: Bool
    /// Its policy has no part in decisions.
    let isObserved: Bool
}

/// A rule of a policy, and the clauses it became.
struct CompiledRule {
    let policy: Int32
    let index: Int32
    let clauses: TableRange
}
