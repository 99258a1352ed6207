import Glibc
import SPIFFE
import TestSupport
import TransportSecurity

/// TLS for a test's plain connection: a thread that encrypts what one side says and decrypts what the other does.
enum SecureRelay {
    struct Failed: Error { let step: String }

    /// - Parameters:
    ///   - serverName: As SNI.
    ///   - protocolName: The one ALPN name offered.
    static func connect(
        port: UInt16, serverName: String, offering protocolName: String, _ identities: TestIdentities
    ) throws -> RawConnection {
        let outer = try RawConnection(port: port)
        let session = try TLSSession(
            connecting: try identities.client(offering: protocolName), as: identities.web, serverName: serverName,
            acceptableIDs: [TestIdentities.id("orders")], descriptor: outer.descriptor)
        return try relay(session, on: outer)
    }

    /// As another node takes a call.
    static func accept(_ outer: RawConnection, _ identities: TestIdentities) throws -> RawConnection {
        try relay(TLSSession(accepting: identities.server(), descriptor: outer.descriptor), on: outer)
    }

    private static func relay(_ session: consuming TLSSession, on outer: RawConnection) throws -> RawConnection {
        // Blocking, the handshake is one call, if a short read does not end it.
        session.socketBecameReadable(hangup: true)
        guard session.handshake() == .done else { throw Failed(step: "handshake") }
        var pair: [CInt] = [0, 0]
        guard unsafe socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &pair) == 0 else {
            throw Failed(step: "socketpair")
        }
        for descriptor in [outer.descriptor, pair[1]] { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }
        let inner = RawConnection(descriptor: pair[1])
        let box = Box(session)
        spawn { box.relay(outer, inner) }
        return RawConnection(descriptor: pair[0])
    }

    /// SAFETY: `@unchecked Sendable`: handed to one thread, which alone uses it.
    private final class Box: @unchecked Sendable {
        private let session: TLSSession

        init(_ session: consuming TLSSession) { self.session = session }

        func relay(_ outer: RawConnection, _ inner: RawConnection) {
            var buffer = [UInt8](repeating: 0, count: 65536)
            while true {
                var waits = [
                    pollfd(fd: outer.descriptor, events: Int16(POLLIN), revents: 0),
                    pollfd(fd: inner.descriptor, events: Int16(POLLIN), revents: 0),
                ]
                guard unsafe poll(&waits, 2, 60_000) > 0 else { return }
                if waits[0].revents != 0 {
                    session.socketBecameReadable(hangup: true)
                    let result = unsafe buffer.withUnsafeMutableBytes { unsafe session.read(into: $0) }
                    switch result {
                    case .bytes(let count):
                        guard inner.send(Array(buffer[..<count])) else { return }
                    case .wouldBlock: break
                    case .closed: return
                    case .truncated, .failed: return inner.reset()
                    }
                }
                if waits[1].revents != 0 {
                    let count = unsafe buffer.withUnsafeMutableBytes {
                        unsafe recv(inner.descriptor, $0.baseAddress!, $0.count, 0)
                    }
                    guard count > 0 else {
                        _ = session.shutdown()
                        return
                    }
                    guard write(buffer[..<count], to: outer.descriptor) else { return }
                }
            }
        }

        private func write(_ bytes: ArraySlice<UInt8>, to descriptor: CInt) -> Bool {
            var left = bytes
            while !left.isEmpty {
                switch unsafe left.withUnsafeBytes({ unsafe session.write($0) }) {
                case .bytes(let count): left = left.dropFirst(count)
                case .wouldBlock:
                    var wait = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    guard unsafe poll(&wait, 1, 10_000) > 0 else { return false }
                    session.socketBecameWritable()
                default: return false
                }
            }
            return true
        }
    }
}
