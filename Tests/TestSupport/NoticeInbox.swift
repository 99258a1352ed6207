import Glibc

/// A service manager's end of what services tell it (sd_notify(3)).
package final class NoticeInbox {
    /// As `NOTIFY_SOCKET` has it.
    package let address: String
    private let descriptor: CInt

    /// - Parameter prefix: Of the address: a folder's path with a slash, or `@`.
    package convenience init(_ prefix: String) throws {
        try self.init(at: "\(prefix)heddle-notices-\(UInt64.random(in: .min ... .max))")
    }

    package init(at address: String) throws {
        self.address = address
        descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        let result = unsafe Self.withAddress(address) { unsafe bind(descriptor, $0, $1) }
        guard result == 0 else { throw SetUpError("cannot listen at \(address): errno \(errno)") }
    }

    deinit {
        close(descriptor)
        unsafe unlink(address)
    }

    /// One message that has come already.
    package func next() -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = unsafe recv(descriptor, &buffer, buffer.count, CInt(MSG_DONTWAIT))
        return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
    }

    /// A message of `fill`'s.
    package static let filling = "FILLED=1"

    /// Fills the socket's queue: who has more to say waits until it is read.
    /// - Returns: How many messages there are now.
    @discardableResult
    package func fill() -> Int {
        let sender = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        defer { close(sender) }
        let bytes = Array(Self.filling.utf8)
        var count = 0
        while unsafe Self.withAddress(
            address, { unsafe sendto(sender, bytes, bytes.count, CInt(MSG_DONTWAIT), $0, $1) }) >= 0
        {
            count += 1
        }
        return count
    }

    private static func withAddress<Result>(
        _ address: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        var raw = sockaddr_un()
        raw.sun_family = sa_family_t(AF_UNIX)
        let name = Array(address.replacing("@", with: "\0").utf8)
        unsafe withUnsafeMutableBytes(of: &raw.sun_path) { unsafe $0.copyBytes(from: name) }
        return unsafe withUnsafeBytes(of: &raw) { bytes in
            unsafe body(bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t(2 + name.count))
        }
    }
}
