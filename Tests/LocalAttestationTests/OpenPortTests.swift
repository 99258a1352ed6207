import CommonValues
import Glibc
import TestSupport
import Testing

@testable import LocalAttestation

/// What the kernel lists of sockets that listen, beside real ones.
struct OpenPortTests {
    /// A socket that listens at a port of IPv6.
    private final class Listener {
        let port: UInt16
        private let descriptor: CInt

        init(_ address: in6_addr, isIPv6Only: Bool) throws {
            let new = socket(AF_INET6, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            var only: CInt = isIPv6Only ? 1 : 0
            unsafe setsockopt(new, CInt(IPPROTO_IPV6), IPV6_V6ONLY, &only, socklen_t(MemoryLayout<CInt>.size))
            var raw = sockaddr_in6()
            raw.sin6_family = sa_family_t(AF_INET6)
            raw.sin6_addr = address
            let size = socklen_t(MemoryLayout<sockaddr_in6>.size)
            let isListening = unsafe withUnsafeMutableBytes(of: &raw) { bytes in
                let pointer = unsafe bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self)
                var bound = size
                return unsafe bind(new, pointer, size) == 0 && listen(new, 1) == 0
                    && getsockname(new, pointer, &bound) == 0
            }
            descriptor = new
            port = UInt16(bigEndian: raw.sin6_port)
            guard isListening else { throw SetUpError("cannot listen: errno \(errno)") }
        }

        deinit { close(descriptor) }
    }

    private static func sockets(at port: UInt16) throws -> [ListeningSocket] {
        try ListeningSocket.all().filter { $0.port == port }
    }

    @Test func `a socket that listens is listed, with its address and whose it is`() throws {
        let port = TestPort.free()
        #expect(try Self.sockets(at: port).isEmpty)
        let descriptor = TestPort.listen(at: port, backlog: 1)
        let found = try Self.sockets(at: port)
        #expect(found.map(\.address) == [IPAddress("127.0.0.1")])
        #expect(found.map(\.owner.uid) == [geteuid()])
        #expect(found.allSatisfy { $0.owner.inode != 0 && !$0.isIPv6Only })
        close(descriptor)
        #expect(try Self.sockets(at: port).isEmpty)
    }

    @Test(arguments: [true, false])
    func `so is one of IPv6, whether it takes calls of IPv4 or not`(isIPv6Only: Bool) throws {
        let any = try Listener(in6addr_any, isIPv6Only: isIPv6Only)
        let found = try Self.sockets(at: any.port)
        #expect(found.map(\.address) == [.unspecified])
        #expect(found.map(\.isIPv6Only) == [isIPv6Only])
        let loopback = try Listener(in6addr_loopback, isIPv6Only: isIPv6Only)
        #expect(try Self.sockets(at: loopback.port).map(\.address) == [IPAddress("::1")])
    }

    @Test func `a program finds the ports of others, and not its own`() throws {
        let port = TestPort.free()
        let descriptor = TestPort.listen(at: port, backlog: 1)
        defer { close(descriptor) }
        #expect(try !Self.sockets(at: port).isEmpty)
        #expect(try !OpenPort.all().contains { $0.port == port })
    }
}
