import CommonValues
import Glibc
import TestSupport
import Testing

@testable import EventLoops

struct LineSinkTests {
    private struct Pipe {
        let reading: CInt
        let writing: CInt

        init(writingFlags: CInt) {
            (reading, writing) = Descriptors.pipe()
            _ = fcntl(writing, F_SETFL, writingFlags)
        }

        /// Leaves no room in it.
        /// - Returns: The bytes that it took.
        func fill() -> Int {
            let flags = fcntl(writing, F_GETFL)
            _ = fcntl(writing, F_SETFL, flags | O_NONBLOCK)
            defer { _ = fcntl(writing, F_SETFL, flags) }
            var count = 0
            for size in [4096, 1] {
                let bytes = [UInt8](repeating: UInt8(ascii: "\n"), count: size)
                while unsafe write(writing, bytes, size) > 0 { count += size }
            }
            return count
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
        #expect(sink.losses.count == UInt64(dropped))
        // Whole lines, in their order.
        #expect(pipe.read(taken.utf8.count) == taken)
    }

    @Test func `a stall has a beginning, an end and a number, and what is lost after it is another's`() async throws {
        let pipe = Pipe(writingFlags: 0)
        defer { pipe.close() }
        let sink = LineSink(descriptor: pipe.writing, byteLimit: 10_000, name: "test")
        #expect(sink.stall == nil)
        for count: UInt64 in [1, 3] {
            let before = UnixTime.now
            var taken = pipe.fill()
            while sink.stall?.count != count {
                if sink.append(Array(Self.line(7).utf8)) { taken += Self.line(7).utf8.count }
            }
            #expect(sink.stall?.isOver == false)
            let after = UnixTime.now
            _ = pipe.read(taken)
            while sink.stall?.isOver == false { await Task.yield() }
            let stall = try #require(sink.takeStall())
            #expect(stall.count == count && stall.errno == 0)
            #expect(before <= stall.from && stall.from <= stall.to && stall.to <= after)
            #expect(sink.stall == nil)
        }
    }

    @Test func `lines that a full disk does not take are counted, with the reason`() async {
        let descriptor = unsafe open("/dev/full", O_WRONLY | O_CLOEXEC)
        defer { close(descriptor) }
        let sink = LineSink(descriptor: descriptor, byteLimit: 10_000, name: "test")
        sink.append(Array("one\ntwo\n".utf8))
        while sink.losses.count < 2 { await Task.yield() }
        #expect((sink.losses.count, sink.stall?.errno) == (2, ENOSPC))
        sink.append(Array("three\n".utf8))
        while sink.losses.count < 3 { await Task.yield() }
        await sink.flush()
        #expect(sink.isIdle)
    }
}
