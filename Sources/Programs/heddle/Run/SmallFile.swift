import Glibc

enum SmallFile {
    /// The bytes of a regular file of 4 MiB at most; `nil` if there is none, or it cannot be read.
    static func bytes(_ path: String) -> [UInt8]? {
        // Nonblocking: a FIFO in the file's place must not hold us up.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= 4 << 20
        else {
            return nil
        }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
        guard count >= 0 else { return nil }
        return Array(bytes[..<count])
    }
}
