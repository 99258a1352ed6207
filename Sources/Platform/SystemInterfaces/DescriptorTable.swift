import Glibc

/// How many descriptors this process may have open, and has.
package enum DescriptorTable {
    /// As many as the kernel gives this process now: the soft RLIMIT_NOFILE.
    package static var limit: Int { limits().map { Int(clamping: $0.rlim_cur) } ?? 1024 }

    /// Raises the limit to the highest that this process may give itself. A shell's or a unit's soft limit of 1024 is for
    /// programs that use select(2), as this one does not.
    /// - Returns: The limit in force.
    @discardableResult
    package static func raiseLimit() -> Int {
        guard var limits = limits(), limits.rlim_cur < limits.rlim_max else { return limit }
        limits.rlim_cur = limits.rlim_max
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits)
        return limit
    }

    private static func limits() -> rlimit? {
        var limits = rlimit()
        return unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0 ? limits : nil
    }

    /// Those that are open now, of the first 1,024: the lowest free one is always given out first.
    package static var count: Int {
        var count = 0
        for descriptor in 0..<CInt(min(limit, 1024)) where fcntl(descriptor, F_GETFD) >= 0 { count += 1 }
        return count
    }
}
