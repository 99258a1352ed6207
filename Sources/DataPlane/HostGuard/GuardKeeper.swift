import Synchronization
import SystemInterfaces

/// Has the kernel hold the guard that a generation asks for. Its functions are called one after the other, save `check`: none while
/// another is under way.
///
/// The table is the kernel's: it stays when this process ends, however it does, and the next one finds it.
package final class GuardKeeper: Sendable {
    /// How the guard stands, as it was last looked at.
    package struct Standing: Sendable, Equatable {
        /// What is wanted; `nil`: no guard.
        package var table: GuardTable?
        /// Why it is not known that the kernel holds that.
        package var failure: PacketFilter.Failure?
        package var refused = GuardCounts()
        /// Guards beside it that look like this node's, or guard the same ports: of a state folder that is no more, or another mesh.
        package var others: [String] = []
    }

    /// What a look at the table has found.
    package enum Look: Sendable, Equatable {
        case asItWas
        /// Somebody had changed or removed it: it is made again, at the first try or a later one.
        case restored
        /// What could not be done, or seen, before is as it should be.
        case mended
        case failed
    }

    private struct State {
        var standing = Standing()
        /// The table as nft shows it, if it was made as `standing` says.
        var listing: GuardListing?
        /// A generation has said what is wanted.
        var isSettled = false
        /// The table may be there though none is wanted: of a process before this one.
        var mayBeLeft = true
        /// Somebody has changed or removed it, and it could not be made again so far.
        var isChanged = false
        /// It guards more than `standing` says, for a change that is under way.
        var isWidened = false
        /// It could not be widened for that.
        var obstacle: PacketFilter.Failure?
    }

    /// Of the table.
    package let name: String
    private let node: String
    private let filter: @Sendable () -> PacketFilter
    private let state = Mutex(State())

    /// - Parameters:
    ///   - instance: What tells this mesh from others of the host, in this and any other process.
    ///   - node: This one's name.
    ///   - filter: Asked for at each use: `nft` may be installed meanwhile.
    package init(
        instance: String, node: String, filter: @escaping @Sendable () -> PacketFilter = { PacketFilter() }
    ) {
        name = GuardTable.name(ofInstance: instance)
        self.node = node
        self.filter = filter
    }

    package var standing: Standing { state.withLock { $0.standing } }

    // MARK: Changes

    /// Guards what is and what is to be. Nothing that was open to somebody before is open to others then.
    /// - Returns: Why it cannot be done.
    package func prepare(_ table: GuardTable?) async -> PacketFilter.Failure? {
        guard let table, !isHeld(table) else { return nil }
        let text = GuardScript.widening(to: table)
        state.withLock { $0.isWidened = true }
        let failure = await trying { filter throws(PacketFilter.Failure) in try filter.run(text) }.failure
        state.withLock { $0.obstacle = failure }
        return failure
    }

    /// Whether it could be done; nothing is.
    package func rehearse(_ table: GuardTable?) async -> PacketFilter.Failure? {
        guard let table, !isHeld(table) else { return nil }
        let text = GuardScript.anew(table, counts: GuardCounts())
        return await trying { filter throws(PacketFilter.Failure) in try filter.run(text, isRehearsal: true) }.failure
    }

    /// Guards this, and nothing else.
    package func commit(_ table: GuardTable?) async {
        let obstacle = state.withLock { state in
            state.isSettled = true
            return state.obstacle
        }
        guard let table else {
            await withdraw()
            return
        }
        guard !isHeld(table) else { return }
        // A program that does not answer is not waited for twice in one change.
        if obstacle == .overdue { return note(table, .failure(.overdue)) }
        await bring(up: table)
    }

    /// After `prepare`: as it was before. Before the first generation that is what an earlier process has left: it stays, and
    /// guards a little more.
    package func abandon() async {
        let (isWidened, isSettled) = state.withLock { state in
            defer { state.obstacle = nil }
            return (state.isWidened && state.obstacle != .overdue, state.isSettled)
        }
        guard isWidened, isSettled else { return }
        guard let former = standing.table else {
            await withdraw()
            return
        }
        await bring(up: former)
    }

    /// Removes the table, if it is there.
    /// - Returns: Why it is still there, if it may be.
    @discardableResult package func withdraw() async -> PacketFilter.Failure? {
        let (mayBeThere, wasWanted) = state.withLock {
            ($0.mayBeLeft || $0.isWidened, $0.standing.table != nil || $0.standing.failure != nil || $0.isWidened)
        }
        guard mayBeThere || wasWanted else { return nil }
        let (name, node) = (name, node)
        let outcome = await trying { filter throws(PacketFilter.Failure) in
            // Nothing is written where nothing is to be removed: other programs are told of each change.
            let tables = try filter.tables()
            if tables.contains(name) { try filter.remove(name) }
            return try filter.others(than: name, among: tables, ofNode: node, at: [])
        }
        let failure = outcome.failure
        state.withLock { state in
            state = State()
            state.isSettled = true
            // Of a host without nft, and of a user who may not use it, nobody can tell.
            state.mayBeLeft = failure != nil && failure != .missing && failure != .notPermitted
            state.standing.others = (try? outcome.get()) ?? []
            // Who has never wanted one is told nothing of a packet filter that cannot be looked at.
            if wasWanted { state.standing.failure = failure }
        }
        return failure
    }

    // MARK: Looks

    /// Looks whether the table is as it was made. At any time: it changes nothing but what is counted.
    /// - Returns: Whether there is something for `look` to do.
    package func check() async -> Bool {
        let (standing, listing) = state.withLock { ($0.standing, $0.listing) }
        guard standing.table != nil, standing.failure == nil else { return standing.failure != nil }
        let found = await list()
        return state.withLock { state in
            // A change went on meanwhile: its own look was the last one.
            guard state.standing.table == standing.table, state.listing?.text == listing?.text else { return false }
            switch found {
            case .success(let now?) where now.text == listing?.text:
                state.standing.refused = now.refused
                return false
            case .success: return true
            case .failure(let failure):
                state.standing.failure = failure
                return false
            }
        }
    }

    /// The same, and makes it as it was if it is not.
    package func look() async -> Look {
        let (standing, listing) = state.withLock { ($0.standing, $0.listing) }
        guard let table = standing.table else {
            guard standing.failure != nil else { return .asItWas }
            return await withdraw() == nil ? .mended : .failed
        }
        let found = await list()
        if case .failure(let failure) = found {
            state.withLock { $0.standing.failure = failure }
            return .failed
        }
        if let listing, case .success(let now?) = found, now.text == listing.text {
            state.withLock { state in
                state.standing.refused = now.refused
                state.standing.failure = nil
            }
            return standing.failure == nil ? .asItWas : .mended
        }
        let isChanged = state.withLock { state in
            if listing != nil { state.isChanged = true }
            return state.isChanged
        }
        await bring(up: table)
        guard self.standing.failure == nil else { return .failed }
        return isChanged ? .restored : .mended
    }

    private func list() async -> Result<GuardListing?, PacketFilter.Failure> {
        let name = name
        return await trying { filter throws(PacketFilter.Failure) in try filter.list(name) }
    }

    // MARK: The kernel

    private func isHeld(_ table: GuardTable) -> Bool {
        state.withLock { $0.standing.table == table && $0.standing.failure == nil && !$0.isWidened }
    }

    private func bring(up table: GuardTable) async {
        let counts = standing.refused
        let outcome = await trying { filter throws(PacketFilter.Failure) -> (listing: GuardListing, others: [String]) in
            try filter.run(GuardScript.anew(table, counts: counts))
            guard let listing = try filter.list(table.name), listing.shape == GuardScript.shape(of: table) else {
                throw .refused(reason: "nft did as it was told, and the table is another all the same")
            }
            let others = try filter.others(
                than: table.name, among: filter.tables(), ofNode: table.node, at: table.ports)
            return (listing, others)
        }
        note(table, outcome)
    }

    private func note(
        _ table: GuardTable, _ outcome: Result<(listing: GuardListing, others: [String]), PacketFilter.Failure>
    ) {
        state.withLock { state in
            state.standing.table = table
            state.standing.failure = outcome.failure
            state.listing = nil
            state.obstacle = nil
            if case .success(let made) = outcome {
                state.listing = made.listing
                state.standing.refused = made.listing.refused
                state.standing.others = made.others
                state.isChanged = false
                state.isWidened = false
            }
        }
    }

    /// On a thread of its own, as it takes milliseconds.
    private func trying<Value: Sendable>(
        _ body: @escaping @Sendable (PacketFilter) throws(PacketFilter.Failure) -> Value
    ) async -> Result<Value, PacketFilter.Failure> {
        let filter = filter
        return await withCheckedContinuation { continuation in
            do throws(SystemCallError) {
                try SystemThread.start(name: "guard") {
                    continuation.resume(
                        returning: Result { () throws(PacketFilter.Failure) in try body(filter()) })
                }
            } catch {
                continuation.resume(returning: .failure(.refused(reason: error.description)))
            }
        }
    }
}

extension PacketFilter {
    /// Guards beside a node's own, which guard the same ports, or say that they are that node's. A few of them: each is a look.
    fileprivate func others(
        than table: String, among tables: [String], ofNode node: String, at ports: Set<UInt16>
    ) throws(Failure) -> [String] {
        var found: [String] = []
        for name in tables.filter({ $0 != table }).prefix(8) {
            guard let listing = try list(name) else { continue }
            if listing.node == node || !listing.ports.isDisjoint(with: ports) {
                found.append(name)
            }
        }
        return found
    }
}

extension Result {
    fileprivate var failure: Failure? {
        guard case .failure(let failure) = self else { return nil }
        return failure
    }
}
