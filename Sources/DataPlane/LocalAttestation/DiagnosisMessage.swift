import Glibc
import SystemInterfaces

/// One answer of the kernel about sockets: `struct nlmsghdr`, `struct inet_diag_msg` and attributes (netlink(7), linux/inet_diag.h). Bounds
/// are checked; nothing is copied.
struct DiagnosisMessage: ~Escapable {
    enum Kind {
        /// SOCK_DIAG_BY_FAMILY.
        static let socket: UInt16 = 20
        /// NLMSG_DONE: the last of a list.
        static let done: UInt16 = 3
        /// NLMSG_ERROR.
        static let error: UInt16 = 2
    }

    enum Attribute {
        /// INET_DIAG_SKV6ONLY, one byte.
        static let isIPv6Only: UInt16 = 11
        /// INET_DIAG_CGROUP_ID, eight bytes.
        static let controlGroup: UInt16 = 21
    }

    /// Of a question: `struct nlmsghdr` and `struct inet_diag_req_v2`.
    static let questionByteCount = 72
    /// Of `struct nlmsghdr`.
    static let headByteCount = 16
    /// Of what stands before the attributes.
    private static let fixedByteCount = 88

    private let bytes: RawSpan

    /// - Parameter bytes: At least a head.
    @_lifetime(copy bytes)
    init(_ bytes: RawSpan) {
        precondition(bytes.byteCount >= Self.headByteCount)
        self.bytes = bytes
    }

    var kind: UInt16 { half(4) }
    var flags: UInt16 { half(6) }
    var sequence: UInt32 { word(8) }
    /// Of one that is an error.
    var errno: CInt { bytes.byteCount >= Self.headByteCount + 4 ? 0 &- CInt(bitPattern: word(16)) : EBADMSG }
    /// It is of a socket, and all that is asked of one is there.
    var isOfSocket: Bool { kind == Kind.socket && bytes.byteCount >= Self.fixedByteCount }

    // MARK: Of a socket

    var family: CInt { CInt(byte(16)) }
    /// As linux/tcp_states.h numbers them.
    var state: UInt8 { byte(17) }
    var ownPort: UInt16 { half(20).byteSwapped }
    var otherPort: UInt16 { half(22).byteSwapped }
    /// 0: no process has it any more.
    var inode: UInt32 { word(84) }

    var owner: SocketOwner {
        SocketOwner(
            uid: word(80), inode: inode,
            controlGroup: offset(of: Attribute.controlGroup, byteCount: 8).map { offset in
                UInt64(word(offset)) | UInt64(word(offset + 4)) << 32
            })
    }

    /// At an address of IPv6, to which calls of IPv4 do not come.
    var isIPv6Only: Bool { offset(of: Attribute.isIPv6Only, byteCount: 1).map { byte($0) != 0 } ?? false }

    /// A word of the socket's own address, 0 to 3, as numbers are written.
    func addressWord(_ index: Int) -> UInt32 { word(24 + 4 * index).byteSwapped }

    private func offset(of attribute: UInt16, byteCount: Int) -> Int? {
        var offset = Self.fixedByteCount
        while offset + 4 <= bytes.byteCount {
            let length = Int(half(offset))
            guard length >= 4, offset + length <= bytes.byteCount else { return nil }
            if half(offset + 2) == attribute, length == 4 + byteCount { return offset + 4 }
            offset += (length + 3) & ~3
        }
        return nil
    }

    private func byte(_ offset: Int) -> UInt8 { unsafe bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self) }
    private func word(_ offset: Int) -> UInt32 {
        unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self)
    }
    private func half(_ offset: Int) -> UInt16 {
        unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self)
    }
}
