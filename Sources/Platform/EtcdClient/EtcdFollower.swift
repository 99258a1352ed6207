package import HTTPTransfers
import Synchronization

/// Follows what lies below a prefix of etcd: all of it once, then each change, as it was at one revision after the other.
///
/// Whenever the connection ends, all is read anew, and the watch goes on from that revision. So neither compaction nor a store that
/// was wiped, which keeps its name and may be further by now, can hide a change. A member that has lost its cluster says so
/// (`hasleader`). One that says nothing at all is found out by asking every 10 s what was changed last.
package final class EtcdFollower: Sendable {
    private struct State {
        /// Grows with each new beginning: what comes of an earlier one is nobody's any more.
        var course = 0
        var endpoint = 0
        var token: String?
        var prefix: EtcdPrefix
        var transfers: [Transfer] = []
        /// When all had been read in this course. The first failure after it is no reason yet to call etcd away.
        var currentSince: ContinuousClock.Instant?
        var pause = EtcdFollower.shortestPause
        var isStopped = false
    }

    private static let shortestPause = Duration.milliseconds(100)
    private static let longestPause = Duration.seconds(5)
    /// A course that lasted as long was no failure from its beginning: the next one begins at once.
    private static let steadyTime = Duration.seconds(1)
    /// Between two looks whether the watch has told all.
    private static let lookInterval = Duration.seconds(10)

    private let access: EtcdAccess
    private let prefix: [UInt8]
    private let loop: TransferLoop
    private let tell: @Sendable (EtcdNews) -> Void
    private let state: Mutex<State>

    /// - Parameters:
    ///   - prefix: Of keys, as bytes; none: all of them.
    ///   - tell: On the loop's thread, one thing after the other.
    package init(
        _ prefix: [UInt8], of access: EtcdAccess, on loop: TransferLoop, tell: @escaping @Sendable (EtcdNews) -> Void
    ) {
        self.access = access
        self.prefix = prefix
        state = Mutex(State(prefix: EtcdPrefix(below: prefix)))
        self.loop = loop
        self.tell = tell
        loop.perform(after: .zero) { [self] in begin() }
    }

    /// Nothing is told any more, once what is being told now is over.
    package func stop() {
        let transfers = state.withLock { state in
            state.isStopped = true
            state.course += 1
            return state.transfers
        }
        for transfer in transfers { transfer.cancel() }
    }

    // MARK: One course

    private func begin() {
        let (course, former) = state.withLock { state in
            state.course += 1
            (state.token, state.currentSince) = (nil, nil)
            state.prefix = EtcdPrefix(below: prefix)
            defer { state.transfers = [] }
            return (state.isStopped ? nil : state.course, state.transfers)
        }
        for transfer in former { transfer.cancel() }
        guard let course else { return }
        guard let user = access.user else { return readPage(from: prefix, in: course) }
        guard let password = user.password(), let question = EtcdMessage.authenticate(user.name, password) else {
            return fail("the password's file cannot be read", in: course)
        }
        ask(EtcdMessage.authenticatePath, question, in: course) { [self] answer in
            guard let token = answer.text("token") else {
                return fail(EtcdPrefix.Mistake.notUnderstood.text, in: course)
            }
            state.withLock { $0.token = token }
            readPage(from: prefix, in: course)
        }
    }

    private func readPage(from start: [UInt8], in course: Int) {
        let revision = state.withLock { $0.prefix.entries.revision }
        let question = EtcdMessage.range(
            from: start.isEmpty ? [0] : start, below: prefix, revision: revision, limit: EtcdPrefix.pageLimit)
        ask(EtcdMessage.rangePath, question, in: course) { [self] answer in
            do throws(EtcdPrefix.Mistake) {
                switch try state.withLock({ state throws(EtcdPrefix.Mistake) in try state.prefix.take(page: answer) }) {
                case .next(let key): readPage(from: key, in: course)
                case .last:
                    let entries = state.withLock { state in
                        state.currentSince = .now
                        return state.prefix.entries
                    }
                    tell(.entries(entries))
                    watch(from: entries.revision + 1, in: course)
                    lookLater(in: course)
                }
            } catch {
                fail(error.text, in: course)
            }
        }
    }

    private func watch(from revision: Int64, in course: Int) {
        var request = request(EtcdMessage.watchPath, EtcdMessage.watch(below: prefix, from: revision))
        request.totalTime = nil
        request.fields.append(("grpc-metadata-hasleader", "true"))
        start(
            request,
            EtcdLines { [self] line in
                guard let answer = EtcdAnswer(line) else {
                    return fail(EtcdPrefix.Mistake.notUnderstood.text, in: course)
                }
                do throws(EtcdPrefix.Mistake) {
                    let entries = try state.withLock { state throws(EtcdPrefix.Mistake) -> EtcdEntries? in
                        guard state.course == course else { return nil }
                        return try state.prefix.take(watch: answer) ? state.prefix.entries : nil
                    }
                    if let entries { tell(.entries(entries)) }
                } catch {
                    fail(error.text, in: course)
                }
            } ended: { [self] failure in
                fail(failure ?? "it ended the watch", in: course)
            }, in: course)
    }

    /// Finds out what the watch keeps back.
    private func lookLater(in course: Int) {
        loop.perform(after: Self.lookInterval) { [self] in
            guard state.withLock({ $0.course == course }) else { return }
            ask(EtcdMessage.rangePath, EtcdMessage.newest(below: prefix), in: course) { [self] answer in
                do throws(EtcdPrefix.Mistake) {
                    let isCurrent = try state.withLock { state throws(EtcdPrefix.Mistake) in
                        try state.prefix.isCurrent(answer)
                    }
                    // What was changed since it was asked, the watch may tell in a moment: it is asked twice.
                    isCurrent ? lookLater(in: course) : lookAgain(in: course)
                } catch {
                    fail(error.text, in: course)
                }
            }
        }
    }

    private func lookAgain(in course: Int) {
        let known = state.withLock { $0.prefix.entries.revision }
        loop.perform(after: .seconds(1)) { [self] in
            let isSilent = state.withLock { $0.course == course && $0.prefix.entries.revision == known }
            isSilent ? fail("its watch tells nothing of what has changed", in: course) : lookLater(in: course)
        }
    }

    /// - Parameter course: An earlier one's failure is no news.
    private func fail(_ reason: String, in course: Int) {
        let (isNews, pause) = state.withLock { state -> (Bool, Duration?) in
            guard state.course == course, !state.isStopped else { return (false, nil) }
            // Nothing more of this course counts, though it is not yet known how it goes on.
            state.course += 1
            state.endpoint = (state.endpoint + 1) % access.endpoints.count
            if let since = state.currentSince, since + Self.steadyTime < .now {
                state.pause = Self.shortestPause
                return (false, .zero)
            }
            defer { state.pause = min(state.pause * 2, Self.longestPause) }
            return (state.currentSince == nil, state.pause)
        }
        guard let pause else { return }
        if isNews { tell(.away(reason)) }
        // Not all at once, where many hosts have lost the same etcd.
        loop.perform(after: pause * Double.random(in: 0.5...1)) { [self] in begin() }
    }

    // MARK: Questions

    private func request(_ path: String, _ body: [UInt8]) -> TransferRequest {
        let (endpoint, token) = state.withLock { (access.endpoints[$0.endpoint], $0.token) }
        var request = TransferRequest(endpoint + path)
        request.method = "POST"
        request.fields = [("content-type", "application/json"), ("expect", "")]
        if let token { request.fields.append(("authorization", token)) }
        request.body = body
        request.trust = access.trust
        request.totalTime = .seconds(5)
        return request
    }

    private func start(_ request: TransferRequest, _ receiver: any TransferReceiver, in course: Int) {
        let transfer = loop.start(request, for: receiver)
        let isOver = state.withLock { state in
            if state.course == course { state.transfers.append(transfer) }
            return state.course != course
        }
        if isOver { transfer.cancel() }
    }

    private func ask(
        _ path: String, _ body: [UInt8], in course: Int, then take: @escaping @Sendable (EtcdAnswer) -> Void
    ) {
        start(
            request(path, body),
            WholeAnswer(limit: EtcdAnswer.byteLimit) { [self] outcome in
                guard state.withLock({ $0.course == course }) else { return }
                switch outcome {
                case .failed(let failure): fail(failure.description, in: course)
                case .tooLarge: fail(EtcdPrefix.Mistake.tooLarge.text, in: course)
                case .answer(let head, let bytes):
                    let answer = EtcdAnswer(bytes)
                    guard head.status == 200, let answer else {
                        return fail(
                            answer?.problem ?? "status \(head.status), and no message of etcd's", in: course)
                    }
                    take(answer)
                }
            }, in: course)
    }
}
