import CLinux
import Glibc

/// A thousand ports that are one process's for as long as it lives, so that tests may run in several at once. Whoever has the name of
/// a block (an abstract Unix socket's, unix(7)) has the block.
struct PortBlock {
    /// They lie below the range from which the kernel takes the local ports of connections, so that none of those is ever in the way.
    private static let all = stride(from: UInt16(10_000), to: 32_000, by: 1_000)

    let ports: Range<UInt16>

    /// One that nobody has, looked for from a random one on.
    static func claim() -> PortBlock? {
        let first = Int.random(in: 0..<22)
        let firsts = Array(all)
        for offset in firsts.indices {
            let port = firsts[(first + offset) % firsts.count]
            if has(nameOf: port) { return PortBlock(ports: port..<port + 1_000) }
        }
        return nil
    }

    /// Never closed but by the process's end.
    private static func has(nameOf port: UInt16) -> Bool {
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let name = Array("\0heddle-tests-\(port)".utf8)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: name) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + name.count)
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe bind(descriptor, $0, length) }
        }
        if result != 0 { close(descriptor) }
        return result == 0
    }
}
