import EventLoops
import Glibc
import TestSupport

/// An access log whose lines a test reads.
final class TestLog: Sendable {
    let sink: LineSink
    /// Stays open as long as the sink's thread lives, which is for ever.
    private let file: CInt

    init() {
        var name = Array("/tmp/heddle-test-log-XXXXXX".utf8CString)
        file = unsafe mkstemp(&name)
        _ = unsafe unlink(name)
        _ = fcntl(file, F_SETFD, FD_CLOEXEC)
        _ = fcntl(file, F_SETFL, O_APPEND)
        sink = LineSink(descriptor: file, byteLimit: 1 << 20, name: "access-log")
    }

    /// One line of it.
    struct Line: CustomStringConvertible {
        let description: String

        /// - Returns: Without its quotes; `nil` if the line has no such field. Values with a quote in them are none of these tests'.
        func field(_ name: String) -> String? {
            guard let mark = description.firstRange(of: "\"\(name)\":") else { return nil }
            let value = description[mark.upperBound...]
            return value.first == "\""
                ? String(value.dropFirst().prefix { $0 != "\"" }) : String(value.prefix { $0 != "," && $0 != "}" })
        }
    }

    /// Waits until so many lines are there, and returns all there are.
    func lines(_ count: Int = 1) async -> [Line] {
        var lines: [Line] = []
        await Poll.until {
            lines = text().split(separator: "\n").map { Line(description: String($0)) }
            return lines.count >= count
        }
        return lines
    }

    private func text() -> String {
        var bytes = [UInt8](repeating: 0, count: Int(lseek(file, 0, SEEK_END)))
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe pread(file, $0.baseAddress, $0.count, 0) }
        return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    }
}
