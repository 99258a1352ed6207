package import ConfigValues
import Glibc
import Synchronization
package import SystemInterfaces

/// What is known of several configs, from the threads that follow them to the one that keeps the program.
package final class ConfigInbox: Sendable {
    private struct State {
        var values: [ConfigValue?]
        /// One of them is another since the last look.
        var isNew = false
        /// Not heard yet.
        var troubles: [FollowingTrouble] = []
        /// What was told of each config last: that is not told again until there is a value.
        var told: [[FollowingTrouble]]
    }

    /// Of each config, until there is a value again.
    private static let toldLimit = 8

    private let state: Mutex<State>
    private let wakeup: Wakeup

    package init(count: Int) throws(SystemCallError) {
        state = Mutex(
            State(values: Array(repeating: nil, count: count), told: Array(repeating: [], count: count)))
        wakeup = try Wakeup()
    }

    /// Readable while there is something new.
    var descriptor: CInt { wakeup.descriptor }

    /// From any thread.
    /// - Parameter index: Of the config.
    package func take(_ news: ConfigFollower.News, of index: Int) {
        state.withLock { state in
            switch news {
            case .value(let value):
                (state.values[index], state.told[index]) = (value, [])
                state.isNew = true
            case .trouble(let trouble):
                guard !state.told[index].contains(trouble), state.told[index].count < Self.toldLimit else { return }
                state.told[index].append(trouble)
                state.troubles.append(trouble)
            }
        }
        wakeup.give()
    }

    /// - Returns: The values, once there are all, if one is new; and what is new to be told.
    func look() -> (values: [ConfigValue]?, troubles: [FollowingTrouble]) {
        wakeup.take()
        return state.withLock { state in
            defer { (state.troubles, state.isNew) = ([], false) }
            guard state.isNew else { return (nil, state.troubles) }
            let values = state.values.compactMap { $0 }
            return (values.count == state.values.count ? values : nil, state.troubles)
        }
    }

    /// Waits for the first value of each.
    /// - Parameter tell: Is told why it waits, for people.
    /// - Throws: One is refused, or is not there in time.
    package func first(
        within patience: Duration, tell: (String) -> Void
    ) throws(FollowingTrouble) -> [ConfigValue] {
        let end = ContinuousClock.now + patience
        var last: FollowingTrouble?
        while true {
            let (values, troubles) = look()
            if let values { return values }
            if let refusal = troubles.first(where: { $0.kind == .refused }) { throw refusal }
            for trouble in troubles { tell("waiting for \(trouble.message)") }
            last = troubles.last ?? last
            let left = end - .now
            guard left > .zero else {
                throw last ?? FollowingTrouble(.away, "the mesh has not answered in time")
            }
            var polled = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            _ = unsafe poll(&polled, 1, CInt(clamping: left.milliseconds + 1))
        }
    }
}

extension Duration {
    /// Whole ones.
    var milliseconds: Int64 { components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000 }
}
