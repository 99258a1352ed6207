import HTTPSemantics

/// The matches that share a host and a path, in their precedence. A short list is tried one by one. In a long one, each
/// match that asks for a header, a query parameter or a gRPC method is found by the hash of the rarest of these it asks
/// for, so that the cost follows the request's fields and not the number of matches.
struct CandidateIndex: Sendable {
    /// Lists up to this long are tried one by one.
    static let linearCount = 8

    /// A list of candidates.
    struct List: Sendable {
        /// All of it, in `ordered`.
        let all: Range<Int>
        /// Those that are tried one by one, in `plain`; the others are in buckets. `nil`: all are.
        let plain: Range<Int>?
    }

    private struct Candidate {
        /// Of `MatchConditions`.
        let match: Int32
        /// Where it stands in its list.
        let rank: Int32
    }

    private struct Bucket {
        let hash: UInt64
        /// In `bucketed`.
        let start: Int32
        var count: Int32
    }

    /// Every list, one after the other: matches of `MatchConditions`.
    private var ordered: [Int32] = []
    /// Of long lists, those that ask for none of these.
    private var plain: [Candidate] = []
    private var bucketed: [Candidate] = []
    /// Open addressing; a `count` of 0 where empty; a power of two, at most half of them taken.
    private var buckets: [Bucket] = []

    /// Takes the lists of all nodes, each in its precedence.
    init(_ lists: [[Int32]], of conditions: MatchConditions, made: inout [List]) {
        var keyed: [(hash: UInt64, rank: Int32, match: Int32)] = []
        made.reserveCapacity(lists.count)
        for (number, list) in lists.enumerated() {
            let all = ordered.count..<(ordered.count + list.count)
            ordered += list
            guard list.count > Self.linearCount else {
                made.append(List(all: all, plain: nil))
                continue
            }
            let plainStart = plain.count
            var frequencies: [UInt64: Int] = [:]
            for match in list {
                for hash in conditions.pairHashes(match, list: number) { frequencies[hash, default: 0] += 1 }
            }
            var plainMethods: Set<[UInt8]> = []
            for (rank, match) in list.enumerated() {
                let hashes = conditions.pairHashes(match, list: number)
                if let rarest = hashes.min(by: { frequencies[$0, default: 0] < frequencies[$1, default: 0] }) {
                    keyed.append((rarest, Int32(rank), match))
                } else if conditions.matches[Int(match)].methodCondition != nil
                    || plainMethods.insert(conditions.method(of: match)).inserted
                {
                    // One that asks for the same HTTP method and nothing else comes too late to ever be the first.
                    plain.append(Candidate(match: match, rank: Int32(rank)))
                }
            }
            made.append(List(all: all, plain: plainStart..<plain.count))
        }
        keyed.sort { ($0.hash, $0.rank) < ($1.hash, $1.rank) }
        fillBuckets(keyed)
    }

    private mutating func fillBuckets(_ keyed: [(hash: UInt64, rank: Int32, match: Int32)]) {
        guard !keyed.isEmpty else { return }
        var size = 16
        while size < keyed.count * 2 { size *= 2 }
        buckets = [Bucket](repeating: Bucket(hash: 0, start: 0, count: 0), count: size)
        var slot = 0
        for (index, entry) in keyed.enumerated() {
            bucketed.append(Candidate(match: entry.match, rank: entry.rank))
            if index > 0, keyed[index - 1].hash == entry.hash {
                buckets[slot].count += 1
                continue
            }
            slot = Int(truncatingIfNeeded: entry.hash) & (size - 1)
            while buckets[slot].count > 0 { slot = (slot + 1) & (size - 1) }
            buckets[slot] = Bucket(hash: entry.hash, start: Int32(index), count: 1)
        }
    }

    /// The first match of a list that holds.
    /// - Parameter number: Which list it is; part of its hashes.
    func first(
        of list: List, number: Int, _ head: borrowing MessageHead, _ conditions: borrowing MatchConditions
    ) -> Int32? {
        guard let plainPositions = list.plain else {
            for position in list.all where conditions.mismatch(ordered[position], head) == nil {
                return ordered[position]
            }
            return nil
        }
        var best: Candidate?
        for position in plainPositions where conditions.mismatch(plain[position].match, head) == nil {
            best = plain[position]
            break
        }
        for index in head.fields.indices {
            let field = head.fields[index]
            let hash = PairHash.header(
                list: number, known: field.known, name: head.bytes(field.name), value: head.bytes(field.value))
            improve(&best, with: hash, head, conditions)
        }
        if !conditions.methodConditions.isEmpty {
            let path = head.bytes(head.path)
            if let slash = MethodCondition.separator(in: path) {
                let hash = PairHash.grpcMethod(list: number, path.extracting((slash + 1)..<path.count))
                improve(&best, with: hash, head, conditions)
            }
        }
        guard head.hasQuery else { return best?.match }
        let query = head.bytes(head.query)
        var position = 0
        while let parameter = QueryParameters.next(in: query, from: &position) {
            let hash = PairHash.queryParam(list: number, query, name: parameter.name, value: parameter.value)
            improve(&best, with: hash, head, conditions)
        }
        return best?.match
    }

