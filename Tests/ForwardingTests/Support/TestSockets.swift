import Glibc

/// Ports that nobody listens at: each asked for once in a process.
enum TestPort {
    static func free() -> UInt16 {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                _ = unsafe bind(descriptor, raw, length)
                _ = unsafe getsockname(descriptor, raw, &length)
            }
        }
        return UInt16(bigEndian: address.sin_port)
    }
}

/// A blocking connection that sends and receives exact bytes; reads give up after a while.
final class RawConnection: @unchecked Sendable {
    let descriptor: CInt

    init(descriptor: CInt, timeoutSeconds: Int = 5) {
        self.descriptor = descriptor
        var timeout = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    }

    convenience init(port: UInt16) throws {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                unsafe connect(descriptor, raw, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        self.init(descriptor: descriptor)
        guard result == 0 else { throw ConnectFailed(errno: errno) }
    }

    struct ConnectFailed: Error { let errno: CInt }

    deinit { close(descriptor) }

    func send(_ text: String) { send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { unsafe Glibc.send(descriptor, $0.baseAddress! + sent, $0.count - sent, CInt(MSG_NOSIGNAL)) }
            guard count > 0 else { return }
            sent += count
        }
    }

    /// What comes next; empty at the end of the stream, on a reset, and when nothing comes in time.
    func receive() -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = unsafe buffer.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress!, $0.count, 0) }
        return count > 0 ? Array(buffer[..<count]) : []
    }

    /// Everything up to the end of the stream.
    func receiveAll() -> String {
        var all: [UInt8] = []
        while true {
            let bytes = receive()
            if bytes.isEmpty { return String(decoding: all, as: UTF8.self) }
            all += bytes
        }
    }

    /// Everything up to and with `mark`.
    func receive(through mark: String) -> String {
        var all: [UInt8] = []
        let mark = Array(mark.utf8)
        while !all.ends(with: mark) {
            var byte: UInt8 = 0
            guard unsafe recv(descriptor, &byte, 1, 0) == 1 else { break }
            all.append(byte)
        }
        return String(decoding: all, as: UTF8.self)
    }

    func receive(count: Int) -> [UInt8] {
        var all: [UInt8] = []
        while all.count < count {
            var buffer = [UInt8](repeating: 0, count: min(65536, count - all.count))
            let got = unsafe buffer.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress!, $0.count, 0) }
            guard got > 0 else { break }
            all += buffer[..<got]
        }
        return all
    }

    func endOutput() { shutdown(descriptor, CInt(SHUT_WR)) }

    /// Ends with a reset at once: connecting to no address at all is how TCP aborts.
    func reset() {
        var linger = Glibc.linger(l_onoff: 1, l_linger: 0)
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
        var nowhere = sockaddr()
        nowhere.sa_family = sa_family_t(AF_UNSPEC)
        _ = unsafe connect(descriptor, &nowhere, socklen_t(MemoryLayout<sockaddr>.size))
    }

    /// A response's head and its body by `content-length` or chunks.
    func response() -> Response {
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

struct Response {
    let head: String
    var body: String
    var trailers = ""

    var status: Int { Int(head.dropFirst("HTTP/1.1 ".count).prefix(3)) ?? 0 }

    func field(_ name: String) -> String? {
        for line in head.split(separator: "\r\n").dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2, parts[0].lowercased() == name { return String(parts[1].drop { $0 == " " }) }
        }
        return nil
    }
}

extension Array where Element == UInt8 {
    func ends(with suffix: [UInt8]) -> Bool { count >= suffix.count && Array(self.suffix(suffix.count)) == suffix }
}
