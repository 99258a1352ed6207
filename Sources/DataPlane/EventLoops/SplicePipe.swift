import CLinux
import Glibc

/// A pipe through which bytes go from one socket to another without leaving the kernel (splice(2)).
package struct SplicePipe: ~Copyable {
    private let input: CInt
    private let output: CInt
    /// Bytes in the pipe.
    package private(set) var count = 0

    /// Bytes it holds, where the kernel grants as many: 256 KiB.
    private static let capacity = 256 * 1024
    /// SPLICE_F_MOVE | SPLICE_F_NONBLOCK.
    private static let flags: CUnsignedInt = 1 | 2

    /// - Returns: `nil` if descriptors have run out.
    package init?() {
        var ends: [CInt] = [-1, -1]
        guard unsafe pipe2(&ends, CInt(O_NONBLOCK) | CInt(O_CLOEXEC)) == 0 else { return nil }
        output = ends[0]
        input = ends[1]
        _ = CLinux_set_pipe_capacity(input, CInt(Self.capacity))
    }

    deinit {
        _ = Glibc.close(input)
        _ = Glibc.close(output)
    }

    /// Takes what has come on a socket, as much as fits. To be called with an empty pipe: else a full one looks like a socket
    /// without bytes.
    package mutating func fill(from descriptor: CInt) -> SocketResult {
        let result = splice(descriptor, nil, input, nil, Self.capacity, Self.flags)
        if result > 0 {
            count += result
            return .bytes(result)
        }
        if result == 0 { return .endOfStream }
        return errno == EAGAIN || errno == EINTR ? .wouldBlock : .failed(errno: errno)
    }

    /// Gives a socket as much as it takes.
    package mutating func drain(to descriptor: CInt) -> SocketResult {
        let result = splice(output, nil, descriptor, nil, count, Self.flags)
        if result > 0 {
            count -= result
            return .bytes(result)
        }
        return errno == EAGAIN || errno == EINTR ? .wouldBlock : .failed(errno: errno)
    }
}
