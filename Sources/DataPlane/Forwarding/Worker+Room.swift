import EventLoops

/// Room for one more connection, and who gives way where there is none.
extension Worker {
    /// A connection may be taken or made. If there is no room, who has no use for it now gives way.
    /// - Parameter listener: Where it came in, or the call that it is for; `nil`: it is for no call.
    func hasRoom(for use: DescriptorShare.Use, at listener: Listener?) -> Bool {
        if bench.descriptors.admits(use) { return true }
        for other in [DescriptorShare.Use.endpoint, .caller] where bench.descriptors.isHelped(use, byLess: other) {
            makeRoom(byLess: other, at: listener)
            if bench.descriptors.admits(use) { return true }
        }
        return false
    }

    /// The kernel gives none, whatever the budget says: others of this host may have taken them.
    func descriptorsRanOut(at listener: Listener?) {
        for use in DescriptorShare.Use.allCases { makeRoom(byLess: use, at: listener) }
    }

    /// Accepting stops: nobody gives way.
    func acceptingPaused(at listener: Listener) {
        bench.counters.pauses += 1
        noteShortage(.acceptingPaused(listener: listener.view.label))
    }

    /// Since when somebody waits outside, at whichever listener; `nil`: nobody does.
    private var callersWaitSince: DeadlineWheel.Time? { acceptors.values.compactMap(\.callersWaitSince).min() }

    /// A call finds no connection to its endpoint.
    func callFoundNoRoom(at listener: Listener, endpoint: NetworkAddress) {
        noteShortage(.callFoundNoRoom(listener: listener.view.label, endpoint: "\(endpoint)"))
    }

    private func makeRoom(byLess use: DescriptorShare.Use, at listener: Listener?) {
        let closed =
            switch use {
            case .caller: closeQuietCallers()
            case .endpoint: closeIdleEndpoints()
            }
        guard closed > 0 else { return }
        bench.counters.madeRoom[use == .caller ? "caller" : "endpoint", default: 0] += UInt64(closed)
        noteShortage(.madeRoom(closed: closed, listener: listener?.view.label))
    }

    /// Those on which nothing has been asked for longest. Several at once, so that who comes next finds room without a search.
    /// - Returns: How many were closed.
    private func closeQuietCallers() -> Int {
        guard loop.now >= noneQuietBefore else { return 0 }
        var quiet: [(since: DeadlineWheel.Time, index: Int)] = []
        let quietMilliseconds = QuietTime.milliseconds(waiting: callersWaitSince.map { loop.now - $0 } ?? 0)
        noneQuietBefore = loop.now + quietMilliseconds
        for (index, connection) in connections.enumerated() {
            guard let since = connection.quietSince else { continue }
            if since + quietMilliseconds <= loop.now {
                quiet.append((since, index))
            } else {
                noneQuietBefore = min(noneQuietBefore, since + quietMilliseconds)
            }
        }
        let batch = Self.batch(of: bench.descriptors.limits.callers)
        if quiet.count > batch { noneQuietBefore = loop.now }
        quiet.sort { $0.since < $1.since }
        // One that closes leaves its place to the last of the list.
        let closing = quiet.prefix(batch).map { connections[$0.index] }.filter { !$0.hasUnreadInput }
        for connection in closing { connection.giveWay() }
        return closing.count
    }

    /// - Returns: How many were closed.
    private func closeIdleEndpoints() -> Int {
        let idle = pools.all.compactMap { pool in pool.idleSince.map { (since: $0, pool: pool) } }
        let closing = idle.sorted { $0.since < $1.since }.prefix(Self.batch(of: bench.descriptors.limits.connections))
        for (_, pool) in closing { pool.giveWay() }
        return closing.count
    }

    private static func batch(of count: Int) -> Int { 1 + count / 64 }

    private func noteShortage(_ event: DataPlaneEvent) {
        bench.counters.lastShortage = loop.now
        bench.events.post(event)
    }
}

/// How long nothing must have been asked on a caller's connection before it gives way: who has just come is about to say why.
enum QuietTime {
    /// Where nobody has waited yet, in milliseconds.
    static let longest: UInt64 = 2_000
    /// Three times round the world.
    static let shortest: UInt64 = 500

    /// Half as long with each half second that others wait outside: behind many who say nothing, one after the other, nobody may have to
    /// wait two seconds for each of them.
    /// - Parameter waiting: Since when somebody has waited without a break, in milliseconds.
    static func milliseconds(waiting: UInt64) -> UInt64 {
        max(shortest, longest >> min(waiting / 500, 63))
    }
}
