/// What the descriptors that this process may have open are for. One budget for all uses, so that none takes what another
/// cannot do without: however many callers come, the folder is read, certificates are renewed, `status` is answered, and a
/// call finds a descriptor for its endpoint.
package struct DescriptorBudget: Sendable, Equatable {
    /// Descriptors that the process may have open.
    package let limit: Int
    /// Those that are open for as long as it runs: sockets that listen, epoll instances, files.
    package var fixed: Int
    let workerCount: Int
    /// Callers' connections that the mesh lets a node hold (`proxy.limits.connections`).
    let connectionLimit: Int

    /// What the control plane has for itself: an eighth of all, at least 16, at most 512.
    package static func reserve(of limit: Int) -> Int { min(512, max(16, limit / 8)) }

    /// Connections of the admin API at once, beside files: half of the reserve, 32 at most.
    package static func adminConnections(of limit: Int) -> Int { min(32, reserve(of: limit) / 2) }

    /// Programs that `heddle exec` has started, at once: each is waited for by a descriptor. A sixteenth of all, at least 4, at
    /// most 4,096.
    package static func programs(of limit: Int) -> Int { min(4_096, max(4, limit / 16)) }

    /// One worker's part of what is left. Where hardly anything is, enough for two calls: the kernel says then what is
    /// short.
    var share: DescriptorShare.Limits {
        let total = max(8, (limit - fixed - Self.reserve(of: limit) - Self.programs(of: limit)) / workerCount)
        return DescriptorShare.Limits(total: total, callers: max(1, connectionLimit / workerCount))
    }

    /// Callers' connections that can be held at once.
    package var connections: Int { share.callers * workerCount }

    /// It is not the mesh's own limit that bounds them.
    package var isBoundByDescriptors: Bool { share.callers < max(1, connectionLimit / workerCount) }

    /// Fewer connections than a node should be able to hold.
    package var isLow: Bool { isBoundByDescriptors && connections < Self.lowConnections }

    /// Below which it is told: 4,096.
    package static let lowConnections = 4096
}
