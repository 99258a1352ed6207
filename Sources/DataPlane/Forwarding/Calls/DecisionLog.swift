package import Authorization
package import CallPlanning
package import CommonValues
import HTTPSemantics
package import Manifests

/// A call that was refused, kept for `heddle explain --decision ID`.
package struct DecisionRecord: Sendable {
    /// The call's `x-request-id`.
    package let id: String
    package let generation: UInt64
    package let time: UnixTime
    package let caller: String?
    /// `nil`: it was refused before its service was looked for.
    package let service: ResourceName?
    package let method: String
    package let host: String
    package let path: String
    /// Those that are no secrets, as far as there is room for them.
    package let fields: [(name: String, value: String)]
    /// Names of fields that are not kept, or not whole.
    package let withheld: [String]
    package let isAllowed: Bool
    /// The rule that decided; `nil`: the default action.
    package let rule: RuleName?
    /// What of a resource was asked for, where Heddle itself answers for it.
    package var place: ResourcePlace?
    /// No rule was asked: the process that made the call is no workload.
    package var processRefusal: ProcessRefusal?
}

/// The latest refused calls of one worker: strangers can make as many as they like, so that what is kept of each, and of all, is
/// bounded.
struct DecisionLog {
    /// Records kept by each worker, of those that rules refused: 512.
    static let capacity = 512
    /// Bytes of all of them, as `DecisionCopy` counts them: 1 MiB.
    static let byteLimit = 1024 * 1024
    /// Records kept by each worker of those whom nobody knows, processes that are no workloads and callers without an identity: 128 of each.
    /// A quarter, and apart: they put out nothing of callers that are known.
    static let strangerCapacity = capacity / 4

    let capacity: Int
    let byteLimit: Int

    private var records: [DecisionRecord] = []
    private var sizes: [Int] = []
    /// Where the next one goes, which is where the oldest stands once all places are taken.
    private var next = 0
    private var count = 0
    private(set) var byteCount = 0

    /// - Parameter capacity: Records that are kept; they have as large a share of `byteLimit`.
    init(capacity: Int = Self.capacity) {
        self.capacity = capacity
        byteLimit = Self.byteLimit / Self.capacity * capacity
    }

    mutating func add(_ record: DecisionRecord, byteCount size: Int) {
        while count > 0, count == capacity || byteCount + size > byteLimit { dropOldest() }
        if records.count < capacity, next == records.count {
            records.append(record)
            sizes.append(size)
        } else {
            records[next] = record
            sizes[next] = size
        }
        next = (next + 1) % capacity
        count += 1
        byteCount += size
    }

    private mutating func dropOldest() {
        let oldest = (next + capacity - count) % capacity
        byteCount -= sizes[oldest]
        count -= 1
        // Nothing of it stays.
        records[oldest] = .empty
        sizes[oldest] = 0
    }

    /// From the oldest to the latest.
    var all: [DecisionRecord] {
        (0..<count).map { records[(next + capacity - count + $0) % capacity] }
    }
}

extension DecisionRecord {
    fileprivate static let empty = DecisionRecord(
        id: "", generation: 0, time: UnixTime(seconds: 0), caller: nil,
        service: ResourceName(namespace: "", name: ""), method: "", host: "", path: "", fields: [], withheld: [],
        isAllowed: false, rule: nil)
}

/// What is kept of a request that was refused: enough to see why, and no secret.
struct DecisionCopy {
    /// Bytes of a value, or of a path: 512.
    static let valueByteLimit = 512
    /// Bytes of all names and values: 8 KiB.
    static let byteLimit = 8 * 1024

    private(set) var fields: [(name: String, value: String)] = []
    private(set) var withheld: [String] = []
    /// Its `x-request-id`. One that is longer than a value may be is asked for by nobody.
    let id: String
    let method: String
    let host: String
    let path: String
    private(set) var byteCount: Int

    init(of head: borrowing MessageHead) {
        id = head.value(of: .requestID).map { head.text($0.prefix(Self.valueByteLimit)) } ?? ""
        method = head.text(head.method)
        host = head.text(head.host)
        path = head.text(head.path.prefix(Self.valueByteLimit))
        byteCount = id.utf8.count + method.utf8.count + host.utf8.count + path.utf8.count
        for index in 0..<head.fieldCount {
            let field = head.fields[index]
            guard byteCount < Self.byteLimit else { break }
            let name = head.text(field.name.prefix(Self.valueByteLimit))
            byteCount += name.utf8.count
            let isSecret = Self.isSecret(head.bytes(field.name), field.known)
            if isSecret || Int(field.value.count) > Self.valueByteLimit {
                withheld.append(name)
            } else {
                let value = head.text(field.value)
                byteCount += value.utf8.count
                fields.append((name, value))
            }
        }
    }

    /// By its name: credentials, and what stands for them. One too many that is taken for a secret costs a line of an
    /// explanation; one too few costs the secret.
    static func isSecret(_ name: Span<UInt8>, _ known: KnownField) -> Bool {
        switch known {
        case .authorization, .proxyAuthorization, .cookie: return true
        case .other: break
        default: return false
        }
        for word in words where contains(name, word) { return true }
        return false
    }

    private static let words: [StaticString] = [
        "auth", "cookie", "token", "secret", "passw", "key", "credential", "session", "jwt", "signature", "assertion",
    ]

    private static func contains(_ name: Span<UInt8>, _ word: StaticString) -> Bool {
        let word = word.bytes
        guard name.count >= word.count else { return false }
        for start in 0...(name.count - word.count)
        where ASCII.equal(name.extracting(start..<(start + word.count)), word) { return true }
        return false
    }
}

extension ByteRange {
    /// Its first bytes.
    func prefix(_ limit: Int) -> ByteRange {
        ByteRange(offset: Int(offset), count: min(Int(count), limit))
    }
}

extension Exchange {
    /// Keeps what is said of a call that was refused.
    /// - Parameter place: What the program is for; `nil`: the service.
    func note(
        _ decision: Decision, by program: AuthorizationProgram, of service: ResourceName, at place: ResourcePlace? = nil
    ) {
        let copy = DecisionCopy(of: request)
        var record = DecisionRecord(
            id: copy.id, generation: board.view.generation,
            time: .now, caller: state.plan.caller.map { "\($0.id)" }, service: service, method: copy.method,
            host: copy.host,
            path: copy.path, fields: copy.fields, withheld: copy.withheld, isAllowed: decision.isAllowed,
            rule: decision.rule.map {
                RuleName(policy: program.policies[Int($0.policy)].name, index: Int($0.index))
            })
        record.place = place
        if record.caller == nil {
            board.strangerRefusals.add(record, byteCount: copy.byteCount)
        } else {
            board.decisions.add(record, byteCount: copy.byteCount)
        }
    }

    /// Keeps what is said of a call whose process is no workload.
    func note(_ refusal: ProcessRefusal) {
        let copy = DecisionCopy(of: request)
        let record = DecisionRecord(
            id: copy.id, generation: board.view.generation, time: .now, caller: state.plan.caller.map { "\($0.id)" },
            service: state.plan.service?.name, method: copy.method, host: copy.host, path: copy.path,
            fields: copy.fields, withheld: copy.withheld, isAllowed: false, rule: nil, processRefusal: refusal)
        board.processRefusals.add(record, byteCount: copy.byteCount + refusal.byteCount)
    }
}
