import CommonValues
import Glibc
import Synchronization
import SystemInterfaces

/// Has the kernel hold the guard that a generation asks for. Its functions are called one after the other: none while another is
/// under way.
///
/// The table is the kernel's: it stays when this process ends, however it does, and the next one finds it.
package final class GuardKeeper: Sendable {
    /// How the guard stands, as it was last looked at.
    package struct Standing: Sendable, Equatable {
        /// What is wanted; `nil`: no guard.
        package var table: GuardTable?
        /// Why the kernel does not hold that.
        package var failure: PacketFilter.Failure?
        package var refused = GuardCounts()
    }

    /// What a look at the table has found.
    package enum Look: Sendable, Equatable {
        case asItWas
        /// Somebody had changed or removed it: it is made again.
        case restored
        /// What could not be done before is done.
        case mended
        case failed
    }

    private struct State {
        var standing = Standing()
        /// The table as nft shows it, if it is as `standing` says.
        var listing: GuardListing?
        /// Whether the table may be there though none is wanted: of a process before this one.
        var mayBeLeft = true
        /// Whether it guards more than `standing` says, for a change that is under way.
        var isWidened = false
    }

    /// Of the table.
    package let name: String
    private let filter: @Sendable () -> PacketFilter
    private let state = Mutex(State())

    /// - Parameters:
    ///   - instance: What tells this mesh from others of the host, in this and any other process.
    ///   - filter: Asked for at each use: `nft` may be installed meanwhile.
    package init(instance: String, filter: @escaping @Sendable () -> PacketFilter = { PacketFilter() }) {
        name = GuardTable.name(ofInstance: instance)
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
        return await trying { filter throws(PacketFilter.Failure) in try filter.run(text) }.failure
    }

    /// Whether it could be done; nothing is.
    package func rehearse(_ table: GuardTable?) async -> PacketFilter.Failure? {
        guard let table, !isHeld(table) else { return nil }
        let text = GuardScript.anew(table)
        return await trying { filter throws(PacketFilter.Failure) in try filter.run(text, isRehearsal: true) }.failure
    }

    /// Guards this, and nothing else.
    package func commit(_ table: GuardTable?) async {
        guard let table else { return await withdraw() }
        guard !isHeld(table) else { return }
        await bring(up: table, anew: false)
    }

    /// After `prepare`: as it was before.
    package func abandon() async {
        guard state.withLock({ $0.isWidened }) else { return }
        guard let former = standing.table else { return await withdraw() }
        await bring(up: former, anew: false)
    }

    /// Looks whether the table is as it was made, and makes it so if not.
    package func look() async -> Look {
        let (standing, listing) = state.withLock { ($0.standing, $0.listing) }
        guard let table = standing.table else {
            guard standing.failure != nil else { return .asItWas }
            await withdraw()
            return self.standing.failure == nil ? .mended : .failed
        }
        let name = name
        let found = await trying { filter throws(PacketFilter.Failure) in try filter.list(name) }
        if standing.failure == nil, case .success(let now?) = found, now.text == listing?.text {
            state.withLock { $0.standing.refused = now.refused }
            return .asItWas
        }
        await bring(up: table, anew: true)
        guard self.standing.failure == nil else { return .failed }
        return standing.failure == nil ? .restored : .mended
    }

    /// Removes the table, if it is there.
    package func withdraw() async {
        let (mayBeThere, wasWanted) = state.withLock {
            ($0.mayBeLeft || $0.isWidened, $0.standing.table != nil || $0.standing.failure != nil || $0.isWidened)
        }
        guard mayBeThere || wasWanted else { return }
        let name = name
        let outcome = await trying { filter throws(PacketFilter.Failure) in
            // Nothing is written where nothing is to be removed: other programs are told of each change.
            if try filter.tables().contains(name) { try filter.remove(name) }
        }
        state.withLock { state in
            state = State()
            state.mayBeLeft = false
            // Who has never wanted one is told nothing of a packet filter that cannot be looked at.
            if wasWanted { state.standing.failure = outcome.failure }
        }
    }

    // MARK: The kernel

    private func isHeld(_ table: GuardTable) -> Bool {
        state.withLock { $0.standing.table == table && $0.standing.failure == nil }
    }

    private func bring(up table: GuardTable, anew: Bool) async {
        let outcome = await trying { filter throws(PacketFilter.Failure) -> GuardListing in
            do throws(PacketFilter.Failure) {
                try filter.run(anew ? GuardScript.anew(table) : GuardScript.exact(table))
            } catch .refused where !anew {
                // A table of another make stands in the way: an earlier version's, or somebody's who has its name.
                try filter.run(GuardScript.anew(table))
            }
            guard let listing = try filter.list(table.name) else {
                throw .refused(reason: "the table is not there though it was made")
            }
            return listing
        }
        state.withLock { state in
            state.standing.table = table
            state.standing.failure = outcome.failure
            state.listing = try? outcome.get()
            if let listing = state.listing { state.standing.refused = listing.refused }
            state.isWidened = false
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

extension Result {
    fileprivate var failure: Failure? {
        guard case .failure(let failure) = self else { return nil }
        return failure
    }
}
