import CLinux
import Glibc

/// A blocking connection that sends and receives exact bytes; reads give up after a while.
///
/// SAFETY: `@unchecked Sendable`: one thread reads, and one writes.
package final class RawConnection: @unchecked Sendable {
    package let descriptor: CInt
    /// What was read and not yet asked for.
    private var received: [UInt8] = []
    private var taken = 0
    private var space = [UInt8](repeating: 0, count: 65536)
    /// The peer has ended its side or the connection is broken; false when a read only gave up waiting.
    package private(set) var isEnded = false

    package init(descriptor: CInt) {
        self.descriptor = descriptor
        var timeout = timeval(tv_sec: Int(Poll.patience.components.seconds), tv_usec: 0)
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    }

    package convenience init(port: UInt16) throws {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        let result = unsafe Loopback.withAddress(port: port) { address, length in
            unsafe connect(descriptor, address, length)
        }
        let error = errno
        self.init(descriptor: descriptor)
        guard result == 0 else { throw ConnectFailed(errno: error) }
        var one: CInt = 1
        _ = unsafe setsockopt(
            descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<CInt>.size))
    }

    package struct ConnectFailed: Error {
        package let errno: CInt

        package init(errno: CInt) { self.errno = errno }
    }

    deinit { close(descriptor) }

    /// - Returns: Whether the kernel took all of it.
    @discardableResult
    package func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    @discardableResult
    package func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.send(descriptor, $0.baseAddress! + sent, $0.count - sent, CInt(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// Returns once the other side's kernel has all that was sent, the end of it included: whoever looks there finds it.
    package func waitUntilDelivered() {
        Poll.until {
            var unacknowledged: CInt = 0
            return unsafe ioctl(descriptor, UInt(TIOCOUTQ), &unacknowledged) != 0 || unacknowledged == 0
        }
    }

    /// Bytes or an end have come that were not asked for yet.
    package var hasInput: Bool {
        var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe taken < received.count || poll(&wanted, 1, 0) > 0
    }

    /// What comes next; empty at the end of the stream, on a reset, and when nothing comes in time.
    package func receive() -> [UInt8] {
        guard taken < received.count || fill() else { return [] }
        defer { taken = received.count }
        return Array(received[taken...])
    }

    /// Everything up to the end of the stream.
    package func receiveAll() -> String {
        var all: [UInt8] = []
        while true {
            let bytes = receive()
            if bytes.isEmpty { return String(decoding: all, as: UTF8.self) }
            all += bytes
        }
    }

    /// Everything up to and with `mark`.
    package func receive(through mark: String) -> String {
        let mark = Array(mark.utf8)
        var looked = taken
        while true {
            while looked + mark.count <= received.count {
                if received[looked..<looked + mark.count].elementsEqual(mark) { return text(to: looked + mark.count) }
                looked += 1
            }
            let offset = looked - taken
            guard fill() else { return text(to: received.count) }
            looked = taken + offset
        }
    }

    package func receive(count: Int) -> [UInt8] {
        while received.count - taken < count, fill() {}
        let end = min(received.count, taken + count)
        defer { taken = end }
        return Array(received[taken..<end])
    }

    private func text(to end: Int) -> String {
        defer { taken = end }
        return String(decoding: received[taken..<end], as: UTF8.self)
    }

    private func fill() -> Bool {
        received.removeFirst(taken)
        taken = 0
        let count = unsafe space.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress!, $0.count, 0) }
        guard count > 0 else {
            isEnded = count == 0 || (errno != EAGAIN && errno != EINTR)
            return false
        }
        received += space[..<count]
        return true
    }

    package func endOutput() { shutdown(descriptor, CInt(SHUT_WR)) }

    /// Ends with a reset at once: connecting to no address at all is how TCP aborts.
    package func reset() {
        var linger = Glibc.linger(l_onoff: 1, l_linger: 0)
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
        var nowhere = sockaddr()
        nowhere.sa_family = sa_family_t(AF_UNSPEC)
        _ = unsafe connect(descriptor, &nowhere, socklen_t(MemoryLayout<sockaddr>.size))
    }

    /// A response's head and its body by `content-length` or chunks.
    package func response() -> Response {
        let head = receive(through: "\r\n\r\n")
        var response = Response(head: head, body: "")
        if let length = response.field("content-length").flatMap(Int.init) {
            response.body = String(decoding: receive(count: length), as: UTF8.self)
        } else if response.field("transfer-encoding") == "chunked" {
            while true {
                let size = Int(receive(through: "\r\n").dropLast(1), radix: 16) ?? 0
                if size == 0 { break }
                response.body += String(decoding: receive(count: size), as: UTF8.self)
                _ = receive(through: "\r\n")
            }
            response.trailers = receive(through: "\r\n")
        }
        return response
    }
}

package struct Response: Sendable {
    package let head: String
    package var body: String
    package var trailers = ""

    package init(head: String, body: String) {
        self.head = head
        self.body = body
    }

    package var status: Int { Int(head.dropFirst("HTTP/1.1 ".count).prefix(3)) ?? 0 }

    package func field(_ name: String) -> String? {
        for line in head.split(separator: "\r\n").dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2, parts[0].lowercased() == name { return String(parts[1].drop { $0 == " " }) }
        }
        return nil
    }
}