    /// A list's matches in their precedence, for people.
    func all(of list: List) -> ArraySlice<Int32> { ordered[list.all] }

    /// Takes the first match of a bucket that holds, if it comes before the best so far.
    private func improve(
        _ best: inout Candidate?, with hash: UInt64, _ head: borrowing MessageHead,
        _ conditions: borrowing MatchConditions
    ) {
        guard let bucket = bucket(hash) else { return }
        let bestRank = best?.rank ?? .max
        for position in Int(bucket.start)..<Int(bucket.start + bucket.count) {
            guard bucketed[position].rank < bestRank else { return }
            if conditions.mismatch(bucketed[position].match, head) == nil {
                best = bucketed[position]
                return
            }
        }
    }

    private func bucket(_ hash: UInt64) -> Bucket? {
        guard !buckets.isEmpty else { return nil }
        var slot = Int(truncatingIfNeeded: hash) & (buckets.count - 1)
        while buckets[slot].count > 0 {
            if buckets[slot].hash == hash { return buckets[slot] }
            slot = (slot + 1) & (buckets.count - 1)
        }
        return nil
    }
}

/// The hash of a name and value as a list's buckets know them.
private enum PairHash {
    static func header(list: Int, known: KnownField, name: Span<UInt8>, value: Span<UInt8>) -> UInt64 {
        var hash = ByteHash()
        hash.add(UInt64(list) << 1)
        hash.add(known.rawValue)
        if known == .other {
            for index in name.indices { hash.add(name[index]) }
            hash.add(UInt64(name.count))
        }
        for index in value.indices { hash.add(value[index]) }
        hash.add(UInt64(value.count))
        return hash.value
    }

    static func grpcMethod(list: Int, _ method: Span<UInt8>) -> UInt64 {
        var hash = ByteHash()
        hash.add(UInt64(list) << 1)
        hash.add(UInt64.max)  // no header field's
        for index in method.indices { hash.add(method[index]) }
        hash.add(UInt64(method.count))
        return hash.value
    }

    /// Of the decoded name and value.
    static func queryParam(list: Int, _ query: Span<UInt8>, name: Range<Int>, value: Range<Int>) -> UInt64 {
        var hash = ByteHash()
        hash.add(UInt64(list) << 1 | 1)
        addDecoded(query, name, to: &hash)
        addDecoded(query, value, to: &hash)
        return hash.value
    }

    private static func addDecoded(_ bytes: Span<UInt8>, _ range: Range<Int>, to hash: inout ByteHash) {
        var rest = range
        var count: UInt64 = 0
        while !rest.isEmpty {
            hash.add(QueryParameters.nextDecoded(bytes, &rest))
            count += 1
        }
        hash.add(count)
    }
}

extension MatchConditions {
    fileprivate func method(of match: Int32) -> [UInt8] { Array(text[matches[Int(match)].method.bounds]) }

    /// The hashes of all pairs that a match asks for.
    fileprivate func pairHashes(_ match: Int32, list: Int) -> [UInt64] {
        let match = matches[Int(match)]
        var hashes: [UInt64] = []
        for index in match.headers {
            let field = fields[Int(index)]
            hashes.append(
                PairHash.header(
                    list: list, known: field.known, name: text.span.extracting(field.name.bounds),
                    value: text.span.extracting(field.value.bounds)))
        }
        for index in match.queryParams {
            var hash = ByteHash()
            hash.add(UInt64(list) << 1 | 1)
            let field = fields[Int(index)]
            for byte in text[field.name.bounds] { hash.add(byte) }
            hash.add(UInt64(field.name.count))
            for byte in text[field.value.bounds] { hash.add(byte) }
            hash.add(UInt64(field.value.count))
            hashes.append(hash.value)
        }
        if let condition = match.methodCondition, case .exact(let method) = methodConditions[Int(condition)].method {
            hashes.append(PairHash.grpcMethod(list: list, method.span))
        }
        return hashes
    }
}
