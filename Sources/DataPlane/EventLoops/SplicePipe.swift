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
    package mutating func fill(from socket: borrowing Socket) -> SocketResult {
        let result = Self.move(Self.capacity, from: socket.descriptor, to: input)
        if case .bytes(let taken) = result { count += taken }
        return result
    }

    /// Gives a socket as much as it takes now. A socket that was reset raises SIGPIPE, which the process is to ignore.
    package mutating func drain(to socket: borrowing Socket) -> SocketResult {
        var sent = 0
        while count > 0 {
            switch Self.move(count, from: output, to: socket.descriptor) {
            case .bytes(let taken):
                count -= taken
                sent += taken
            case .wouldBlock, .endOfStream: return sent > 0 ? .bytes(sent) : .wouldBlock
            case .failed(let errno): return .failed(errno: errno)
            }
        }
        return .bytes(sent)
    }

    private static func move(_ count: Int, from source: CInt, to target: CInt) -> SocketResult {
        while true {
            let result = splice(source, nil, target, nil, count, flags)
            if result > 0 { return .bytes(result) }
            if result == 0 { return .endOfStream }
            switch errno {
            case EINTR: continue
            case EAGAIN: return .wouldBlock
            case let error: return .failed(errno: error)
            }
        }
    }
}
