package import Diagnostics
import Synchronization
import SystemInterfaces

/// Keeps what serves in the state folder, one set after the other and without holding up who serves it; again and again
/// while the disk does not take it, of which no event tells: else what was served before would be served after a restart.
package actor LastGoodKeeper: HostDependent {
    private let store: LastGoodStore?
    /// The set that is kept.
    private var kept: LastGoodSet?
    /// Of the file that it is kept in.
    private var identity: FileIdentity?
    /// It is told that what lies there cannot be seen.
    private var isUnseen = false
    /// Serves, and is not kept yet.
    private var unkept: LastGoodSet?
    private let trouble = Mutex<Diagnostic?>(nil)
    private let looks: AsyncStream<Void>
    private let look: AsyncStream<Void>.Continuation

    /// - Parameter stateFolder: `nil`: nothing is kept.
    init(stateFolder: HeldFolder?) {
        store = stateFolder.map(LastGoodStore.init(stateFolder:))
        (looks, look) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// Why what is to be kept is not, an error; or a warning: what was kept was lost, or cannot be used.
    package nonisolated var problem: Diagnostic? { trouble.withLock(\.self) }

    package nonisolated var heldBack: [Diagnostic] { [problem].compactMap(\.self).filter { $0.severity == .error } }

    /// Has `run` try again.
    package func retry() async { look.yield() }

    /// - Returns: What an earlier process kept; `nil` if it kept nothing, or nothing that can be used: see `problem`.
    func load() -> LastGoodSet? {
        do throws(Diagnostic) {
            let set = try store?.load()
            kept = set
            if case .there(let found)? = store?.standing { identity = found }
            return set
        } catch {
            note(error)
            return nil
        }
    }

    /// Has `run` keep it, in the place of whatever waits.
    func keepSoon(_ set: LastGoodSet) {
        unkept = set
        look.yield()
    }

    /// Looks whether somebody has removed or replaced what was kept; then that is the problem. One call of stat.
    /// - Returns: Whether it is to be kept again.
    func isLost() -> Bool {
        guard let store, kept != nil, unkept == nil else { return false }
        switch store.standing {
        case .there(let found) where found == identity:
            if isUnseen { note(nil) }
            isUnseen = false
            return false
        case .there, .absent:
            isUnseen = false
            note(store.loss)
            return true
        case .unseen(let problem):
            isUnseen = true
            note(problem)
            return false
        }
    }

    /// Has `run` keep once more what was kept.
    func keepAgain() {
        guard let set = kept, unkept == nil else { return }
        kept = nil
        keepSoon(set)
    }

    /// Returns when it is kept, or cannot be.
    func keepNow(_ set: LastGoodSet) async {
        unkept = set
        await keep()
    }

    /// Returns after `finish`, once what is not kept by then, or was lost, has been tried once more.
    /// - Parameters:
    ///   - pause: Between two tries of what cannot be kept.
    ///   - tell: Called after each try.
    func run(tryingAgainEvery pause: Duration, _ tell: () async -> Void) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [look] in
                while (try? await Task.sleep(for: pause)) != nil { look.yield() }
            }
            for await _ in looks where unkept != nil {
                await keep()
                await tell()
            }
            group.cancelAll()
            if isLost() { keepAgain() }
            guard unkept != nil else { return }
            await keep()
            await tell()
        }
    }

    nonisolated func finish() { look.finish() }

    private func keep() async {
        guard let store, let set = unkept, set.generation != kept?.generation else {
            if let unkept, kept != nil { kept = unkept }  // the bytes that serve, and not others like them
            unkept = nil
            return
        }
        switch await Self.kept(set, in: store) {
        case .success(let identity):
            note(nil)
            self.identity = identity
        case .failure(let refusal): return note(refusal)
        }
        isUnseen = false
        kept = set
        if unkept?.generation == set.generation { unkept = nil }
    }

    private func note(_ problem: Diagnostic?) { trouble.withLock { $0 = problem } }

    /// Away from the actor: the disk may take its time.
    @concurrent
    private static func kept(_ set: LastGoodSet, in store: LastGoodStore) async -> Result<FileIdentity, Diagnostic> {
        do throws(Diagnostic) { return .success(try store.keep(set)) } catch { return .failure(error) }
    }
}
