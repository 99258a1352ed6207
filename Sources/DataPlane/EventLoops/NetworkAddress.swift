import CLinux
package import CommonValues
import Glibc

extension IPAddress {
    init(_ address: in6_addr) {
        let words = unsafe withUnsafeBytes(of: address) { bytes in
            unsafe (bytes.loadUnaligned(as: UInt64.self), bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        }
        self.init(high: UInt64(bigEndian: words.0), low: UInt64(bigEndian: words.1))
    }

    var in6: in6_addr {
        var address = in6_addr()
        unsafe withUnsafeMutableBytes(of: &address) { bytes in
            unsafe bytes.storeBytes(of: high.bigEndian, as: UInt64.self)
            unsafe bytes.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        return address
    }
}

/// Where a socket is bound or connected, ready for the kernel.
package enum NetworkAddress: Hashable, Sendable, CustomStringConvertible {
    case ip(IPAddress, port: UInt16)
    /// Absolute, at most 107 bytes.
    case unix(path: String)

    package var description: String {
        switch self {
        case .ip(let address, let port): address.v4 == nil ? "[\(address)]:\(port)" : "\(address):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }

    package var ip: IPAddress {
        switch self {
        case .ip(let address, _): address
        case .unix: .unspecified
        }
    }

    package var port: UInt16 {
        switch self {
        case .ip(_, let port): port
        case .unix: 0
        }
    }

    var family: CInt {
        switch self {
        case .ip(let address, _): address.v4 == nil ? AF_INET6 : AF_INET
        case .unix: AF_UNIX
        }
    }

    /// Calls `body` with the address as the kernel takes it.
    func withSocketAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        switch self {
        case .ip(let address, let port):
            if let v4 = address.v4 {
                var raw = sockaddr_in()
                raw.sin_family = sa_family_t(AF_INET)
                raw.sin_port = port.bigEndian
                raw.sin_addr.s_addr = v4.bigEndian
                return unsafe Self.withPointer(to: &raw, body)
            }
            var raw = sockaddr_in6()
            raw.sin6_family = sa_family_t(AF_INET6)
            raw.sin6_port = port.bigEndian
            raw.sin6_addr = address.in6
            return unsafe Self.withPointer(to: &raw, body)
        case .unix(let path):
            var raw = sockaddr_un()
            raw.sun_family = sa_family_t(AF_UNIX)
            unsafe withUnsafeMutableBytes(of: &raw.sun_path) { bytes in
                for (index, byte) in path.utf8.prefix(bytes.count - 1).enumerated() { unsafe bytes[index] = byte }
            }
            return unsafe Self.withPointer(to: &raw, body)
        }
    }

    private static func withPointer<Raw, Result>(
        to raw: inout Raw, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        unsafe withUnsafeBytes(of: &raw) { bytes in
            unsafe body(bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t(MemoryLayout<Raw>.size))
        }
    }

    /// The address the kernel filled in.
    init(_ storage: sockaddr_storage) {
        let family = CInt(storage.ss_family)
        self = unsafe withUnsafeBytes(of: storage) { bytes in
            switch family {
            case AF_INET:
                let raw = unsafe bytes.loadUnaligned(as: sockaddr_in.self)
                return .ip(IPAddress(v4: UInt32(bigEndian: raw.sin_addr.s_addr)), port: UInt16(bigEndian: raw.sin_port))
            case AF_INET6:
                let raw = unsafe bytes.loadUnaligned(as: sockaddr_in6.self)
                return .ip(IPAddress(raw.sin6_addr), port: UInt16(bigEndian: raw.sin6_port))
            default:
                return .unix(path: "")
            }
        }
    }

    /// An IP address as the resolver gives it, a `sockaddr`; `nil` for one of another family.
    package init?(_ raw: UnsafeRawPointer) {
        var storage = sockaddr_storage()
        let family = CInt(unsafe raw.load(as: sockaddr.self).sa_family)
        guard family == AF_INET || family == AF_INET6 else { return nil }
        let size = family == AF_INET ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size
        unsafe withUnsafeMutableBytes(of: &storage) { bytes in
            unsafe bytes.copyMemory(from: UnsafeRawBufferPointer(start: raw, count: size))
        }
        self.init(storage)
    }
}
