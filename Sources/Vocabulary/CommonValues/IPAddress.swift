import Glibc

/// An IPv4 or IPv6 address; IPv4 in its IPv4-mapped form (RFC 4291 § 2.5.5.2), so that one comparison serves both, however
/// it was written.
package struct IPAddress: Hashable, Sendable {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    package init(v4 address: UInt32) { self.init(high: 0, low: 0xFFFF_0000_0000 | UInt64(address)) }

    /// `::`: no call comes from it or goes to it, so it stands for none.
    package static let unspecified = IPAddress(high: 0, low: 0)
    /// `0.0.0.0`: to listen on, every address of IPv4.
    package static let anyIPv4 = IPAddress(v4: 0)

    /// - Returns: `nil` if `text` is not an address; brackets, ports and zones are not part of one.
    package init?(_ text: String) {
        guard !text.utf8.contains(0) else { return nil }  // C would read no further
        var v4: UInt32 = 0
        var v6: (UInt64, UInt64) = (0, 0)
        if unsafe inet_pton(AF_INET, text, &v4) == 1 {
            self.init(v4: UInt32(bigEndian: v4))
        } else if unsafe inet_pton(AF_INET6, text, &v6) == 1 {
            self.init(high: UInt64(bigEndian: v6.0), low: UInt64(bigEndian: v6.1))
        } else {
            return nil
        }
    }

    /// The IPv4 address, if this is one.
    package var v4: UInt32? { high == 0 && low >> 32 == 0xFFFF ? UInt32(truncatingIfNeeded: low) : nil }

    /// 127.0.0.0/8 or ::1.
    package var isLoopback: Bool {
        if let v4 { return v4 >> 24 == 127 }
        return high == 0 && low == 1
    }
}

extension IPAddress: CustomStringConvertible {
    /// Dotted decimal, or the canonical form of RFC 5952.
    package var description: String {
        if let v4 { return "\(v4 >> 24).\(v4 >> 16 & 255).\(v4 >> 8 & 255).\(v4 & 255)" }
        var address = (high.bigEndian, low.bigEndian)
        return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { text in
            unsafe inet_ntop(AF_INET6, &address, text.baseAddress!, socklen_t(text.count))
            return unsafe String(cString: text.baseAddress!)
        }
    }
}
