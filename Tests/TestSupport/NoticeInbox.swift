import Glibc

/// A service manager's end of what services tell it (sd_notify(3)).
package final class NoticeInbox {
    /// As `NOTIFY_SOCKET` has it.
    package let address: String
    private let descriptor: CInt

    /// - Parameter prefix: Of the address: a folder's path with a slash, or `@`.
    package init(_ prefix: String) throws {
        address = "\(prefix)heddle-notices-\(UInt64.random(in: .min ... .max))"
        descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        var raw = sockaddr_un()
        raw.sun_family = sa_family_t(AF_UNIX)
        let name = Array(address.replacing("@", with: "\0").utf8)
        unsafe withUnsafeMutableBytes(of: &raw.sun_path) { unsafe $0.copyBytes(from: name) }
        let result = unsafe withUnsafeBytes(of: &raw) { bytes in
            unsafe bind(
                descriptor, bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t(2 + name.count))
        }
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
}
