package import HTTPTransfers
import Synchronization

/// Asks etcd for one thing after the other, of whichever endpoint answers.
package final class EtcdRequests: Sendable {
    private struct State {
        var endpoint = 0
        var token: String?
    }

    package let access: EtcdAccess
    private let loop: TransferLoop
    private let state = Mutex(State())

    package init(_ access: EtcdAccess, on loop: TransferLoop) {
        self.access = access
        self.loop = loop
    }

    // MARK: What there is

    /// What a key holds now.
    /// - Returns: The entry, `nil` if there is none, and the store's revision.
    package func entry(
        of key: [UInt8]
    ) async throws(EtcdFailure) -> (entry: EtcdEntries.Entry?, revision: Int64) {
        let answer = try await ask(EtcdMessage.rangePath, EtcdMessage.key(key))
        var prefix = EtcdPrefix(below: key)
        _ = try Self.understood { () throws(EtcdPrefix.Mistake) in try prefix.take(page: answer) }
        return (prefix.entries.values[key], prefix.entries.revision)
    }

    /// All that lies below a prefix, at one revision.
    /// - Parameters:
    ///   - byteLimit: Of keys and values together.
    ///   - countLimit: Of keys.
    package func entries(
        below prefix: [UInt8], byteLimit: Int, countLimit: Int
    ) async throws(EtcdFailure) -> EtcdEntries {
        var known = EtcdPrefix(below: prefix, byteLimit: byteLimit)
        var start = prefix
        while true {
            let question = EtcdMessage.range(
                from: start, below: prefix, revision: known.entries.revision, limit: Self.pageLimit)
            let answer = try await ask(EtcdMessage.rangePath, question, time: .seconds(30))
            let page = try Self.understood { () throws(EtcdPrefix.Mistake) in try known.take(page: answer) }
            guard known.entries.values.count <= countLimit else {
                throw EtcdFailure("more than \(countLimit) keys lie there", isTooLarge: true)
            }
            switch page {
            case .last: return known.entries
            case .next(let key): start = key
            }
        }
    }

    /// The first key below a prefix from one on, as of a revision.
    package func firstKey(
        from start: [UInt8], below prefix: [UInt8], at revision: Int64
    ) async throws(EtcdFailure) -> [UInt8]? {
        let answer = try await ask(
            EtcdMessage.rangePath, EtcdMessage.first(from: start, below: prefix, revision: revision))
        guard let pair = answer.list("kvs").first else { return nil }
        guard let key = pair.bytes("key"), key.starts(with: prefix), !key.lexicographicallyPrecedes(start) else {
            throw EtcdFailure(EtcdPrefix.Mistake.notUnderstood.text)
        }
        return key
    }

    /// When a key below a prefix was changed last; 0 if there is none.
    package func newestRevision(below prefix: [UInt8]) async throws(EtcdFailure) -> Int64 {
        let answer = try await ask(EtcdMessage.rangePath, EtcdMessage.newest(below: prefix))
        return answer.list("kvs").first?.number("mod_revision") ?? 0
    }

    /// Keys of one answer: with values of 1 MiB it stays below what one answer may have.
    private static let pageLimit = 1_000

    // MARK: Changes

    /// - Returns: The revision at which all was done; `nil`: a condition did not hold, and nothing was.
    package func commit(_ transaction: EtcdTransaction) async throws(EtcdFailure) -> Int64? {
        let answer = try await ask(
            EtcdMessage.transactionPath, EtcdMessage.transaction(transaction), time: .seconds(10), isChange: true)
        guard let revision = answer["header"]?.number("revision") else {
            throw EtcdFailure(EtcdPrefix.Mistake.notUnderstood.text, isUnknown: true)
        }
        return answer.isSet("succeeded") ? revision : nil
    }

    // MARK: Questions

    private static func understood<Value>(
        _ body: () throws(EtcdPrefix.Mistake) -> Value
    ) throws(EtcdFailure) -> Value {
        do throws(EtcdPrefix.Mistake) { return try body() } catch {
            switch error {
            case .tooLarge: throw EtcdFailure(error.text, isTooLarge: true)
            case .notUnderstood, .ended: throw EtcdFailure(error.text)
            }
        }
    }

    /// Of one endpoint after the other, until one answers. A change is asked of another only where it is certain that the one
    /// before has not made it.
    private func ask(
        _ path: String, _ body: [UInt8], time: Duration = .seconds(5), isChange: Bool = false
    ) async throws(EtcdFailure) -> EtcdAnswer {
        var failure = EtcdFailure("it has no endpoint")
        for _ in access.endpoints {
            do throws(EtcdFailure) {
                return try await askOne(path, body, time)
            } catch {
                failure = error
                if isChange && error.isUnknown || error.isTooLarge { throw error }
                state.withLock { state in
                    state.endpoint = (state.endpoint + 1) % access.endpoints.count
                    state.token = nil
                }
            }
        }
        throw failure
    }

    /// A token lasts for minutes, and is another at each member that was started anew: one that is refused is asked for once more.
    private func askOne(_ path: String, _ body: [UInt8], _ time: Duration) async throws(EtcdFailure) -> EtcdAnswer {
        guard let user = access.user else { return try await send(path, body, time, token: nil) }
        if let token = state.withLock(\.token) {
            do throws(EtcdFailure) {
                return try await send(path, body, time, token: token)
            } catch {
                guard error.description.contains("auth token") else { throw error }
            }
        }
        guard let password = user.password(), let question = EtcdMessage.authenticate(user.name, password) else {
            throw EtcdFailure("the password's file cannot be read")
        }
        let answer = try await send(EtcdMessage.authenticatePath, question, .seconds(5), token: nil)
        guard let token = answer.text("token") else { throw EtcdFailure(EtcdPrefix.Mistake.notUnderstood.text) }
        state.withLock { $0.token = token }
        return try await send(path, body, time, token: token)
    }

    private func send(
        _ path: String, _ body: [UInt8], _ time: Duration, token: String?
    ) async throws(EtcdFailure) -> EtcdAnswer {
        var request = TransferRequest(access.endpoints[state.withLock(\.endpoint)] + path)
        request.method = "POST"
        request.fields = [("content-type", "application/json"), ("expect", "")]
        if let token { request.fields.append(("authorization", token)) }
        request.body = body
        request.trust = access.trust
        request.totalTime = time
        let outcome = await withCheckedContinuation { continuation in
            _ = loop.start(
                request, for: WholeAnswer(limit: EtcdAnswer.byteLimit) { continuation.resume(returning: $0) })
        }
        switch outcome {
        case .failed(let failure): throw EtcdFailure(failure.description.withoutTime, isUnknown: true)
        case .tooLarge: throw EtcdFailure("its answer is over \(EtcdAnswer.byteLimit >> 20) MiB", isTooLarge: true)
        case .answer(let head, let bytes):
            let answer = EtcdAnswer(bytes)
            guard head.status == 200, let answer else {
                let text = answer?.problem ?? "status \(head.status), and no message of etcd's"
                // 503 and 504: it may be done once it has a leader again.
                throw EtcdFailure(text, isUnknown: head.status >= 500)
            }
            return answer
        }
    }
}

extension String {
    /// Without how long it took (`after 5001 milliseconds`), as libcurl says it: what is the same each time is told once.
    fileprivate var withoutTime: String {
        guard let after = firstRange(of: " after ") else { return self }
        let rest = self[after.upperBound...].drop { $0.isNumber }
        guard rest.startIndex != after.upperBound,
            let unit = [" milliseconds", " ms"].first(where: rest.hasPrefix)
        else { return self }
        return String(self[..<after.lowerBound] + rest.dropFirst(unit.count))
    }
}
