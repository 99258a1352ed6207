import CLinux
import EventLoops
import Glibc
import Synchronization

/// Where access log lines go: a thread of its own writes them, so that a slow reader holds up no call. Lines that find
/// the buffer full are dropped and counted.
package final class AccessLogSink: Sendable {
    private struct Buffer {
        var bytes: [UInt8] = []
        var dropped: UInt64 = 0
        /// Lines were taken and are not written yet.
        var isWriting = false
    }

    private let buffer = Mutex(Buffer())
    private let descriptor: CInt
    private let wakeup: CInt

    /// Bytes that may wait to be written: 4 MiB.
    private static let byteLimit = 4 * 1024 * 1024

    /// - Parameter descriptor: Stays open and its owner's.
    package init(descriptor: CInt) {
        self.descriptor = descriptor
        wakeup = eventfd(0, CInt(EFD_CLOEXEC))
        _ = SystemThread.start(name: "access-log") { self.run() }
    }

    package var droppedLineCount: UInt64 { buffer.withLock { $0.dropped } }

    /// Waits until all lines are written, for a second at most: whoever reads them may have stopped.
    package func flush() async {
        for _ in 0..<100 where buffer.withLock({ $0.isWriting || !$0.bytes.isEmpty }) {
            try? await Task.sleep(for: .milliseconds(10))
        }
    }

    func append(_ line: [UInt8]) {
        let wasEmpty = buffer.withLock { buffer in
            guard buffer.bytes.count + line.count <= Self.byteLimit else {
                buffer.dropped += 1
                return false
            }
            buffer.bytes.append(contentsOf: line)
            return buffer.bytes.count == line.count
        }
        if wasEmpty { _ = eventfd_write(wakeup, 1) }
    }

    private func run() {
        while true {
            var count: eventfd_t = 0
            _ = unsafe eventfd_read(wakeup, &count)
            let bytes = buffer.withLock { buffer in
                let taken = buffer.bytes
                buffer.bytes = []
                buffer.isWriting = true
                return taken
            }
            write(bytes)
            buffer.withLock { $0.isWriting = false }
        }
    }

    private func write(_ bytes: [UInt8]) {
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress! + written, $0.count - written)
            }
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count > 0 else { return }
            written += count
        }
    }
}
