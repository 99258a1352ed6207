import Authorization
import SPIFFE

/// The identities of a worker's callers, each made once: a node has many connections of few callers.
struct KnownCallers {
    private var callers: [SPIFFEID: Caller] = [:]

    /// Callers kept. Beyond it all are forgotten; connections keep theirs.
    private static let limit = 1024

    mutating func caller(_ id: SPIFFEID) -> Caller {
        if let known = callers[id] { return known }
        if callers.count >= Self.limit { callers.removeAll() }
        let caller = Caller(id)
        callers[id] = caller
        return caller
    }
}
