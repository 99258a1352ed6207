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

    // MARK: Messages

    /// TCP_LISTEN, as a bit of `idiag_states`.
    private static let listening: UInt32 = 1 << 10
    /// NLM_F_REQUEST and NLM_F_DUMP.
    private static let isRequestOfAll: UInt16 = 0x301
    /// NLM_F_DUMP_INTR.
    private static let isInterrupted: UInt16 = 0x10

    /// - Returns: Whether nothing changed meanwhile.
    private static func list(_ family: UInt8, into sockets: inout [ListeningSocket]) throws(SystemCallError) -> Bool {
        let descriptor = try SocketDiagnosis.connectedToKernel()
        defer { close(descriptor) }
        var question = [UInt8](repeating: 0, count: DiagnosisMessage.questionByteCount)
        unsafe question.withUnsafeMutableBytes { bytes in
            unsafe bytes.storeBytes(of: UInt32(bytes.count), as: UInt32.self)
            unsafe bytes.storeBytes(of: DiagnosisMessage.Kind.socket, toByteOffset: 4, as: UInt16.self)
            unsafe bytes.storeBytes(of: isRequestOfAll, toByteOffset: 6, as: UInt16.self)
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
            guard count >= DiagnosisMessage.headByteCount else { throw SystemCallError(last: "recv") }
            let messages = unsafe buffer.span.bytes.extracting(first: count)
            if try take(messages, into: &sockets, &isWhole) { return isWhole }
        }
        return true
    }

    /// - Parameter bytes: Messages, one behind the other.
    /// - Returns: Whether the list is over.
    private static func take(
        _ bytes: RawSpan, into sockets: inout [ListeningSocket], _ isWhole: inout Bool
    ) throws(SystemCallError) -> Bool {
        var offset = 0
        while offset + DiagnosisMessage.headByteCount <= bytes.byteCount {
            let byteCount = Int(unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
            guard byteCount >= DiagnosisMessage.headByteCount, byteCount <= bytes.byteCount - offset else {
                throw SystemCallError("recv", errno: EBADMSG)
            }
            let message = DiagnosisMessage(bytes.extracting(offset..<offset + byteCount))
            if message.flags & isInterrupted != 0 { isWhole = false }
            switch message.kind {
            case DiagnosisMessage.Kind.done: return true
            case DiagnosisMessage.Kind.error: throw SystemCallError("sock_diag", errno: message.errno)
            default: if message.isOfSocket { sockets.append(ListeningSocket(message)) }
            }
            offset += (byteCount + 3) & ~3
        }
        return false
    }

    private init(_ message: borrowing DiagnosisMessage) {
        address =
            message.family == AF_INET
            ? IPAddress(v4: message.addressWord(0))
            : IPAddress(
                high: UInt64(message.addressWord(0)) << 32 | UInt64(message.addressWord(1)),
                low: UInt64(message.addressWord(2)) << 32 | UInt64(message.addressWord(3)))
        port = message.ownPort
        isIPv6Only = message.isIPv6Only
        owner = message.owner
    }
}
