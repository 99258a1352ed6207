import Glibc

/// Where signal handlers leave what came: writing to a pipe is all that a handler may do (signal-safety(7)).
/// SAFETY: set once, before the handlers are.
nonisolated(unsafe) private var pipeEnds: (reading: CInt, writing: CInt) = (-1, -1)

enum Signals {
    /// SIGTERM, SIGINT and SIGHUP from now on.
    static func stream() -> AsyncStream<CInt> {
        var ends: [CInt] = [-1, -1]
        unsafe pipe(&ends)
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        unsafe pipeEnds = (ends[0], ends[1])
        for number in [SIGTERM, SIGINT, SIGHUP] {
            signal(number) { number in
                var byte = UInt8(truncatingIfNeeded: number)
                _ = unsafe write(pipeEnds.writing, &byte, 1)
            }
        }
        return AsyncStream { continuation in
            var thread = pthread_t()
            let box = unsafe Unmanaged.passRetained(Box(continuation))
            unsafe pthread_create(
                &thread, nil,
                { argument in
                    let box = unsafe Unmanaged<Box>.fromOpaque(argument!).takeRetainedValue()
                    var byte: UInt8 = 0
                    while true {
                        let count = unsafe read(pipeEnds.reading, &byte, 1)
                        if count == 1 { box.continuation.yield(CInt(byte)) } else if errno != EINTR { return nil }
                    }
                }, box.toOpaque())
            pthread_detach(thread)
        }
    }

    private final class Box: Sendable {
        let continuation: AsyncStream<CInt>.Continuation
        init(_ continuation: AsyncStream<CInt>.Continuation) { self.continuation = continuation }
    }
}
