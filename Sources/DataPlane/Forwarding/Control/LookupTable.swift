import EventLoops
import Synchronization
import SystemInterfaces

/// What is known of a name.
package struct Resolved<Value: Hashable & Sendable>: Sendable, Hashable, ExpressibleByArrayLiteral {
    /// In the resolver's order; empty: it stands for nothing that is known.
    package var values: [Value]
    /// They are of an earlier answer: there was none since.
    package var isStale: Bool

    package init(_ values: [Value], isStale: Bool = false) {
        self.values = values
        self.isStale = isStale
    }

    package init(arrayLiteral values: Value...) { self.init(values) }
}

/// What the host's resolver says of a name.
package enum LookupAnswer<Value: Hashable & Sendable>: Sendable {
    case found([Value])
    /// There is no such name.
    case absent
    /// It does not say: what it said last still holds.
    case failed
}

/// What names stand for: addresses, or numbers of accounts. The host's resolver is asked on threads of the table's own, so that nobody
/// who reads it ever waits for a server. The last answer stays until there is another.
package final class LookupTable<Value: Hashable & Sendable>: Sendable {
    /// Names asked for at a time: a server that is slow about some must not hold up the others.
    private static var threadLimit: Int { 8 }
    /// Of these, names asked for again: they must not hold up those that nothing is known of.
    private static var repeatLimit: Int { 4 }

    private struct Entry {
        var name = Resolved<Value>([])
        /// When somebody first wanted to know.
        let wantedSince: ContinuousClock.Instant
        /// A lookup of it has ended.
        var isKnown = false
        /// A lookup of it waits, or is under way.
        var isAsked = false
    }

    private struct State {
        var entries: [String: Entry] = [:]
        /// Names to be asked for, in order: those never asked for, which somebody waits for, and the others.
        var unknown: [String] = []
        var again: [String] = []
        var threadCount = 0
        /// Threads that ask for a name again.
        var repeatCount = 0
        var waiters: [(names: Set<String>, done: AsyncStream<Never>.Continuation)] = []
    }

    /// Something else is known of a name than before. Several changes may be one element. For one reader.
    package let changes: AsyncStream<Void>
    private let changed: AsyncStream<Void>.Continuation
    private let lookUp: @Sendable (String) -> LookupAnswer<Value>
    private let now: @Sendable () -> ContinuousClock.Instant
    private let state = Mutex(State())

    /// - Parameter lookUp: Asks for one name, however long that takes.
    package init(
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
        lookUp: @escaping @Sendable (String) -> LookupAnswer<Value>
    ) {
        self.lookUp = lookUp
        self.now = now
        (changes, changed) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// What is known now. Never waits.
    package subscript(name: String) -> Resolved<Value> { state.withLock { $0.entries[name]?.name ?? [] } }

    /// Asks for those names of which nothing is known, and waits for the answers: of each name until `limit` has passed since
    /// somebody first wanted to know, so that a name without an answer delays one change and not the next. What comes later
    /// is a change.
    package func learn(_ names: Set<String>, within limit: Duration) async {
        let (answers, done) = AsyncStream<Never>.makeStream()
        let now = now()
        let wait = state.withLock { state in
            var awaited: Set<String> = []
            var end = now
            for name in names where !(state.entries[name]?.isKnown ?? false) {
                let since = state.entries[name]?.wantedSince ?? now
                ask(name, &state)
                guard since + limit > now else { continue }
                awaited.insert(name)
                end = max(end, since + limit)
            }
            if !awaited.isEmpty { state.waiters.append((awaited, done)) }
            return awaited.isEmpty ? nil : now.duration(to: end)
        }
        guard let wait else { return }
        await withTaskGroup { group in
            group.addTask { for await _ in answers {} }
            group.addTask { try? await Task.sleep(for: wait) }
            await group.next()
            group.cancelAll()
        }
    }

    /// Asks again, and does not wait: for every name, or for those alone that have no address of a last answer.
    package func refresh(failedOnly: Bool = false) {
        state.withLock { state in
            for (name, entry) in state.entries where !failedOnly || entry.name.values.isEmpty || entry.name.isStale {
                ask(name, &state)
            }
        }
    }

    /// Forgets all other names.
    package func keep(_ names: Set<String>) {
        state.withLock { state in state.entries = state.entries.filter { names.contains($0.key) } }
    }

    // MARK: Threads

    private func ask(_ name: String, _ state: inout State) {
        var entry = state.entries[name] ?? Entry(wantedSince: now())
        defer { state.entries[name] = entry }
        guard !entry.isAsked else { return }
        entry.isAsked = true
        if entry.isKnown { state.again.append(name) } else { state.unknown.append(name) }
        guard state.threadCount < Self.threadLimit, !entry.isKnown || state.repeatCount < Self.repeatLimit else {
            return
        }
        do throws(SystemCallError) {
            try SystemThread.start(name: "names") { [self] in work() }
            state.threadCount += 1
        } catch {
            guard state.threadCount == 0 else { return }
            // Nobody would take it from the queue: it is asked for with the next refresh.
            if entry.isKnown { state.again.removeLast() } else { state.unknown.removeLast() }
            entry.isAsked = false
        }
    }

    /// A thread lives until nothing is left to ask that it may ask.
    private func work() {
        while let (name, isRepeated) = next() {
            let answer = lookUp(name)
            if note(answer, of: name, isRepeated: isRepeated) { changed.yield() }
        }
    }

    private func next() -> (name: String, isRepeated: Bool)? {
        state.withLock { state in
            if !state.unknown.isEmpty { return (state.unknown.removeFirst(), false) }
            if !state.again.isEmpty, state.repeatCount < Self.repeatLimit {
                state.repeatCount += 1
                return (state.again.removeFirst(), true)
            }
            state.threadCount -= 1
            return nil
        }
    }

    /// - Returns: Whether it is news.
    private func note(_ answer: LookupAnswer<Value>, of name: String, isRepeated: Bool) -> Bool {
        state.withLock { state in
            if isRepeated { state.repeatCount -= 1 }
            for index in state.waiters.indices { state.waiters[index].names.remove(name) }
            for waiter in state.waiters where waiter.names.isEmpty { waiter.done.finish() }
            state.waiters.removeAll { $0.names.isEmpty }
            // It may have been forgotten meanwhile.
            guard var entry = state.entries[name] else { return false }
            let former = entry
            entry.isAsked = false
            entry.isKnown = true
            switch answer {
            case .failed: entry.name.isStale = !entry.name.values.isEmpty
            case .absent: entry.name = []
            // The same in another order, as servers give them in turn, is no change.
            case .found(let values) where Set(values) == Set(entry.name.values): entry.name.isStale = false
            case .found(let values): entry.name = Resolved(values)
            }
            state.entries[name] = entry
            return entry.name != former.name || !former.isKnown
        }
    }
}
