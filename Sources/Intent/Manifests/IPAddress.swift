import Glibc

/// An IPv4 or IPv6 address, IPv4 in its IPv4-mapped form (RFC 4291 § 2.5.5.2).
package struct IPAddress: Hashable, Sendable {
    package let high: UInt64
    package let low: UInt64
    /// In the canonical form of RFC 5952, or dotted decimal.
    package let text: String
    /// Whether it was written as an IPv4 address.
    package let isIPv4: Bool

    /// - Returns: `nil` if `text` is not an address; brackets, ports and zones are not part of one.
    package init?(_ text: String) {
        guard !text.utf8.contains(0) else { return nil }  // C would read no further
        var bytes: (UInt64, UInt64) = (0, 0)
        var four: UInt32 = 0
        if unsafe inet_pton(AF_INET, text, &four) == 1 {
            high = 0
            low = 0x0000_FFFF_0000_0000 | UInt64(UInt32(bigEndian: four))
            isIPv4 = true
            self.text = unsafe Self.text(AF_INET, &four)
        } else if unsafe inet_pton(AF_INET6, text, &bytes) == 1 {
            high = UInt64(bigEndian: bytes.0)
            low = UInt64(bigEndian: bytes.1)
            isIPv4 = false
            self.text = unsafe Self.text(AF_INET6, &bytes)
        } else {
            return nil
        }
    }

    /// 127.0.0.0/8 or ::1.
    package var isLoopback: Bool { high == 0 && (low == 1 || low >> 24 == 0x0000_FFFF_7F) }

    private static func text(_ family: CInt, _ address: UnsafeRawPointer) -> String {
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard unsafe inet_ntop(family, address, &buffer, socklen_t(buffer.count)) != nil else { return "" }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
