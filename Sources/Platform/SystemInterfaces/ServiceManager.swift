import Glibc

/// Who started this process as a service, and wants to be told how it fares (sd_notify(3)).
package struct ServiceManager: Sendable, Hashable {
    /// Of its datagram socket: a path, or a name without one behind a `@`.
    private let address: String
    /// It takes the process for hung that gives no sign of life for as long; `nil`: it does not ask for any.
    package let watchdog: Duration?

    /// Between two signs of life: half of what is asked for, and not so little that it is all there is to do.
    package var signInterval: Duration? { watchdog.map { max($0 / 2, Self.leastSignInterval) } }

    private static let leastSignInterval = Duration.milliseconds(50)

    /// What it is told.
    package enum Notice: Sendable, Hashable {
        case ready
        /// At a time of CLOCK_MONOTONIC, in microseconds. `ready` ends it.
        case reloading(at: UInt64)
        /// It takes that long, at most, to a second.
        case stopping(within: Duration)
        case alive
        /// One line for people.
        case status(String)

        fileprivate var text: String {
            switch self {
            case .ready: "READY=1"
            case .reloading(let time): "RELOADING=1\nMONOTONIC_USEC=\(time)"
            case .stopping(let limit):
                "STOPPING=1\nEXTEND_TIMEOUT_USEC=\(max(1, limit.components.seconds) * 1_000_000)"
            case .alive: "WATCHDOG=1"
            // A line break would begin another notice.
            case .status(let text):
                "STATUS=" + String(decoding: text.utf8.map { $0 < 0x20 ? UInt8(ascii: " ") : $0 }, as: UTF8.self)
            }
        }
    }

    /// - Parameters:
    ///   - environment: A variable's value.
    ///   - process: This one's number: what is meant for another is not for it.
    /// - Returns: `nil`: there is none.
    package init?(environment: (String) -> String?, process: Int32 = getpid()) {
        // Others than these two kinds of addresses are nothing that systemd 252 has.
        guard let address = environment("NOTIFY_SOCKET"), address.utf8.count > 1,
            address.utf8.count < MemoryLayout.size(ofValue: sockaddr_un().sun_path),
            address.hasPrefix("/") || address.hasPrefix("@")
        else { return nil }
        self.address = address
        let isMeant = environment("WATCHDOG_PID").map { $0 == "\(process)" } ?? true
        let microseconds = environment("WATCHDOG_USEC").flatMap { Int64($0) } ?? 0
        watchdog = isMeant && microseconds > 0 ? .microseconds(microseconds) : nil
    }

    /// The one that this process was started by. To be asked once, and before there are threads: the variables that name it are gone
    /// then, and no program that this one starts speaks in its name.
    package static func ofThisProcess() -> ServiceManager? {
        let manager = ServiceManager(environment: { name in unsafe getenv(name).map { unsafe String(cString: $0) } })
        for name in ["NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"] { unsafe unsetenv(name) }
        return manager
    }

    /// Microseconds of CLOCK_MONOTONIC.
    package static var monotonicTime: UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1_000
    }

    /// How long a manager that reads nothing is waited for.
    private static let patience = timeval(tv_sec: 5, tv_usec: 0)

    /// Waits for a manager that does not read: what else there is to do goes by `ServiceMessenger`.
    /// - Parameter notices: One message.
    /// - Throws: It has not been told; `EAGAIN`: it has read nothing for as long as it is waited for.
    func tell(_ notices: [Notice]) throws(SystemCallError) {
        let descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SystemCallError(last: "socket") }
        defer { close(descriptor) }
        var patience = Self.patience
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))

        var raw = sockaddr_un()
        raw.sun_family = sa_family_t(AF_UNIX)
        var name = Array(address.utf8)
        // One without a path begins with a zero, and is as long as it is said to be (unix(7)).
        if name[0] == UInt8(ascii: "@") { name[0] = 0 }
        unsafe withUnsafeMutableBytes(of: &raw.sun_path) { unsafe $0.copyBytes(from: name) }
        let size = socklen_t(MemoryLayout<sa_family_t>.size + name.count)

        let bytes = Array(notices.map(\.text).joined(separator: "\n").utf8)
        let count = unsafe withUnsafeBytes(of: &raw) { address in
            unsafe sendto(
                descriptor, bytes, bytes.count, CInt(MSG_NOSIGNAL),
                address.baseAddress!.assumingMemoryBound(to: sockaddr.self), size)
        }
        guard count == bytes.count else { throw SystemCallError(last: "sendto") }
    }
}
