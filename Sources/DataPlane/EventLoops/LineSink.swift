import CLinux
package import CommonValues
import Glibc
import Synchronization
import SystemInterfaces

/// Lines on their way out of the process: a thread of its own writes them, so that whoever reads them slowly, or not at all,
/// holds up nobody. What finds the queue full, or cannot be written, is dropped and counted.
///
/// The descriptor's flags are left alone: others may share its description. One that does not block is waited for.
package final class LineSink: Sendable {
    /// Lines that are lost, from one after which all was well until one after which all is well again.
    package struct Stall: Sendable, Equatable {
        package fileprivate(set) var count: UInt64 = 0
        /// When the first of them was lost.
        package let from: UnixTime
        /// When the last of them was lost, so far.
        package fileprivate(set) var to: UnixTime
        /// Why the system did not take the last that it was given; 0: the queue was full, as nobody read.
        package fileprivate(set) var errno: CInt = 0
        /// What was said since could be written.
        package fileprivate(set) var isOver = false
    }

    /// Lines that are lost since the process began.
    package struct Losses: Sendable, Equatable {
        package fileprivate(set) var count: UInt64 = 0
        /// When the last of them was lost.
        package fileprivate(set) var lastAt: UnixTime?
    }

    private struct Queue {
        var bytes: [UInt8] = []
        /// Bytes that were taken and are not written yet.
        var writing = 0
        var losses = Losses()
        /// As far as nobody has taken note of it.
        var stall: Stall?

        mutating func lost(_ count: UInt64, errno: CInt = 0) {
            let now = UnixTime.now
            losses.count += count
            losses.lastAt = now
            var stall = stall ?? Stall(from: now, to: now)
            stall.count += count
            stall.to = now
            if errno != 0 { stall.errno = errno }
            stall.isOver = false
            self.stall = stall
        }
    }

    private let queue = Mutex(Queue())
    private let descriptor: CInt
    private let byteLimit: Int
    private let wakeup = Signal()

    /// - Parameters:
    ///   - descriptor: Stays open and its owner's.
    ///   - byteLimit: Bytes that may wait to be written.
    ///   - name: Of its thread, 15 bytes at most.
    package init(descriptor: CInt, byteLimit: Int, name: String) {
        self.descriptor = descriptor
        self.byteLimit = byteLimit
        try? SystemThread.start(name: name) { self.run() }
    }

    package var losses: Losses { queue.withLock { $0.losses } }

    /// The latest; `nil`: nothing was lost since it was taken note of.
    package var stall: Stall? { queue.withLock { $0.stall } }

    /// Takes note of it: what is lost from now on is another's.
    package func takeStall() -> Stall? {
        queue.withLock { queue in
            defer { queue.stall = nil }
            return queue.stall
        }
    }

    /// Nothing waits to be written.
    package var isIdle: Bool { queue.withLock { $0.writing == 0 && $0.bytes.isEmpty } }

    /// Waits until all lines are written, for a second at most: whoever reads them may have stopped.
    package func flush() async {
        for _ in 0..<100 where !isIdle {
            try? await Task.sleep(for: .milliseconds(10))
        }
    }

    /// From any thread; never waits for the system.
    /// - Parameter lines: Whole ones, each with its end.
    /// - Returns: `false` if there is no room for them.
    @discardableResult
    package func append(_ lines: [UInt8]) -> Bool {
        let (isTaken, isFirst) = queue.withLock { queue in
            guard queue.bytes.count + queue.writing + lines.count <= byteLimit else {
                queue.lost(UInt64(lines.count { $0 == UInt8(ascii: "\n") }))
                return (false, false)
            }
            queue.bytes.append(contentsOf: lines)
            return (true, queue.bytes.count == lines.count)
        }
        if isFirst { wakeup.give() }
        return isTaken
    }

    // MARK: On the thread

    private func run() {
        var batch = LineBatch()
        /// How long the file was when the line that is begun could not be finished.
        var length: off_t = 0
        while true {
            wakeup.wait()
            let bytes = queue.withLock { queue in
                let taken = queue.bytes
                queue.bytes = []
                queue.writing = taken.count
                return taken
            }
            var lost = 0
            // Whoever made room by emptying the file has taken the beginning of the line away, too.
            if batch.hasBegunLine, fileLength() < length { lost += batch.giveUp(keepsBegun: false) }
            batch.append(bytes)
            let error = write(&batch)
            if error != 0 {
                lost += batch.giveUp(keepsBegun: error != EPIPE)
                length = fileLength()
            }
            queue.withLock { queue in
                queue.writing = 0
                if lost > 0 { queue.lost(UInt64(lost), errno: error) }
                if error == 0 { queue.stall?.isOver = true }
            }
        }
    }

    /// Waits as long as it takes.
    /// - Returns: Why not all of it could be written; 0: it was.
    private func write(_ batch: inout LineBatch) -> CInt {
        while !batch.isEmpty {
            let count = unsafe batch.unwritten.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            guard count <= 0 else {
                batch.wrote(count)
                continue
            }
            switch count == 0 ? EIO : errno {
            case EINTR: continue
            case EAGAIN:
                // A description that does not block: it is waited for instead of asked again and again.
                var asked = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = unsafe poll(&asked, 1, -1)
            case let error: return error
            }
        }
        return 0
    }

    /// Of anything but a file: without end.
    private func fileLength() -> off_t {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return .max }
        return status.st_size
    }
}
