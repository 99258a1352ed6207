import ArgumentParser
import Diagnostics
import Glibc
import Synchronization

enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json
}

/// How a command prints.
struct OutputOptions: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("How to print: text for people, json for programs.", valueName: "format"))
    var output = OutputFormat.text
}

/// Standard output and standard error. What cannot be written is lost, and `end` says so; but a reader that went away wants
/// no more.
enum Output {
    /// Why some of standard output is lost; 0: nothing is.
    private static let loss = Atomic<CInt>(0)

    static func write(_ text: String) { write(Array(text.utf8), to: STDOUT_FILENO) }
    static func writeError(_ text: String) { write(Array(text.utf8), to: STDERR_FILENO) }
    static func write(_ value: JSONValue) { write(value.rendered(pretty: true) + "\n") }

    /// Ends the process. Half an output is no answer: it never ends in 0.
    static func end(_ code: Int32) -> Never {
        // Some filesystems tell only now that there was no room.
        if close(STDOUT_FILENO) != 0, errno != EBADF { lose(errno) }
        let reason = loss.load(ordering: .relaxed)
        guard reason != 0 else { exit(code) }
        writeError(
            "error: cannot write the output: \(FailedCall.reason(reason))\n"
                + "\(FailedCall.remedy(reason, to: .write, "the output"))\n")
        exit(code == 0 ? 1 : code)
    }

    private static func lose(_ reason: CInt) {
        if reason != EPIPE { loss.store(reason, ordering: .relaxed) }
    }

    static func write(_ bytes: [UInt8], to descriptor: CInt) {
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.write(descriptor, buffer.baseAddress! + written, buffer.count - written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                if descriptor == STDOUT_FILENO { lose(errno) }
                return
            }
            written += count
        }
    }
}

/// Says what is wrong on standard error, and ends with a code of this program's.
func failure(_ message: String, code: Int32) -> ExitCode {
    Output.writeError("error: \(message)\n")
    return ExitCode(code)
}
