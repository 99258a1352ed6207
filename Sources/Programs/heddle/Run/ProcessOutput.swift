import AdminAPI
import EventLoops
import Logging

/// Standard output and standard error of a running mesh: the access log and the log. Nobody who has something to say waits
/// for whoever reads them.
struct ProcessOutput: Sendable {
    let access = LineSink(descriptor: 1, byteLimit: ProcessOutput.accessByteLimit, name: "access-log")
    let log = LineSink(descriptor: 2, byteLimit: ProcessOutput.logByteLimit, name: "log")

    /// Bytes of the access log that may wait to be written: 4 MiB.
    private static let accessByteLimit = 4 * 1024 * 1024
    /// Bytes of the log that may wait to be written: 1 MiB.
    private static let logByteLimit = 1024 * 1024

    func logger(level: Logger.Level) -> Logger {
        let stream = Stream(sink: log)
        var logger = Logger(label: "heddle", factory: { StreamLogHandler(label: $0, stream: stream) })
        logger.logLevel = level
        return logger
    }

    var lostLines: [LostLinesReport] {
        [("access log", access.losses), ("log", log.losses)].compactMap { name, losses in
            losses.lastAt.map { LostLinesReport(log: name, count: losses.count, lastAt: $0) }
        }
    }

    func flush() async {
        async let first: Void = access.flush()
        async let second: Void = log.flush()
        _ = await (first, second)
    }

    private struct Stream: TextOutputStream {
        let sink: LineSink

        func write(_ line: String) { sink.append(Array(line.utf8)) }
    }
}
