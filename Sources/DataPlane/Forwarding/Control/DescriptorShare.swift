/// One worker's part of the budget of descriptors, and what is taken of it.
///
/// Callers have at most a half, so that each of them can have a call of its own to an endpoint; endpoints have what callers
/// leave, but for an eighth that stays theirs. Pipes of tunnels have an eighth of their own: where none is left, bytes are
/// copied.
struct DescriptorShare: Equatable {
    /// What a connection is.
    enum Use: CaseIterable {
        case caller, endpoint
    }

    struct Limits: Equatable {
        /// Of callers and endpoints together.
        let connections: Int
        let callers: Int
        /// Pipes, of two descriptors each.
        let pipes: Int

        /// - Parameters:
        ///   - total: Descriptors. At least 8.
        ///   - callers: Callers' connections that may be held, however many descriptors there are.
        init(total: Int, callers: Int) {
            pipes = total / 16
            connections = total - 2 * pipes
            self.callers = min(callers, connections / 2)
        }

        /// What callers leave to endpoints in any case.
        var endpointsOwn: Int { connections / 2 }
        /// What endpoints leave to callers in any case.
        var callersOwn: Int { min(callers, connections / 8) }
    }

    var limits: Limits
    private(set) var callers = 0
    private(set) var endpoints = 0
    private(set) var pipes = 0

    init(_ limits: Limits) { self.limits = limits }

    /// One more may be had now.
    func admits(_ use: Use) -> Bool { lacking(for: use) <= 0 }

    /// How many must go before one more may be had.
    private func lacking(for use: Use) -> Int {
        switch use {
        case .caller:
            max(callers + 1 - limits.callers, callers + 1 + max(endpoints, limits.endpointsOwn) - limits.connections)
        case .endpoint: endpoints + 1 + max(callers, limits.callersOwn) - limits.connections
        }
    }

    /// Whether one more for `use` comes nearer when one of `other` goes.
    func isHelped(_ use: Use, byLess other: Use) -> Bool {
        guard count(of: other) > 0 else { return false }
        var less = self
        less.change(other, by: -1)
        return less.lacking(for: use) < lacking(for: use)
    }

    func count(of use: Use) -> Int {
        switch use {
        case .caller: callers
        case .endpoint: endpoints
        }
    }

    mutating func change(_ use: Use, by difference: Int) {
        switch use {
        case .caller: callers += difference
        case .endpoint: endpoints += difference
        }
    }

    var admitsPipe: Bool { pipes < limits.pipes }
    mutating func changePipes(by difference: Int) { pipes += difference }
}
