package import CommonValues
import Glibc
package import SystemInterfaces

/// A socket that listens for TCP, as the kernel lists them (sock_diag(7)).
package struct ListeningSocket {
    package let address: IPAddress
    package let port: UInt16
    let isIPv6Only: Bool
    package let owner: SocketOwner

    /// More than one network namespace can have: each port at a few addresses.
    private static let limit = 1 << 18
    /// The list changes while it is told: how often it is asked for anew.
    private static let tries = 5

    /// Those of this network namespace.
    package static func all() throws(SystemCallError) -> [ListeningSocket] {
        for attempt in 1... {
            var sockets: [ListeningSocket] = []
            var isWhole = true
            for family in [AF_INET, AF_INET6] {
                isWhole = try list(UInt8(family), into: &sockets) && isWhole
            }
            if isWhole || attempt == tries { return sockets }
        }
        return []
    }

    // MARK: Messages (linux/netlink.h, linux/inet_diag.h)

    private static let headByteCount = 16
    /// Of `struct nlmsghdr` and `struct inet_diag_msg`.
    private static let answerByteCount = 88
    private static let questionByteCount = 72
    /// TCP_LISTEN, as a bit of `idiag_states`.
    private static let listening: UInt32 = 1 << 10

    /// - Returns: Whether nothing changed meanwhile (NLM_F_DUMP_INTR).
    private static func list(_ family: UInt8, into sockets: inout [ListeningSocket]) throws(SystemCallError) -> Bool {
        let descriptor = socket(AF_NETLINK, CInt(SOCK_RAW.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 4)
        guard descriptor >= 0 else { throw SystemCallError(last: "socket") }
        defer { close(descriptor) }
        var question = [UInt8](repeating: 0, count: questionByteCount)
        unsafe question.withUnsafeMutableBytes { bytes in
            unsafe bytes.storeBytes(of: UInt32(questionByteCount), as: UInt32.self)
            unsafe bytes.storeBytes(of: 20, toByteOffset: 4, as: UInt16.self)  // SOCK_DIAG_BY_FAMILY
            unsafe bytes.storeBytes(of: 0x301, toByteOffset: 6, as: UInt16.self)  // NLM_F_REQUEST, NLM_F_DUMP
            unsafe bytes.storeBytes(of: family, toByteOffset: 16, as: UInt8.self)
            unsafe bytes.storeBytes(of: UInt8(IPPROTO_TCP), toByteOffset: 17, as: UInt8.self)
            unsafe bytes.storeBytes(of: listening, toByteOffset: 20, as: UInt32.self)
        }
        guard unsafe send(descriptor, question, question.count, 0) == question.count else {
            throw SystemCallError(last: "send")
        }
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var isWhole = true
        while sockets.count < limit {
            let count = unsafe recv(descriptor, &buffer, buffer.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count >= headByteCount else { throw SystemCallError(last: "recv") }
            var offset = 0
            while offset + headByteCount <= count {
                let byteCount = Int(buffer.word(offset))
                guard byteCount >= headByteCount, offset + byteCount <= count else {
                    throw SystemCallError("recv", errno: EBADMSG)
                }
                if buffer.half(offset + 6) & 0x10 != 0 { isWhole = false }  // NLM_F_DUMP_INTR
                switch buffer.half(offset + 4) {
                case 3: return isWhole  // NLMSG_DONE
                case 2:  // NLMSG_ERROR
                    guard byteCount >= headByteCount + 4 else { throw SystemCallError("recv", errno: EBADMSG) }
                    throw SystemCallError("sock_diag", errno: 0 &- CInt(bitPattern: buffer.word(offset + 16)))
                default:
                    if let socket = ListeningSocket(buffer[offset..<offset + byteCount]) { sockets.append(socket) }
                }
                offset += (byteCount + 3) & ~3
            }
        }
        return true
    }

    /// - Parameter message: One answer, whole.
    private init?(_ message: ArraySlice<UInt8>) {
        let bytes = Array(message)
        guard bytes.count >= Self.answerByteCount else { return nil }
        port = UInt16(bytes[20]) << 8 | UInt16(bytes[21])
        address =
            CInt(bytes[16]) == AF_INET
            ? IPAddress(v4: bytes.word(24).byteSwapped)
            : IPAddress(
                high: UInt64(bytes.word(24).byteSwapped) << 32 | UInt64(bytes.word(28).byteSwapped),
                low: UInt64(bytes.word(32).byteSwapped) << 32 | UInt64(bytes.word(36).byteSwapped))
        var (isIPv6Only, controlGroup): (Bool, UInt64?) = (false, nil)
        var offset = Self.answerByteCount
        while offset + 4 <= bytes.count {
            let byteCount = Int(bytes.half(offset))
            guard byteCount >= 4, offset + byteCount <= bytes.count else { break }
            switch bytes.half(offset + 2) {
            case 11 where byteCount == 5: isIPv6Only = bytes[offset + 4] != 0  // INET_DIAG_SKV6ONLY
            case 21 where byteCount == 12:  // INET_DIAG_CGROUP_ID
                controlGroup = UInt64(bytes.word(offset + 8)) << 32 | UInt64(bytes.word(offset + 4))
            default: break
            }
            offset += (byteCount + 3) & ~3
        }
        self.isIPv6Only = isIPv6Only
        owner = SocketOwner(uid: bytes.word(80), inode: bytes.word(84), controlGroup: controlGroup)
    }
}

/// Numbers as this machine has them, wherever they lie.
extension [UInt8] {
    fileprivate func half(_ offset: Int) -> UInt16 {
        unsafe withUnsafeBytes { unsafe $0.loadUnaligned(fromByteOffset: offset, as: UInt16.self) }
    }

    fileprivate func word(_ offset: Int) -> UInt32 {
        unsafe withUnsafeBytes { unsafe $0.loadUnaligned(fromByteOffset: offset, as: UInt32.self) }
    }
}
