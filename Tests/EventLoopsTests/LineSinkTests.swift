import Glibc
import Testing

@testable import EventLoops

struct LineSinkTests {
    private struct Pipe {
        let reading: CInt
        let writing: CInt

        init(writingFlags: CInt) {
            var ends: [CInt] = [-1, -1]
            unsafe pipe(&ends)
            (reading, writing) = (ends[0], ends[1])
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            _ = fcntl(writing, F_SETFL, writingFlags)
        }

        func close() {
            Glibc.close(reading)
            Glibc.close(writing)
        }

        /// All of so many bytes.
        func read(_ count: Int) -> String {
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 1024)
            while bytes.count < count {
                let taken = unsafe Glibc.read(reading, &buffer, min(buffer.count, count - bytes.count))
                if taken <= 0 { break }
                bytes += buffer[..<taken]
            }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    private static func line(_ number: Int) -> String { "line \(number) " + String(repeating: "x", count: 90) + "\n" }

    @Test(arguments: [CInt(0), O_NONBLOCK])
    func `nobody waits for a reader that has stopped, and what is lost is counted`(flags: CInt) {
        let pipe = Pipe(writingFlags: flags)
        defer { pipe.close() }
        let sink = LineSink(descriptor: pipe.writing, byteLimit: 10_000, name: "test")
        let lines = (0..<2_000).map(Self.line)
        var taken = ""
        var dropped = 0
        for line in lines {
            if sink.append(Array(line.utf8)) { taken += line } else { dropped += 1 }
        }
        #expect(dropped > 1_000)
        #expect(sink.losses == LineSink.Losses(unread: UInt64(dropped)))
        // Whole lines, in their order.
        #expect(pipe.read(taken.utf8.count) == taken)
    }

    @Test func `lines that a full disk does not take are counted, with the reason`() async {
        let descriptor = unsafe open("/dev/full", O_WRONLY | O_CLOEXEC)
        defer { close(descriptor) }
        let sink = LineSink(descriptor: descriptor, byteLimit: 10_000, name: "test")
        sink.append(Array("one\ntwo\n".utf8))
        while sink.losses.count < 2 { await Task.yield() }
        #expect(sink.losses == LineSink.Losses(unwritable: 2, errno: ENOSPC))
        sink.append(Array("three\n".utf8))
        while sink.losses.count < 3 { await Task.yield() }
        await sink.flush()
        #expect(sink.isIdle)
    }
}
