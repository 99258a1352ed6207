import CommonValues
import EventLoops
import Synchronization

/// What is known of a name.
package struct ResolvedName: Sendable, Hashable, ExpressibleByArrayLiteral {
    /// In the resolver's order; empty: none is known.
    package var addresses: [IPAddress]
    /// They are of an earlier answer: the last one was that there are none, or there was none.
    package var isStale: Bool

    package init(_ addresses: [IPAddress], isStale: Bool = false) {
        self.addresses = addresses
        self.isStale = isStale
    }

    package init(arrayLiteral addresses: IPAddress...) { self.init(addresses) }
}

/// The addresses that names stand for. The host's resolver is asked on threads of the table's own, so that nobody who reads
/// it ever waits for a DNS server. Last good addresses stay until there are others.
package final class NameTable: Sendable {
    /// Names asked for at a time: a server that is slow about some must not hold up the others.
    private static let threadLimit = 4

    private struct Entry {
        var name = ResolvedName([])
        /// A lookup of it has ended.
        var isKnown = false
        /// A lookup of it waits, or is under way.
        var isAsked = false
    }

    private struct State {
        var entries: [String: Entry] = [:]
        /// Names to be asked for; the last one first: somebody waits for it more likely than for one that is asked again.
        var queue: [String] = []
        var threadCount = 0
        var waiters: [(names: Set<String>, done: AsyncStream<Never>.Continuation)] = []
    }

    /// Something else is known of a name than before. Several changes may be one element. For one reader.
    package let changes: AsyncStream<Void>
    private let changed: AsyncStream<Void>.Continuation
    private let lookUp: @Sendable (String) -> [IPAddress]
    private let state = Mutex(State())

    /// - Parameter lookUp: Asks for one name, however long that takes.
    package init(lookUp: @escaping @Sendable (String) -> [IPAddress] = NameResolution.addresses) {
        self.lookUp = lookUp
        (changes, changed) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// What is known now. Never waits.
    package subscript(name: String) -> ResolvedName { state.withLock { $0.entries[name]?.name ?? [] } }

    /// Asks for those names of which nothing is known, and waits for the answers, `limit` at the longest. What comes later
    /// is a change.
    package func learn(_ names: Set<String>, within limit: Duration) async {
        let (answers, done) = AsyncStream<Never>.makeStream()
        let isWaiting = state.withLock { state in
            let unknown = names.filter { !(state.entries[$0]?.isKnown ?? false) }
            guard !unknown.isEmpty else { return false }
            for name in unknown { ask(name, &state) }
            state.waiters.append((unknown, done))
            return true
        }
        guard isWaiting else { return }
        await withTaskGroup { group in
            group.addTask { for await _ in answers {} }
            group.addTask { try? await Task.sleep(for: limit) }
            await group.next()
            group.cancelAll()
        }
    }

    /// Asks again, and does not wait: for every name, or for those alone that have no address of a last answer.
    package func refresh(failedOnly: Bool = false) {
        state.withLock { state in
            for (name, entry) in state.entries where !failedOnly || entry.name.addresses.isEmpty || entry.name.isStale {
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
        guard !state.entries[name, default: Entry()].isAsked else { return }
        state.entries[name, default: Entry()].isAsked = true
        state.queue.append(name)
        guard state.threadCount < Self.threadLimit else { return }
        if SystemThread.start(name: "names", { [self] in work() }) {
            state.threadCount += 1
        } else if state.threadCount == 0 {
            // Nobody would take it from the queue: it is asked for with the next refresh.
            state.queue.removeLast()
            state.entries[name]?.isAsked = false
        }
    }

    /// A thread lives until nothing is left to ask.
    private func work() {
        while let name = next() {
            let addresses = lookUp(name)
            if note(addresses, of: name) { changed.yield() }
        }
    }

    private func next() -> String? {
        state.withLock { state in
            if let name = state.queue.popLast() { return name }
            state.threadCount -= 1
            return nil
        }
    }

    /// - Returns: Whether it is news.
    private func note(_ addresses: [IPAddress], of name: String) -> Bool {
        state.withLock { state in
            for index in state.waiters.indices { state.waiters[index].names.remove(name) }
            for waiter in state.waiters where waiter.names.isEmpty { waiter.done.finish() }
            state.waiters.removeAll { $0.names.isEmpty }
            // It may have been forgotten meanwhile.
            guard var entry = state.entries[name] else { return false }
            let former = entry
            entry.isAsked = false
            entry.isKnown = true
            if addresses.isEmpty {
                entry.name.isStale = !entry.name.addresses.isEmpty
            } else if Set(addresses) != Set(entry.name.addresses) {
                entry.name = ResolvedName(addresses)
            } else {
                // The same in another order, as servers give them in turn, is no change.
                entry.name.isStale = false
            }
            state.entries[name] = entry
            return entry.name != former.name || !former.isKnown
        }
    }
}
